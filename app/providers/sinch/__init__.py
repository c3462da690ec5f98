"""Sinch: its numbers, and the callback of its application."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from app.core import clock
from app.core.outbound.answer import Answer
from app.core.outbound.client import Outbound
from app.provider import (
    Family,
    Outcome,
    PhoneNumber,
    Provider,
    Refusal,
    Secret,
    Text,
    Verified,
    WebAddress,
    Where,
    facts,
    incomplete,
    json_object,
    numbers,
    proven,
    refused,
    summed,
    unexpected,
)
from app.provider.answers import is_unauthorized
from app.provider.dialer import DialerToken
from app.provider.numbers import Callback, Fault, Listing, Override, ProviderNumber, Reason
from app.provider.webhooks import Instructions, SampleCall, Signing, WebhookRequest
from app.providers.sinch import messages, registration, webhook
from app.providers.sinch.signing import signature

API = "https://callingapi.sinch.com"
NUMBERS = "/v1/configuration/numbers"
VOICE = "voice"
LATE = (40101, 40105)
"""Error codes for a wrong time in a signed request."""
NO_SUCH_KEY = (40003, 40004)
"""Error codes for an invalid application key."""
MOST_NAMED = 50
"""How many of the numbers that share an application each entry of a list names."""

PREVENTING = (Outcome.BAD_CREDENTIALS, Outcome.NO_PERMISSION, Outcome.NO_CREDIT, Outcome.WRONG_ACCOUNT)
"""The refusals of the list of numbers with which a connection test fails."""

UNKNOWN = refused(Outcome.BAD_CREDENTIALS, messages.BAD_CREDENTIALS)

APPS = Where("Sinch dashboard → Voice → Apps", "https://dashboard.sinch.com/voice/apps")


class Sinch(Provider):
    key = "sinch"
    label = "Sinch"
    hosts = ("callingapi.sinch.com",)
    position = 20
    families = (Family.VOICE,)
    summary = "For the dialer."
    observes_by_listing = True

    application_key = Text(
        "Application key",
        where=APPS,
        help="Services of Voice API v2 are not supported.",
        required=True,
    )
    application_secret = Secret(
        "Application secret", where=APPS, help="It is beside the application key.", required=True
    )
    phone_number = PhoneNumber("Phone number", help="The default caller number.", group="Calls")
    fallback_url = WebAddress(
        "Fallback URL",
        help="Called if the application's callback fails. Empty: none, or one on the callback's own host.",
        group="Calls",
        is_extra=True,
    )

    dialer_fields = (application_key, application_secret)
    webhook_rules = webhook.RULES

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Reads the callback addresses of the application, signed with its secret, and the numbers."""
        if lacking := self.missing_credentials(values):
            return lacking
        application = _Application(http, values)
        answer = application.send("GET", application.path)
        document = json_object(answer)
        if answer.status != 200 or not isinstance(document.get("url", 0), dict | None):
            return _refusal(answer)
        listed = application.send("GET", NUMBERS)
        if (refusal := _refusal(listed)).code in PREVENTING:
            return refusal
        urls = document.get("url")
        read = facts.host("callback", urls.get("primary") if isinstance(urls, dict) else None)
        accepted = proven(messages.ACCEPTED, *read)
        return summed([accepted, *filter(None, [self.caller(http, values)])])

    def numbers(self, http: Outbound, values: Mapping[str, Any]) -> Listing:
        """Yields all numbers, from one response. Each names a few others with its application."""
        application = self._application(http, values)
        owners, others, is_whole = application.listed()
        callback = application.callback(owners)
        for phone_number, owner in owners.items():
            yield application.number(phone_number, owner, callback, callback.numbers[:MOST_NAMED])
        yield from (_without_voice(*other) for other in others.items())
        return is_whole

    def observe(self, http: Outbound, values: Mapping[str, Any], phone_number: str) -> ProviderNumber | None:
        application = self._application(http, values)
        owners, others, is_whole = application.listed()
        if phone_number in others:
            return _without_voice(phone_number, others[phone_number])
        if phone_number not in owners and not is_whole:
            raise incomplete(self.label)
        if phone_number not in owners:
            return None
        callback = application.callback(owners)
        return application.number(phone_number, owners[phone_number], callback, callback.numbers)

    def point(self, http: Outbound, values: Mapping[str, Any], number: ProviderNumber, url: str) -> None:
        """Sets the URL of the application, and attaches the number to it.

        All numbers of the application have the same URL.
        """
        application = self._application(http, values)
        application.set_callback(url)
        if application.is_key(number.application_id):
            return
        try:
            application.attach(number.phone_number)
        except Refusal as refusal:
            sentence = messages.number_missing(refusal.result.reason)
            raise Refusal(refused(Outcome(refusal.result.code), sentence)) from None

    def callback(self, http: Outbound, values: Mapping[str, Any]) -> Callback:
        application = self._application(http, values)
        return application.callback(application.owners())

    def set_callback(self, http: Outbound, values: Mapping[str, Any], url: str) -> None:
        self._application(http, values).set_callback(url)

    def dialer_token(self, values: Mapping[str, Any], identity: str, now: datetime) -> DialerToken:
        return registration.token(values, identity, now, secrets.token_urlsafe(16))

    def webhook_test(
        self, values: Mapping[str, Any], url: str, call: SampleCall, signing: Signing, signed_url: str = ""
    ) -> WebhookRequest:
        return webhook.request(values, url, call, signing, signed_url)

    def instructions(self, body: bytes) -> Instructions:
        return webhook.instructions(body)

    def _application(self, http: Outbound, values: Mapping[str, Any]) -> _Application:
        if lacking := self.missing_credentials(values):
            raise Refusal(lacking)
        return _Application(http, values)


@dataclass(frozen=True)
class _Application:
    """The configured application. Every request is signed with its secret."""

    http: Outbound
    values: Mapping[str, Any] = field(repr=False)

    @property
    def key(self) -> str:
        return str(self.values["application_key"])

    @property
    def path(self) -> str:
        return f"/v1/configuration/callbacks/applications/{quote(self.key, safe='')}"

    def send(self, method: str, path: str, body: bytes = b"") -> Answer:
        timestamp = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        signed = signature(
            self.values["application_secret"],
            method=method,
            path=path,
            timestamp=timestamp,
            content_type="application/json",
            body=body,
        )
        headers = {
            "Authorization": f"Application {self.key}:{signed}",
            "x-timestamp": timestamp,
            "Content-Type": "application/json",
        }
        return self.http.send(method, API + path, headers=headers, body=body or None)

    def is_key(self, owner: str) -> bool:
        """Whether `owner` is this application's key."""
        return owner.casefold() == self.key.casefold()

    def owners(self) -> dict[str, str]:
        """Returns every voice number in E.164 with the key of its application; empty if it has none."""
        return self.listed()[0]

    def listed(self) -> tuple[dict[str, str], dict[str, str], bool]:
        """Returns `owners`, the capability of each other number, and whether all were readable."""
        answer = self.send("GET", NUMBERS)
        listed = _content(answer).get("numbers")
        if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
            raise Refusal(unexpected(answer))
        owners: dict[str, str] = {}
        others: dict[str, str] = {}
        is_whole = True
        for entry in listed:
            number = numbers.phone_number(entry.get("number"))
            owner = "" if entry.get("applicationkey") is None else entry["applicationkey"]
            if not isinstance(owner, str):
                raise Refusal(unexpected(answer))
            capability = _capability(entry)
            is_whole &= numbers.is_named(entry.get("number")) and capability is not None
            if number and capability == VOICE:
                owners[number] = owner
            elif number and capability:
                others[number] = capability
        without_voice = {number: purpose for number, purpose in others.items() if number not in owners}
        return owners, without_voice, is_whole

    def callback(self, owners: Mapping[str, str]) -> Callback:
        answer = self.send("GET", self.path)
        document = _content(answer)
        if "url" not in document or not isinstance(document["url"], dict | None):
            raise Refusal(unexpected(answer))
        primary, fallback = ((document["url"] or {}).get(name) for name in ("primary", "fallback"))
        if not all(isinstance(url, str | None) for url in (primary, fallback)):
            raise Refusal(unexpected(answer))
        primary, fallback = primary or None, fallback or None
        mine = tuple(number for number, owner in owners.items() if self.is_key(owner))
        return Callback(primary, fallback, mine)

    def number(
        self, phone_number: str, owner: str, callback: Callback, among: tuple[str, ...]
    ) -> ProviderNumber:
        """Returns the number, whose webhook it shares with the numbers of `among`.

        Setting the webhook changes all of them, whichever application the number has now.
        """
        others = tuple(other for other in among if other != phone_number)
        application_id = numbers.one_line(owner) or ""
        if not owner:
            return ProviderNumber(phone_number, shared_with=others)
        if self.is_key(owner):
            return ProviderNumber(
                phone_number,
                webhook_url=numbers.one_line(callback.primary, 2000),
                fallback_url=numbers.one_line(callback.fallback, 2000),
                expected_fallback=self.values.get("fallback_url"),
                shared_with=others,
                application_id=application_id,
            )
        return ProviderNumber(
            phone_number,
            shows_webhook=False,
            override=Override.APPLICATION,
            override_name=application_id,
            shared_with=others,
            application_id=application_id,
        )

    def set_callback(self, url: str) -> None:
        """Sets the expected fallback with the URL. If none is expected, the present one stays."""
        fallback = self.values.get("fallback_url") or self.callback({}).fallback
        self.write(self.path, {"url": {"primary": url} | ({"fallback": fallback} if fallback else {})})

    def attach(self, number: str) -> None:
        self.write(NUMBERS, {"numbers": [number], "applicationkey": self.key, "capability": VOICE})

    def write(self, path: str, changes: Mapping[str, Any]) -> None:
        answer = self.send("POST", path, json.dumps(changes).encode())
        if answer.status == 404 and path == NUMBERS and json_object(answer):
            raise Refusal(refused(Outcome.NOT_FOUND, messages.NO_NUMBER))
        if answer.status != 204:
            raise Refusal(_write_refusal(answer))


def _without_voice(phone_number: str, capability: str) -> ProviderNumber:
    detail = f"Sinch has this number for {numbers.one_line(capability, 20)}, and not for voice calls."
    fault = Fault(Reason.NO_VOICE, detail)
    return ProviderNumber(phone_number, shows_webhook=False, has_voice=False, faults=(fault,))


def _capability(entry: Mapping[str, Any]) -> str | None:
    """Returns what the number is for, such as `voice` or `sms`; None if it is unreadable."""
    capability = entry.get("capability")
    return capability.strip().lower() or None if isinstance(capability, str) else None


def _content(answer: Answer) -> Mapping[str, Any]:
    """Returns the JSON object of a success. Raises Refusal for anything else."""
    document = json_object(answer)
    if answer.status == 200 and document and "errorCode" not in document:
        return document
    raise Refusal(_refusal(answer))


def _refusal(answer: Answer) -> Verified:
    return _known_refusal(answer) or (UNKNOWN if is_unauthorized(answer) else unexpected(answer))


def _write_refusal(answer: Answer) -> Verified:
    if answer.status in (400, 422) and not _known_refusal(answer):
        return refused(Outcome.UNEXPECTED_ANSWER, messages.rejected(answer.status))
    return _refusal(answer)


def _known_refusal(answer: Answer) -> Verified | None:
    """Returns the refusal for an error code; None if it says nothing about the credentials."""
    status, code = answer.status, json_object(answer).get("errorCode")
    if not isinstance(code, int):
        return None
    if status == 401 and code in LATE:
        return refused(Outcome.UNEXPECTED_ANSWER, messages.WRONG_TIME)
    if status == 401:
        return UNKNOWN
    if status == 400 and code in NO_SUCH_KEY:
        return refused(Outcome.BAD_CREDENTIALS, messages.NOT_A_KEY)
    if status == 403:
        return refused(Outcome.NO_PERMISSION, messages.NO_PERMISSION)
    if status == 404:
        return refused(Outcome.WRONG_ACCOUNT, messages.NO_APPLICATION)
    return None
