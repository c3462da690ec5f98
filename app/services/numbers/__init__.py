"""Numbers: what accounts own, who has them, and importing them."""
