"""A phone number as its provider has it, and how that differs from what is expected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from app.core import phone, urls


class Override(StrEnum):
    """What takes precedence over a number's own webhook."""

    APPLICATION = "application"
    TRUNK = "trunk"


class Reason(StrEnum):
    """Why a number is not in sync, or cannot be compared. The worst come first."""

    NUMBER_GONE = "number_gone"
    OF_SUBACCOUNT = "of_subaccount"
    OTHER_REGION = "other_region"
    BLOCKED = "blocked"
    NO_VOICE = "no_voice"
    OTHER_VOICE_MODE = "other_voice_mode"
    OFF_THE_TRUNK = "off_the_trunk"
    TRUNK_OVERRIDES = "trunk_in_the_way"
    APPLICATION_OVERRIDES = "application_in_the_way"
    APPLICATION_DISABLED = "application_disabled"
    NO_WEBHOOK = "no_webhook"
    KNOWN_TAKER = "known_taker"
    DIFFERENT_URL = "different_url"
    DIFFERENT_METHOD = "different_method"
    DIFFERENT_FALLBACK = "different_fallback"
    DIFFERENT_STATUS_CALLBACK = "different_status_callback"
    REGION_UNKNOWN = "region_unknown"
    NOT_SHOWN = "not_shown"
    CREDENTIALS_REFUSED = "credentials_refused"
    NOTHING_EXPECTED = "nothing_expected"
    PROVIDER_NOT_CONFIGURED = "provider_not_configured"
    PROVIDER_UNREACHABLE = "provider_unreachable"
    BUSY = "busy"


UNKNOWN = frozenset({Reason.REGION_UNKNOWN, Reason.NOT_SHOWN})
"""With these, whether the number is in sync cannot be known."""

OUT_OF_REACH = frozenset({Reason.OF_SUBACCOUNT, Reason.OTHER_REGION})
"""With these, nothing that is written with the stored credentials would change who answers."""

MENDABLE = frozenset(
    {
        Reason.OTHER_VOICE_MODE,
        Reason.TRUNK_OVERRIDES,
        Reason.APPLICATION_OVERRIDES,
        Reason.APPLICATION_DISABLED,
        Reason.NO_WEBHOOK,
        Reason.KNOWN_TAKER,
        Reason.DIFFERENT_URL,
        Reason.DIFFERENT_METHOD,
        Reason.DIFFERENT_FALLBACK,
        Reason.DIFFERENT_STATUS_CALLBACK,
    }
)
"""What setting the webhook changes. The rest has to be changed at the provider."""


@dataclass(frozen=True)
class Fault:
    """One thing about a number that is not as expected. `detail` names what was found there."""

    reason: Reason
    detail: str = ""

    def document(self) -> dict[str, str]:
        return {"reason": str(self.reason), "detail": self.detail}


@dataclass(frozen=True)
class Taker:
    """A service that answers calls at an address of its own. `pattern` is matched from host and path."""

    name: str
    pattern: str

    def has(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            return bool(re.match(self.pattern, f"{(parts.hostname or '').rstrip('.')}{parts.path}"))
        except ValueError:
            return False


@dataclass(frozen=True)
class ProviderNumber:
    """A phone number as its provider has it.

    `webhook_url` and `method`: the request for an incoming call; None if there is none, or the provider
    does not return it. `shows_webhook` is False if the webhook cannot be read.
    `override`: what takes precedence, or supplies the URL; `override_name` is its name or id.
    `shared_with`: the other numbers that change with it, in E.164. `reference` is the provider's own
    id of the number, and `application_id` that of the application whose URL it is; both empty if there is
    none.
    `fallback_url`: called if the webhook fails; `status_url`: what reports of the call are sent to.
    `has_voice` is False if the provider says that the number carries no calls.
    `owner`: the subaccount that the number belongs to; empty for the account itself.
    `faults`: what is not as expected, whatever webhook is. `warnings` do not affect who answers.
    `ignores_fragment`: whether what follows # in the URL is settings for the provider, which are kept.
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
    fallback_url: str | None = None
    status_url: str | None = None
    has_voice: bool = True
    owner: str = ""
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    ignores_fragment: bool = False

    @property
    def called_url(self) -> str | None:
        """The URL that is called, without settings for the provider."""
        if self.webhook_url and self.ignores_fragment:
            return self.webhook_url.partition("#")[0]
        return self.webhook_url


@dataclass(frozen=True)
class Callback:
    """The callback URLs of a provider's application, and its numbers in E.164."""

    primary: str | None
    fallback: str | None = None
    numbers: tuple[str, ...] = ()


def differences(line: ProviderNumber | None, expected: str, taker: str = "") -> list[Fault]:
    """Returns why the number does not call `expected` with POST, the worst first; empty if it does.

    `line` is None if the account has no such number. `taker`: the known service whose URL it calls.
    """
    if line is None:
        return [Fault(Reason.NUMBER_GONE)]
    found = list(line.faults)
    if not line.has_voice:
        found.append(Fault(Reason.NO_VOICE))
    if fault := _of_webhook(line, expected, taker):
        found.append(fault)
    return sorted(found, key=lambda fault: list(Reason).index(fault.reason))


def _of_webhook(line: ProviderNumber, expected: str, taker: str) -> Fault | None:
    is_same = line.called_url is not None and urls.same(line.called_url, expected)
    named = f"{line.override_name} " if line.override_name else ""
    if line.override is Override.TRUNK:
        detail = f"The SIP trunk {named}takes precedence over the number's webhook."
        return Fault(Reason.TRUNK_OVERRIDES, detail)
    if line.override is Override.APPLICATION and not is_same:
        detail = f"The application {named}takes precedence over the number's webhook."
        return Fault(Reason.APPLICATION_OVERRIDES, f"{detail} {_answered_by(taker)}".strip())
    if not line.shows_webhook:
        return Fault(Reason.NOT_SHOWN)
    if line.webhook_url is None:
        return Fault(Reason.NO_WEBHOOK)
    if not is_same:
        return Fault(Reason.KNOWN_TAKER, _answered_by(taker)) if taker else Fault(Reason.DIFFERENT_URL)
    if (method := (line.method or "POST").upper()) != "POST":
        return Fault(Reason.DIFFERENT_METHOD, f"The right URL is called with {method} instead of POST.")
    return None


def _answered_by(taker: str) -> str:
    """Named before anyone repairs it: the number may answer there on purpose."""
    return (
        f"{taker} answers this number now. Setting the webhook takes the number away from it."
        if taker
        else ""
    )


def difference(line: ProviderNumber | None, expected: str) -> Reason | None:
    """Returns the worst of `differences`; None if there is none."""
    found = differences(line, expected)
    return found[0].reason if found else None


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
