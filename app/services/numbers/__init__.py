"""Numbers of provider accounts: listing them, importing them, and assigning them to users."""
