"""Last calls: whether real calls get through, according to the providers' lists of calls."""
