"""The audit log: events of who did what, in hash chains that reveal tampering."""
