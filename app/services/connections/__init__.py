"""Connections: what is stored of a provider, how it is parsed, tested and called."""
