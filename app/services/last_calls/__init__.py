"""Last calls: whether real calls get through, as the providers list them."""
