"""Pages of notifications: of each organization, and of the installation."""
