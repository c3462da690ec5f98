"""Webhooks at providers: the URLs that they call for numbers and applications."""
