"""Organizations: creating, finding and changing them."""
