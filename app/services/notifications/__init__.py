"""Notifications: what happened, who gets it, and its delivery."""
