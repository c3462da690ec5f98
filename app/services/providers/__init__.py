"""Providers: their credentials, defaults and history, and the documents of the API."""
