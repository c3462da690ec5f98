"""Drift: comparing each number at its provider with what Patchbay expects."""
