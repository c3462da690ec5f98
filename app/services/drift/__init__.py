"""Drift: whether providers have what they should for each number."""
