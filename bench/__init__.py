"""Measurements of what Patchbay promises about speed."""
