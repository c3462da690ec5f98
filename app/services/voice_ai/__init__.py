"""Voice AI: its configuration, the webhook for call reports, and numbers that agents answer."""
