"""The installation: its setup and its keys."""
