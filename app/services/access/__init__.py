"""Access: users, sign-in, sessions, tokens, and the second step."""
