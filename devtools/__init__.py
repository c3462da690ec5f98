"""Development tools: the demo, screenshots, and servers to try things with."""
