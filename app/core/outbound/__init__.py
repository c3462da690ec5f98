"""Requests to other servers: one client, addresses that are checked, and upstreams."""
