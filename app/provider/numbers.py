"""A phone number as its provider has it, and how that differs from what is expected."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.core import phone, urls


class Override(StrEnum):
    """What takes precedence over a number's own webhook."""

    APPLICATION = "application"
    TRUNK = "trunk"


class Reason(StrEnum):
    """Why a number is not in sync, or cannot be compared."""

    DIFFERENT_URL = "different_url"
    DIFFERENT_METHOD = "different_method"
    NO_WEBHOOK = "no_webhook"
    APPLICATION_IN_THE_WAY = "application_in_the_way"
    TRUNK_IN_THE_WAY = "trunk_in_the_way"
    NUMBER_GONE = "number_gone"
    CREDENTIALS_REFUSED = "credentials_refused"
    NOT_SHOWN = "not_shown"
    NOTHING_EXPECTED = "nothing_expected"
    PROVIDER_NOT_CONFIGURED = "provider_not_configured"
    PROVIDER_UNREACHABLE = "provider_unreachable"


@dataclass(frozen=True)
class ProviderNumber:
    """A phone number as its provider has it.

    `webhook_url` and `method`: the request for an incoming call; None if there is none, or the provider
    does not return it. `shows_webhook` is False if the webhook cannot be read.
    `override`: what takes precedence, or supplies the URL; `override_name` is its name or id.
    `shared_with`: the other numbers that change with it, in E.164. `reference` is the provider's own
    id of the number, and `application_id` that of the application whose URL it is; both empty if there is
    none.
    `has_voice` is False if the provider says that the number carries no calls.
    """

    phone_number: str
    label: str | None = None
    webhook_url: str | None = None
    method: str | None = None
    shows_webhook: bool = True
    override: Override | None = None
    override_name: str = ""
    shared_with: tuple[str, ...] = ()
    reference: str = ""
    application_id: str = ""
    has_voice: bool = True


@dataclass(frozen=True)
class Callback:
    """The callback URLs of a provider's application, and its numbers in E.164."""

    primary: str | None
    fallback: str | None = None
    numbers: tuple[str, ...] = ()


def difference(line: ProviderNumber | None, expected: str) -> Reason | None:
    """Returns why the number does not call `expected` with POST; None if it does.

    `line` is None if the account has no such number.
    """
    if line is None:
        return Reason.NUMBER_GONE
    is_same = line.webhook_url is not None and urls.same(line.webhook_url, expected)
    if line.override is Override.TRUNK:
        return Reason.TRUNK_IN_THE_WAY
    if line.override is Override.APPLICATION and not is_same:
        return Reason.APPLICATION_IN_THE_WAY
    if not line.shows_webhook:
        return Reason.NOT_SHOWN
    if line.webhook_url is None:
        return Reason.NO_WEBHOOK
    if not is_same:
        return Reason.DIFFERENT_URL
    return None if (line.method or "POST").upper() == "POST" else Reason.DIFFERENT_METHOD


def cleaned(value: Any, longest: int = 200) -> str | None:
    """Returns provider text as one printable line of limited length; None if it is no text."""
    if not isinstance(value, str):
        return None
    line = "".join(character for character in " ".join(value.split()) if character.isprintable())
    return line[:longest] or None


def phone_number(value: Any) -> str | None:
    """Returns a provider's number in E.164, adding a missing `+`; None for anything else.

    It may be a JSON number.
    """
    value = str(value) if type(value) is int else value
    written = f"+{value.strip().removeprefix('+')}" if isinstance(value, str) else ""
    return written if phone.E164.fullmatch(written) else None


def has_voice(capabilities: Any) -> bool:
    """Whether a number may carry calls: True unless the provider denies it."""
    return not isinstance(capabilities, dict) or capabilities.get("voice") is not False
