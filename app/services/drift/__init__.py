"""Drift: comparing each number's settings at its provider with the expected ones."""
