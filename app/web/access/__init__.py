"""Pages for signing in, the account, and people."""
