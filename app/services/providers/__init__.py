"""Providers: what a superadmin does with them."""
