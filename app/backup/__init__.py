"""Backups of an installation, and its move to another machine or database."""
