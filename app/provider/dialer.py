"""Tokens with which the SDK of a user's dialer signs in at a voice provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from joserfc import jws, jwt
from joserfc.jwk import OctKey

from app.core import clock

LONGEST = timedelta(hours=1)
_ANY_HEADER = jws.JWSRegistry(strict_check_header=False)
"""Accepts the header parameters that providers define."""


@dataclass(frozen=True)
class DialerToken:
    """A JWT for one user's dialer."""

    jwt: str = field(repr=False)
    expires_at: datetime


def mint(
    header: Mapping[str, Any],
    claims: Mapping[str, Any],
    key: str | bytes,
    *,
    issued_at: datetime,
    life: timedelta = LONGEST,
) -> DialerToken:
    """Returns the claims, with `iat` and `exp`, as a JWT that the key signs with HS256."""
    expires_at = issued_at + life
    times = {"exp": clock.seconds(expires_at), "iat": clock.seconds(issued_at)}
    text = jwt.encode(
        {"alg": "HS256", **header},
        {**times, **claims},
        OctKey.import_key(key),
        registry=_ANY_HEADER,
        default_type=None,
    )
    return DialerToken(text, expires_at)
