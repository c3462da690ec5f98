"""The status of organizations: this package reads everything and changes nothing."""
