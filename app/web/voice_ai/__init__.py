"""Pages for voice AI."""
