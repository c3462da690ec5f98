"""Voice AI: its configuration, the webhook for calls, and numbers that AI answers."""
