"""The certificates that are trusted."""

from __future__ import annotations

import ssl

import certifi

from app.core.outbound.sockets import TlsSocket


def context(*, with_system: bool = True) -> ssl.SSLContext:
    """Trusts the roots of certifi and of the system, to which operators add that of an egress proxy."""
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    found.load_verify_locations(certifi.where())
    if with_system:
        found.load_default_certs()
    found.sslsocket_class = TlsSocket
    return found
