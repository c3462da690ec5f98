"""Pages for the numbers of a provider's account."""
