"""Twilio's phone numbers: the webhook of each, its region and its account."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from app.core.outbound.answer import OutboundError
from app.core.outbound.client import Outbound
from app.provider import (
    Outcome,
    Refusal,
    incomplete,
    json_list,
    json_object,
    numbers,
    refused,
    unexpected,
)
from app.provider.numbers import Fault, Listing, Override, ProviderNumber, Reason
from app.providers.twilio import api

ROUTES = f"https://{api.ROUTES}/v2/PhoneNumbers"
MOST_SUBACCOUNTS = 20
"""The maximum number of subaccounts that are searched for a number that the account lacks."""

OVERRIDES = re.compile(r"[a-z]{1,8}=[^&#\s]{0,60}(&[a-z]{1,8}=[^&#\s]{0,60})*")
"""Connection overrides in a URL's fragment, such as `rc=2&rt=5000`: retries and time limits."""

STATE = ("account_sid", "status", "voice_receive_mode")
PRECEDENCE = ("trunk_sid", "voice_application_sid")
CALLED = ("voice_url", "voice_method", "voice_fallback_url")
"""A row's fields: whether the number takes calls, what takes precedence over its URL, and the URL itself."""

GONE = refused(
    Outcome.NOT_FOUND,
    "The number is gone: this Twilio account no longer has it. Check Phone Numbers in the Console.",
)
NO_SID = refused(
    Outcome.UNEXPECTED_ANSWER, "Nothing was changed: Twilio returned no SID for this number. Try again."
)
NOT_OURS = "Nothing was changed: {} Patchbay does not write to another account's numbers."


class Numbers:
    """The numbers of one account. Each application is read at most once."""

    def __init__(self, http: Outbound, values: Mapping[str, Any]) -> None:
        self._http = http
        self._values = values
        self._applications: dict[str, Mapping[str, Any] | None] = {}

    def numbers(self) -> Listing:
        is_whole = True
        for row in self._rows():
            is_whole &= numbers.is_named(row.get("phone_number"))
            if number := self._number(row):
                yield number
        return is_whole

    def number(self, phone_number: str) -> ProviderNumber | None:
        """Returns the number; None if the account lacks it. Raises Refusal for an unreadable entry.

        Twilio returns every number that contains the digits; only an exact match counts.
        """
        is_whole = True
        for row in self._rows(PhoneNumber=phone_number):
            is_whole &= numbers.is_named(row.get("phone_number"))
            if numbers.phone_number(row.get("phone_number")) == phone_number:
                return self._number(row)
        if not is_whole:
            raise incomplete("Twilio")
        return None

    def _rows(self, account_sid: str = "", **query: str) -> Iterator[Mapping[str, Any]]:
        account = api.account_url(self._values, account_sid)
        url = f"{account}/IncomingPhoneNumbers.json?{urlencode({'PageSize': api.PAGE} | query)}"
        name = "incoming_phone_numbers"
        for page in api.pages(self._http, self._values, url, name, missing=api.NO_ACCOUNT):
            yield from page

    def _number(self, row: Mapping[str, Any]) -> ProviderNumber | None:
        """Returns the number of a row: a trunk or an application takes precedence over its own URL."""
        if not (phone_number := numbers.phone_number(row.get("phone_number"))):
            return None
        trunk, application = (_text(row, name) for name in ("trunk_sid", "voice_application_sid"))
        owner = _text(row, "account_sid")
        is_ours = not owner or owner.casefold() == self._values["account_sid"].casefold()
        caller = self._application(application) if application and is_ours and not trunk else row
        override = Override.APPLICATION if application else None
        if trunk:
            caller, override = {}, Override.TRUNK
        if not (may_read := caller is not None):
            caller, override = {}, None
        url = caller.get("voice_url")
        number = ProviderNumber(
            phone_number=phone_number,
            label=numbers.one_line(row.get("friendly_name")),
            webhook_url=numbers.one_line(url, 2000),
            shows_webhook=may_read and (not caller or "voice_url" in caller),
            method=numbers.one_line(caller.get("voice_method"), 10),
            override=override,
            override_name=trunk or application,
            reference=_text(row, "sid"),
            application_id=application,
            fallback_url=numbers.one_line((caller or row).get("voice_fallback_url"), 2000),
            status_url=numbers.one_line(row.get("status_callback"), 2000),
            expected_fallback=self._values.get("fallback_url"),
            expected_status_url=self._values.get("status_callback_url"),
            has_voice=numbers.has_voice(row.get("capabilities")),
            owner="" if is_ours else owner,
            ignores_fragment=True,
        )
        number = numbers.with_unread(number, row, STATE)
        number = numbers.with_unread_voice(number, row.get("capabilities"))
        number = numbers.with_unread(number, row, PRECEDENCE, decides_url=True)
        number = numbers.with_unread(number, caller, CALLED, decides_url=True)
        unread = () if may_read else (_unread_application_fault(application),)
        return numbers.with_faults(number, *unread, *_faults(number, row))

    def _application(self, sid: str) -> Mapping[str, Any] | None:
        """Returns the application; empty if there is none, None if the credentials may not read it."""
        if sid not in self._applications:
            account = api.account_url(self._values)
            answer = api.get(self._http, self._values, f"{account}/Applications/{quote(sid, safe='')}.json")
            is_gone = answer.status == 404 and bool(json_object(answer))
            is_read = answer.status == 200 and json_object(answer).get("sid") == sid
            if not is_gone and not is_read and api.refusal(answer, self._values) is not api.FORBIDDEN:
                raise Refusal(api.refusal(answer, self._values))
            self._applications[sid] = json_object(answer) if is_read else {} if is_gone else None
        return self._applications[sid]

    def in_subaccount(self, phone_number: str) -> ProviderNumber | None:
        """Returns the number as a subaccount has it; None if unreadable, because it is only a hint."""
        try:
            for sid in self._subaccounts():
                for row in self._rows(sid, PhoneNumber=phone_number):
                    if numbers.phone_number(row.get("phone_number")) == phone_number:
                        return self._number({"account_sid": sid} | dict(row))
        except (Refusal, OutboundError):
            return None
        return None

    def _subaccounts(self) -> list[str]:
        url = f"{api.host(self._values)}2010-04-01/Accounts.json"
        answer = api.get(self._http, self._values, url, PageSize=MOST_SUBACCOUNTS + 1, Status="active")
        sids = [_text(row, "sid") for row in json_list(answer, "accounts")]
        others = [sid for sid in sids if re.fullmatch(r"AC[0-9A-Za-z]{32}", sid)]
        return [sid for sid in others if sid != self._values["account_sid"]][:MOST_SUBACCOUNTS]

    def placed(self, number: ProviderNumber, known_region: str | None = None) -> ProviderNumber:
        """Adds the region in which calls are answered: `known_region`, or the one from Twilio."""
        here = api.region(self._values)
        there = known_region or self._region(number.phone_number)
        if there is None:
            return numbers.with_faults(number, _unknown_region_fault(here))
        number = number if known_region else replace(number, place=there)
        return number if there == here else numbers.with_faults(number, _other_region_fault(there, here))

    def _region(self, phone_number: str) -> str | None:
        """Returns the region in which calls to the number are answered; None if it cannot be read."""
        answer = api.get(self._http, self._values, f"{ROUTES}/{quote(phone_number, safe='')}")
        route = json_object(answer)
        if answer.status == 404 and api.code_of(answer):
            return api.HOME
        if answer.status == 429 or answer.status >= 500:
            raise Refusal(unexpected(answer))
        if answer.status != 200 or "voice_region" not in route:
            return None
        if numbers.phone_number(route.get("phone_number", phone_number)) != phone_number:
            return None
        there = api.HOME if route["voice_region"] in (None, "") else route["voice_region"]
        return there.strip().lower()[:32] if isinstance(there, str) else None

    def point(self, number: ProviderNumber, url: str) -> None:
        """Sets the URL. Removes the application and trunk, which take precedence over it."""
        self._change(
            number,
            {"VoiceUrl": url + _connection_overrides(number), "VoiceMethod": "POST"}
            | _repair_fields(number, url),
        )

    def restore(self, number: ProviderNumber, before: ProviderNumber) -> None:
        """Restores the number's former application, trunk or URL, with its fallback and status URL."""
        if form := _restore_fields(number, before):
            self._change(number, form)

    def _change(self, number: ProviderNumber, form: Mapping[str, str]) -> None:
        """Sets fields of the number. Raises Refusal if it belongs to another account."""
        if number.owner:
            sentence = NOT_OURS.format(f"the number belongs to the subaccount {number.owner}.")
            raise Refusal(refused(Outcome.NO_PERMISSION, sentence))
        if not number.reference:
            raise Refusal(NO_SID if self.number(number.phone_number) else GONE)
        sid = quote(number.reference, safe="")
        answer = self._http.send(
            "POST",
            f"{api.account_url(self._values)}/IncomingPhoneNumbers/{sid}.json",
            form=form,
            auth=(self._values["account_sid"], self._values["auth_token"]),
        )
        if answer.status == 404 and json_object(answer):
            raise Refusal(GONE)
        if answer.status != 200 or json_object(answer).get("sid") != number.reference:
            raise Refusal(api.refusal(answer, self._values))


def _text(row: Mapping[str, Any], name: str) -> str:
    return numbers.one_line(row.get(name)) or ""


def _unread_application_fault(sid: str) -> Fault:
    return Fault(
        Reason.NOT_SHOWN,
        f"The TwiML app {sid} answers this number, and these credentials may not read it: what it calls is "
        "not known. Compare its voice URL in the Console.",
    )


def _faults(number: ProviderNumber, row: Mapping[str, Any]) -> Iterator[Fault]:
    """Yields what Twilio reports about the number that stops calls to any webhook."""
    if number.owner:
        yield Fault(
            Reason.OF_SUBACCOUNT,
            f"This number belongs to the subaccount {number.owner}. Store that subaccount's SID and auth "
            "token in an organization of its own, or move the number in the Console.",
        )
    if status := numbers.out_of_service(row.get("status")):
        yield Fault(Reason.BLOCKED, f"Twilio says that this number is {status}: it takes no calls.")
    mode = _text(row, "voice_receive_mode").lower()
    if mode and mode != "voice":
        yield Fault(
            Reason.OTHER_VOICE_MODE, f"Twilio takes incoming calls on this number as {mode}, not as voice."
        )


def _repair_fields(number: ProviderNumber, url: str) -> dict[str, str]:
    """Returns the other fields to set with the URL, without those that are as expected.

    While an application answers, the number's own fallback is unknown, so it is set too.
    """
    form: dict[str, str] = {}
    if number.application_id:
        form["VoiceApplicationSid"] = ""
    if number.override is Override.TRUNK:
        form["TrunkSid"] = ""
    reasons = {fault.reason for fault in numbers.differences(number, url)}
    if Reason.OTHER_VOICE_MODE in reasons:
        form["VoiceReceiveMode"] = "voice"
    if Reason.DIFFERENT_FALLBACK in reasons or number.override is Override.APPLICATION:
        form |= _url_fields("VoiceFallbackUrl", "VoiceFallbackMethod", number.expected_fallback)
    if Reason.DIFFERENT_STATUS_CALLBACK in reasons:
        form |= _url_fields("StatusCallback", "StatusCallbackMethod", number.expected_status_url)
    return form


def _url_fields(url_field: str, method_field: str, url: str | None) -> dict[str, str]:
    """Returns the fields for a URL. A URL that is cleared keeps its method."""
    return {url_field: url, method_field: "POST"} if url else {url_field: ""}


def _restore_fields(number: ProviderNumber, before: ProviderNumber) -> dict[str, str]:
    """Returns the fields that differ from `before`.

    While an application or a trunk answers, the number's own URL is unknown.
    """
    form: dict[str, str] = {}
    if before.override is Override.TRUNK:
        form["TrunkSid"] = before.override_name
    elif before.application_id != number.application_id:
        form["VoiceApplicationSid"] = before.application_id
    if before.override is None and (number.webhook_url, number.method) != (before.webhook_url, before.method):
        form |= {"VoiceUrl": before.webhook_url or "", "VoiceMethod": before.method or "POST"}
    if before.override is not Override.APPLICATION and number.fallback_url != before.fallback_url:
        form["VoiceFallbackUrl"] = before.fallback_url or ""
    if number.status_url != before.status_url:
        form["StatusCallback"] = before.status_url or ""
    return form


def _connection_overrides(number: ProviderNumber) -> str:
    """Returns the connection overrides of the present URL, with their #: a new URL keeps them."""
    fragment = (number.webhook_url or "").partition("#")[2]
    is_own = number.override is None and OVERRIDES.fullmatch(fragment)
    return f"#{fragment}" if is_own else ""


def _other_region_fault(there: str, here: str) -> Fault:
    return Fault(
        Reason.OTHER_REGION,
        f"Twilio answers this number in {api.place(there)}, and this connection reads and writes "
        f"{api.place(here)}, where its settings have no effect. Use the other region with its auth token, or "
        f"route the number to {here} in the Console.",
    )


def _unknown_region_fault(here: str) -> Fault:
    return Fault(
        Reason.REGION_UNKNOWN,
        "In which region Twilio answers the number could not be read with these credentials. Compare its "
        f"routing in the Console: it has to be {api.place(here)}.",
    )
