"""Status: how an organization stands. Reads everything, changes nothing."""
