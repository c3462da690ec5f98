"""Pages for organizations, their settings and homes."""
