"""Webhook tests: the request of an incoming call, made by Patchbay, and a verdict on the response."""
