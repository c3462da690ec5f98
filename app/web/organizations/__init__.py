"""Pages for organizations, their settings and checklist."""
