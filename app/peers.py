"""Recognizes the sender of a request by its socket, not by its headers."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any

_FORWARDING = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_VIA")


def is_this_machine(environ: dict[str, Any]) -> bool:
    """Whether a program on this machine sent the request, and is not a proxy for another machine."""
    return is_loopback(address(environ)) and not any(header in environ for header in _FORWARDING)


@lru_cache(maxsize=1024)
def is_loopback(text: str) -> bool:
    try:
        ip = ip_address(text)
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return (mapped or ip).is_loopback


def address(environ: dict[str, Any]) -> str:
    """Returns the address of the socket's client, also if a trusted proxy named another one."""
    original = environ.get("werkzeug.proxy_fix.orig") or {}
    return str(original.get("REMOTE_ADDR") or environ.get("REMOTE_ADDR") or "")
