"""Development tools: the demo, screenshots, test servers and databases, and checks of the text."""
