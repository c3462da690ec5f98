"""The certificates that are trusted."""

from __future__ import annotations

import ssl

import certifi

from app.core.outbound.sockets import TlsSocket


def context(*, with_system: bool = True) -> ssl.SSLContext:
    """Returns a TLS context that trusts the roots of certifi, and by default those of the system.

    Operators add the root of an egress proxy to the system's.
    """
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    result.minimum_version = ssl.TLSVersion.TLSv1_2
    result.load_verify_locations(certifi.where())
    if with_system:
        result.load_default_certs()
    result.sslsocket_class = TlsSocket
    return result
