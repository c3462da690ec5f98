"""Webhooks: what providers are told to call."""
