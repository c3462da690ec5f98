"""Connections: the stored credentials of each provider, their tests, and calls with them."""
