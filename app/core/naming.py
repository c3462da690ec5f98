"""Derives the names of a provider's field, such as `auth_token` of `acme`, in each API and form."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

PHONE_NUMBER = "phoneNumber"


def camel(snake: str) -> str:
    """Returns a name in camel case: `max_concurrent` → `maxConcurrent`."""
    head, *rest = snake.split("_")
    return head + "".join(word.capitalize() for word in rest)


def pascal(snake: str) -> str:
    """Returns a name in Pascal case: `sip_trunk` → `SipTrunk`."""
    return "".join(word.capitalize() for word in snake.split("_"))


def calls_name(provider: str, field: str) -> str:
    """Returns a field's name in the calls API: `acmeAuthToken`; the number is always `phoneNumber`."""
    return PHONE_NUMBER if field == "phone_number" else camel(f"{provider}_{field}")


def flag_name(provider: str, what: str) -> str:
    """Returns the name of a flag in the calls API: `hasAcmeToolSecret`."""
    return camel(f"has_{provider}_{what}")


def settings_name(provider: str, field: str) -> str:
    """Returns a field's name in the settings API and in forms: `acme_auth_token`."""
    return f"{provider}_{field}"


def nearest(name: str, known_names: Iterable[str]) -> str | None:
    """Returns the known name that was probably meant; None if no name is close enough."""
    matches = difflib.get_close_matches(name, list(known_names), n=1, cutoff=0.6)
    return matches[0] if matches else None
