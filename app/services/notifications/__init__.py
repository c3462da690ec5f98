"""Notifications: problems and news, their recipients, and their delivery."""
