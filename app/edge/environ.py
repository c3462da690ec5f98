"""Converts an ASGI scope to the WSGI environment of Flask."""

from __future__ import annotations

import random
import sys
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

Scope = MutableMapping[str, Any]
Environ = dict[str, Any]

LONGEST_URL = 8_000
LARGEST_HEADERS = 64_000
MOST_HEADERS = 80

REQUEST_ID = "patchbay.request_id"
"""The key of the request's id, which is also in the response's X-Request-Id and in the log."""

_WITHOUT_PREFIX = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


def new_id() -> str:
    return f"{random.getrandbits(64):016x}"


def refusal(scope: Scope) -> int | None:
    """Returns the status for a request whose address or headers are too large: 414 or 431."""
    if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_URL:
        return 414
    headers = scope["headers"]
    if (
        len(headers) > MOST_HEADERS
        or sum(len(name) + len(value) for name, value in headers) > LARGEST_HEADERS
    ):
        return 431
    return None


def origin(scope: Scope) -> str | None:
    """Returns the Origin header; None if there is none."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
    return ",".join(values) or None


def of(scope: Scope) -> Environ:
    """Returns the environment without a body; the caller sets `wsgi.input`.

    Headers with an underscore in their name are dropped: WSGI confuses them with the same name with hyphens,
    which a proxy may have checked or set.
    """
    host, port = scope["server"]
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" in name:
            continue
        key = _WITHOUT_PREFIX.get(name) or "HTTP_" + name.upper().replace("-", "_")
        if key in environ:
            value = f"{environ[key]}{';' if key == 'HTTP_COOKIE' else ','}{value}"
        environ[key] = value
    return environ
