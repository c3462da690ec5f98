"""Pages for the audit."""
