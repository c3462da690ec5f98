"""What a provider has for a phone number, and how that differs from what it should be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.core import phone, urls


class Override(StrEnum):
    """What answers a number in place of its own webhook."""

    APPLICATION = "application"
    TRUNK = "trunk"


class Reason(StrEnum):
    """Why a number is not, or not known to be, as it should be."""

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

    `webhook_url` and `method`: what is called when it rings; None where nothing is, or where the
    provider does not say. `shows_webhook` is False where what the number calls cannot be read.
    `override`: what answers instead, or through which the URL comes; `override_name` is its name or id.
    `shared_with`: the other numbers that change with it, in E.164. `reference` is the provider's own
    id of the number, and `application_id` that of the application whose URL it is; both empty if there is
    none.
    `has_voice` is False where the provider says that the number carries no calls.
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
    """What a provider's application calls for all of its numbers (in E.164), and where that fails."""

    primary: str | None
    fallback: str | None = None
    numbers: tuple[str, ...] = ()


def difference(line: ProviderNumber | None, expected: str) -> Reason | None:
    """What keeps the number from calling `expected` with POST; None where nothing does.

    `line` is None where the account has no such number.
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
    """What a provider wrote, as one line that can be shown as data; None where it wrote no text."""
    if not isinstance(value, str):
        return None
    line = "".join(character for character in " ".join(value.split()) if character.isprintable())
    return line[:longest] or None


def phone_number(value: Any) -> str | None:
    """A provider's number in E.164, with the `+` that some of them leave out; None for anything else.

    It may have come as a number of JSON's.
    """
    value = str(value) if type(value) is int else value
    written = f"+{value.strip().removeprefix('+')}" if isinstance(value, str) else ""
    return written if phone.E164.fullmatch(written) else None


def has_voice(capabilities: Any) -> bool:
    """Whether a number may carry calls: it may where the provider does not say."""
    return not isinstance(capabilities, dict) or capabilities.get("voice") is not False
