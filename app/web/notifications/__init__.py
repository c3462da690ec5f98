"""Pages of notifications, for each organization and for the installation."""
