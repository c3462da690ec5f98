"""Users, sign-in, sessions, API tokens, and two-step sign-in."""
