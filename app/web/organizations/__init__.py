"""Pages for organizations: the overview, settings, homes and routing maps."""
