"""Public IP addresses, and the addresses of host names."""

from __future__ import annotations

import ipaddress
import queue
import re
import socket
import threading
from typing import Any, TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

HOST = re.compile(r"(?=.{4,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")
"""A host name. Its last label starts with a letter, so that no spelling of an IPv4 address matches."""

MAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")
"""An e-mail address that every mail server accepts, without quotes, comments or other alphabets."""

_PRIVATE_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's own services, on an address that is otherwise public
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
"""All global unicast addresses. Outside it are loopback, mapped and compatible IPv4, NAT64
(64:ff9b::/96), unique local, link local, site local and multicast."""
_PRIVATE_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, benchmarks, ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "3fff::/20",
    )
)


def is_public(address: Address) -> bool:
    """Whether the address is public, without multicast, NAT64 and 6to4, which `is_global` accepts."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in network for network in _PRIVATE_V4)
    return (
        address in _PUBLIC_V6 and address.is_global and not any(address in network for network in _PRIVATE_V6)
    )


def literal(host: str) -> Address | None:
    """Returns the IP address of a host that is written as one; None for a name."""
    try:
        return ipaddress.ip_address(host) if "%" not in host else None
    except ValueError:
        return None


def look_up(host: str, seconds: float) -> list[Address]:
    """Returns every address of a host. Raises TimeoutError, and OSError for an unknown name.

    The lookup runs in a thread, since the system's resolver has no deadline.
    """
    if written := literal(host):
        return [written]
    answers: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def resolve() -> None:
        try:
            answers.put(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=resolve, daemon=True, name="outbound-dns").start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise OSError from None
    return list(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in answer))


def client(text: str | None) -> str:
    """Returns a client's IP address in canonical spelling; "" if the text is not one.

    Proxies may forward any text.
    """
    address = literal((text or "").strip())
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address or "")


def network(address: str) -> str:
    """Returns the network of one client: an IPv4 address, or an IPv6 /64."""
    parsed = literal(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return address
