"""The database: its engine, and migrations."""
