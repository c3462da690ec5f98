"""Webhook tests: Patchbay makes the request of an incoming call, and judges the response."""
