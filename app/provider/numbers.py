"""A phone number's settings at its provider, and how they differ from the expected ones."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from app.core import phone, urls
from app.provider import messages


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
    TRUNK_LEADS_ELSEWHERE = "trunk_leads_elsewhere"
    OTHER_AGENT = "other_agent"
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
    NO_CREDIT = "no_credit"
    SECONDARY_TOKEN = "secondary_token"  # noqa: S105  a code
    NOTHING_EXPECTED = "nothing_expected"
    PROVIDER_NOT_CONFIGURED = "provider_not_configured"
    PROVIDER_UNREACHABLE = "provider_unreachable"
    BUSY = "busy"


UNKNOWN = frozenset({Reason.REGION_UNKNOWN, Reason.NOT_SHOWN})
"""Reasons with which it cannot be known whether the number is in sync."""

OUT_OF_SERVICE = frozenset(
    {
        "suspended",
        "blocked",
        "inactive",
        "disabled",
        "expired",
        "released",
        "cancelled",
        "canceled",
        "terminated",
    }
)
"""Words of a provider's status with which a number receives no calls."""

PHONE_LIKE = re.compile(r"[0-9+(). -]+")
FEWEST_DIGITS, MOST_DIGITS = 3, 15

OUT_OF_REACH = frozenset({Reason.OF_SUBACCOUNT, Reason.OTHER_REGION})
"""Reasons with which no write with the stored credentials would change who answers."""

REPAIRABLE = frozenset(
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
"""Reasons that setting the webhook repairs. Others must be repaired at the provider."""


@dataclass(frozen=True)
class Fault:
    """One difference of a number from what is expected. `detail` names the actual value."""

    reason: Reason
    detail: str = ""

    def document(self) -> dict[str, str]:
        return {"reason": str(self.reason), "detail": self.detail}


@dataclass(frozen=True)
class AnsweringService:
    """A service that answers calls at its own URL. `pattern` matches the beginning of host and path."""

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
    id of the number, and `application_id` that of the application that the URL belongs to; empty if none.
    `fallback_url`: called if the webhook fails; `status_url`: what the call's status is reported to.
    `expected_fallback`, `expected_status_url`: what they should be; None for none.
    `has_voice` is False if the provider says that the number carries no calls.
    `owner`: the subaccount that the number belongs to; empty for the account itself.
    `faults`: differences that do not depend on the expected webhook. `warnings` do not affect who answers.
    `place`: where the provider answers the number, such as its region, if that was just read.
    `ignores_fragment`: what follows # in the URL is settings for the provider, which stay unchanged.
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
    expected_fallback: str | None = None
    expected_status_url: str | None = None
    has_voice: bool = True
    owner: str = ""
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    place: str | None = None
    ignores_fragment: bool = False

    @property
    def called_url(self) -> str | None:
        """The URL that is called, without settings for the provider."""
        if self.webhook_url and self.ignores_fragment:
            return self.webhook_url.partition("#")[0]
        return self.webhook_url


SETTINGS = (
    "phone_number",
    "webhook_url",
    "method",
    "override",
    "override_name",
    "application_id",
    "fallback_url",
    "status_url",
)
"""Fields that decide what a number does when it rings, and that setting its webhook may change."""


def settings(number: ProviderNumber) -> dict[str, Any] | None:
    """Returns the settings to store for a later restore; None if they cannot be restored.

    A URL with a password is not stored, and the mode of a number that takes no voice calls is not known.
    """
    addresses = [url for url in (number.webhook_url, number.fallback_url, number.status_url) if url]
    has_password = any(urls.sanitized(url) != url for url in addresses)
    has_other_mode = any(fault.reason is Reason.OTHER_VOICE_MODE for fault in number.faults)
    if has_password or has_other_mode or not number.shows_webhook:
        return None
    return {name: getattr(number, name) for name in SETTINGS}


def of_settings(stored: Mapping[str, Any]) -> ProviderNumber:
    """Returns the number with settings that `settings` returned."""
    override = stored["override"]
    return ProviderNumber(**{**stored, "override": Override(override) if override else None})


def has_settings(number: ProviderNumber, before: ProviderNumber) -> bool:
    """Whether both numbers have the same settings."""
    return all(getattr(number, name) == getattr(before, name) for name in SETTINGS)


@dataclass(frozen=True)
class Callback:
    """The callback URLs of a provider's application, and its numbers in E.164."""

    primary: str | None
    fallback: str | None = None
    numbers: tuple[str, ...] = ()


def differences(number: ProviderNumber | None, expected: str, taker: str = "") -> list[Fault]:
    """Returns why the number does not call `expected` with POST, the worst first; empty if it does.

    `number` is None if the account has no such number. `taker`: the known service whose URL it calls.
    """
    if number is None:
        return [Fault(Reason.NUMBER_GONE)]
    faults = list(number.faults)
    if not number.has_voice and Reason.NO_VOICE not in {one.reason for one in faults}:
        faults.append(Fault(Reason.NO_VOICE))
    for fault in (
        _webhook_fault(number, expected, taker),
        _fallback_fault(number, expected),
        _status_url_fault(number),
    ):
        is_known = fault and fault.reason in {one.reason for one in faults}
        faults += [fault] if fault and not is_known else []
    return sorted(faults, key=lambda fault: list(Reason).index(fault.reason))


def _webhook_fault(number: ProviderNumber, expected: str, taker: str) -> Fault | None:
    """Returns the first difference of the webhook; None if it is as expected.

    A known service is named, since it may answer there on purpose.
    """
    is_same = number.called_url is not None and urls.is_same(number.called_url, expected)
    name, named = number.override_name, messages.answered_by(taker) if taker else ""
    if number.override is Override.TRUNK:
        return Fault(Reason.TRUNK_OVERRIDES, messages.trunk_overrides(name))
    if number.override is Override.APPLICATION and not is_same:
        detail = f"{messages.application_overrides(name)} {named}".strip()
        return Fault(Reason.APPLICATION_OVERRIDES, detail)
    if not number.shows_webhook:
        return Fault(Reason.NOT_SHOWN, messages.on_flow(name) if name else "")
    if number.webhook_url is None:
        return Fault(Reason.NO_WEBHOOK)
    if not is_same:
        return Fault(Reason.KNOWN_TAKER, named) if taker else Fault(Reason.DIFFERENT_URL)
    if (method := (number.method or "POST").upper()) != "POST":
        return Fault(Reason.DIFFERENT_METHOD, messages.different_method(method))
    return None


def _fallback_fault(number: ProviderNumber, expected: str) -> Fault | None:
    """Returns the difference of the fallback; None if it is as expected.

    If no fallback is expected, one on the webhook's own host is accepted.
    """
    actual, expected_fallback = number.fallback_url, number.expected_fallback
    if _is_same(actual, expected_fallback) or (
        actual and not expected_fallback and has_same_host(actual, expected)
    ):
        return None
    shown = urls.sanitized(actual) if actual else ""
    return Fault(Reason.DIFFERENT_FALLBACK, messages.different_fallback(shown, expected_fallback or ""))


def _status_url_fault(number: ProviderNumber) -> Fault | None:
    actual, expected_status_url = number.status_url, number.expected_status_url
    if not expected_status_url or _is_same(actual, expected_status_url):
        return None
    shown = urls.sanitized(actual) if actual else ""
    return Fault(Reason.DIFFERENT_STATUS_CALLBACK, messages.different_status_url(shown, expected_status_url))


def cautions(number: ProviderNumber | None, expected: str) -> list[Fault]:
    """Returns the faults that do not affect who answers."""
    if number is None:
        return []
    faults = list(number.warnings)
    url = number.status_url
    if url and not number.expected_status_url and not has_same_host(url, expected):
        detail = messages.status_also_reported(urls.sanitized(url))
        faults.append(Fault(Reason.DIFFERENT_STATUS_CALLBACK, detail))
    return faults


def _is_same(observed: str | None, expected: str | None) -> bool:
    if not observed or not expected:
        return not observed and not expected
    return urls.is_same(observed.partition("#")[0], expected)


def has_same_host(one: str, other: str) -> bool:
    try:
        return urlsplit(one).netloc.lower() == urlsplit(other).netloc.lower()
    except ValueError:
        return False


def difference(number: ProviderNumber | None, expected: str) -> Reason | None:
    """Returns the worst of `differences`; None if there is none."""
    faults = differences(number, expected)
    return faults[0].reason if faults else None


def with_faults(number: ProviderNumber, *faults: Fault) -> ProviderNumber:
    return replace(number, faults=(*number.faults, *faults))


def one_line(value: Any, longest: int = 200) -> str | None:
    """Returns provider text as one printable line of limited length; None if it is not text."""
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


def flag(value: Any) -> bool | None:
    """Returns a provider's yes or no, also as text or a number; None for anything else."""
    if isinstance(value, str):
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
            value.strip().lower()
        )
    return bool(value) if value in (0, 1) and isinstance(value, int | float) else None


def has_voice(capabilities: Any) -> bool:
    """Whether a number may carry calls: True unless the provider denies it."""
    if isinstance(capabilities, list):
        return "voice" in [str(one).lower() for one in capabilities]
    return not isinstance(capabilities, dict) or flag(capabilities.get("voice")) is not False


def with_unread_voice(number: ProviderNumber, capabilities: Any) -> ProviderNumber:
    """Adds a fault if the capabilities do not say whether the number carries calls."""
    voice = capabilities.get("voice") if isinstance(capabilities, dict) else None
    is_read = isinstance(capabilities, dict | list | None) and (voice is None or flag(voice) is not None)
    return (
        number if is_read else with_faults(number, Fault(Reason.NOT_SHOWN, messages.unread(["capabilities"])))
    )


def out_of_service(status: Any) -> str:
    """Returns the word of a status with which a number receives no calls; "" if it has none."""
    words = re.findall(r"[a-z]+", status.lower()) if isinstance(status, str) else []
    return next((word for word in words if word in OUT_OF_SERVICE), "")


def is_named(value: Any) -> bool:
    """Whether a row's value is a phone number, even a short one.

    A row without a phone number may be about any number.
    """
    written = str(value) if type(value) is int else value
    if not isinstance(written, str) or not PHONE_LIKE.fullmatch(written.strip()):
        return False
    return FEWEST_DIGITS <= sum(character.isdigit() for character in written) <= MOST_DIGITS


Listing: TypeAlias = Generator[ProviderNumber, None, bool]
"""Yields the numbers of a list, and returns whether all of it could be read."""


def by_number(numbers: Iterator[ProviderNumber]) -> tuple[dict[str, ProviderNumber], bool]:
    """Returns the numbers of a list by phone number, and whether the whole list could be read.

    For a number that is listed twice with different settings, it is not known which ones apply.
    """
    by_number: dict[str, ProviderNumber] = {}
    while True:
        try:
            number = next(numbers)
        except StopIteration as end:
            return by_number, end.value is not False
        first = by_number.setdefault(number.phone_number, number)
        if not has_settings(first, number):
            by_number[number.phone_number] = with_faults(first, Fault(Reason.NOT_SHOWN, messages.TWICE))


def with_unread(
    number: ProviderNumber,
    row: Mapping[str, Any],
    texts: Iterable[str],
    *,
    flags: Iterable[str] = (),
    decides_url: bool = False,
) -> ProviderNumber:
    """Adds a fault if a value that decides what the number does cannot be read.

    The values of `texts` must be text, those of `flags` a yes or no. `decides_url`: they decide which URL the
    number calls.
    """
    unreadable = [name for name in texts if not isinstance(row.get(name), str | None)]
    unreadable += [name for name in flags if row.get(name) is not None and flag(row[name]) is None]
    if not unreadable:
        return number
    if decides_url:
        number = replace(number, shows_webhook=False, webhook_url=None)
    return with_faults(number, Fault(Reason.NOT_SHOWN, messages.unread(unreadable)))
