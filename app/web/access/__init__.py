"""Pages for signing in, the account, and users."""
