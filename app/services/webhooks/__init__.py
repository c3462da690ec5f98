"""Webhooks: the URLs that providers call."""
