"""Requests to other servers: HTTP and mail clients, the addresses that they check, and upstreams."""
