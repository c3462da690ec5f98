"""Twilio's phone numbers: what each calls, in which region, and of which account."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from app.core.outbound.answer import Answer, OutboundError
from app.core.outbound.client import Outbound
from app.provider import (
    MOST_PAGES,
    Outcome,
    Refusal,
    json_list,
    json_object,
    numbers,
    pagination_error,
    refused,
    unexpected,
)
from app.provider.numbers import Fault, Override, ProviderNumber, Reason
from app.providers.twilio import api

ROUTES = "https://routes.twilio.com/v2/PhoneNumbers"
MOST_SUBACCOUNTS = 20
"""Subaccounts in which a number is looked for that the account does not have."""

OVERRIDES = re.compile(r"[a-z]{1,8}=[^&#\s]{0,60}(&[a-z]{1,8}=[^&#\s]{0,60})*")
"""Connection overrides in a URL's fragment, such as `rc=2&rt=5000`: retries and time limits."""

GONE = refused(
    Outcome.NOT_FOUND,
    "The number is gone: this Twilio account no longer has it. Check Phone Numbers in the Console.",
)
NOT_OURS = "Nothing was changed: {} Patchbay does not write to another account's numbers."


class Numbers:
    """The numbers of one account. Each application is read once."""

    def __init__(self, http: Outbound, values: Mapping[str, Any]) -> None:
        self._http = http
        self._values = values
        self._applications: dict[str, Mapping[str, Any]] = {}

    def lines(self) -> Iterator[ProviderNumber]:
        for row in self._rows():
            if line := self._line(row):
                yield line

    def line(self, phone_number: str) -> ProviderNumber | None:
        """Twilio returns every number that contains the digits; only the whole one counts."""
        for row in self._rows(PhoneNumber=phone_number):
            if numbers.phone_number(row.get("phone_number")) == phone_number:
                return self._line(row)
        return None

    def _rows(self, account_sid: str = "", **query: str) -> Iterator[Mapping[str, Any]]:
        account = api.account_url(self._values, account_sid)
        url = f"{account}/IncomingPhoneNumbers.json?{urlencode({'PageSize': 1000} | query)}"
        requested: set[str] = set()
        while url:
            if url in requested or len(requested) == MOST_PAGES:
                raise pagination_error("Twilio")
            requested.add(url)
            answer = api.get(self._http, self._values, url)
            if answer.status != 200:
                raise Refusal(api.refusal(answer, self._values))
            yield from json_list(answer, "incoming_phone_numbers")
            url = self._next_page(answer)

    def _next_page(self, answer: Answer) -> str:
        """Returns an empty URL at the end. The credentials are sent to no other host."""
        written = json_object(answer).get("next_page_uri")
        if not written:
            return ""
        host = api.host(self._values)
        try:
            url = str(urljoin(host, written))
        except (TypeError, ValueError):
            raise Refusal(unexpected(answer)) from None
        if not url.startswith(host):
            sentence = (
                "The next page of Twilio's list of numbers is not on "
                f"{host.removeprefix('https://').rstrip('/')}, so it was not opened."
            )
            raise Refusal(refused(Outcome.UNEXPECTED_ANSWER, sentence))
        return url

    def _line(self, row: Mapping[str, Any]) -> ProviderNumber | None:
        """A trunk or an application takes precedence over the number's own URL."""
        if not (phone_number := numbers.phone_number(row.get("phone_number"))):
            return None
        trunk, application = (_text(row, name) for name in ("trunk_sid", "voice_application_sid"))
        owner = _text(row, "account_sid")
        is_ours = not owner or owner == self._values["account_sid"]
        caller = self._application(application) if application and is_ours and not trunk else row
        override = Override.APPLICATION if application else None
        if trunk:
            caller, override = {}, Override.TRUNK
        line = ProviderNumber(
            phone_number=phone_number,
            label=numbers.cleaned(row.get("friendly_name")),
            webhook_url=numbers.cleaned(caller.get("voice_url"), 2000),
            method=numbers.cleaned(caller.get("voice_method"), 10),
            override=override,
            override_name=trunk or application,
            reference=_text(row, "sid"),
            application_id=application,
            fallback_url=numbers.cleaned((caller or row).get("voice_fallback_url"), 2000),
            status_url=numbers.cleaned(row.get("status_callback"), 2000),
            expected_fallback=self._values.get("fallback_url"),
            expected_status_url=self._values.get("status_callback_url"),
            has_voice=numbers.has_voice(row.get("capabilities")),
            owner="" if is_ours else owner,
            ignores_fragment=True,
        )
        return numbers.with_faults(line, *_faults(line, row))

    def _application(self, sid: str) -> Mapping[str, Any]:
        if sid not in self._applications:
            account = api.account_url(self._values)
            answer = api.get(self._http, self._values, f"{account}/Applications/{quote(sid, safe='')}.json")
            is_gone = answer.status == 404 and bool(json_object(answer))
            if not is_gone and (answer.status != 200 or json_object(answer).get("sid") != sid):
                raise Refusal(api.refusal(answer, self._values))
            self._applications[sid] = {} if is_gone else json_object(answer)
        return self._applications[sid]

    def in_subaccount(self, phone_number: str) -> ProviderNumber | None:
        """Returns the number as a subaccount has it. It is a hint: what cannot be read is passed over."""
        try:
            for sid in self._subaccounts():
                for row in self._rows(sid, PhoneNumber=phone_number):
                    if numbers.phone_number(row.get("phone_number")) == phone_number:
                        return self._line({"account_sid": sid} | dict(row))
        except (Refusal, OutboundError):
            return None
        return None

    def _subaccounts(self) -> list[str]:
        url = f"{api.host(self._values)}2010-04-01/Accounts.json"
        answer = api.get(self._http, self._values, url, PageSize=MOST_SUBACCOUNTS + 1, Status="active")
        sids = [_text(row, "sid") for row in json_list(answer, "accounts")]
        others = [sid for sid in sids if re.fullmatch(r"AC[0-9A-Za-z]{32}", sid)]
        return [sid for sid in others if sid != self._values["account_sid"]][:MOST_SUBACCOUNTS]

    def placed(self, line: ProviderNumber) -> ProviderNumber:
        """Adds the region in which calls to the number are answered, if it is not the connection's."""
        answer = api.get(self._http, self._values, f"{ROUTES}/{quote(line.phone_number, safe='')}")
        found, here = json_object(answer), api.region(self._values)
        if answer.status == 404 and found:
            there: Any = api.HOME
        elif answer.status == 200 and found:
            there = found.get("voice_region") or api.HOME
        elif answer.status == 429 or answer.status >= 500:
            raise Refusal(unexpected(answer))
        else:
            there = None
        if not isinstance(there, str):
            return numbers.with_faults(line, _unplaced(here))
        return line if there.lower() == here else numbers.with_faults(line, _elsewhere(there.lower(), here))

    def point(self, line: ProviderNumber, url: str) -> None:
        """Removes the application and the trunk too: they take precedence over the number's own URL."""
        if line.owner:
            sentence = NOT_OURS.format(f"the number belongs to the subaccount {line.owner}.")
            raise Refusal(refused(Outcome.NO_PERMISSION, sentence))
        form = {"VoiceUrl": url + _overrides(line), "VoiceMethod": "POST"} | _mended(line, url)
        sid = quote(line.reference, safe="")
        answer = self._http.send(
            "POST",
            f"{api.account_url(self._values)}/IncomingPhoneNumbers/{sid}.json",
            form=form,
            auth=(self._values["account_sid"], self._values["auth_token"]),
        )
        if answer.status == 404 and json_object(answer):
            raise Refusal(GONE)
        if answer.status != 200 or json_object(answer).get("sid") != line.reference:
            raise Refusal(api.refusal(answer, self._values))


def _text(row: Mapping[str, Any], name: str) -> str:
    return numbers.cleaned(row.get(name)) or ""


def _faults(line: ProviderNumber, row: Mapping[str, Any]) -> Iterator[Fault]:
    """What Twilio says of the number that keeps calls from any webhook."""
    if line.owner:
        yield Fault(
            Reason.OF_SUBACCOUNT,
            f"This number belongs to the subaccount {line.owner}. Store that subaccount's SID and auth token "
            "in an organization of its own, or move the number in the Console.",
        )
    mode = _text(row, "voice_receive_mode")
    if mode and mode != "voice":
        yield Fault(
            Reason.OTHER_VOICE_MODE, f"Twilio takes incoming calls on this number as {mode}, not as voice."
        )


def _mended(line: ProviderNumber, url: str) -> dict[str, str]:
    """The other fields that have to change with the URL: nothing that is known to be as expected is sent.

    While an application answers, the number's own fallback is not known.
    """
    form: dict[str, str] = {}
    if line.application_id:
        form["VoiceApplicationSid"] = ""
    if line.override is Override.TRUNK:
        form["TrunkSid"] = ""
    reasons = {fault.reason for fault in numbers.differences(line, url)}
    if Reason.OTHER_VOICE_MODE in reasons:
        form["VoiceReceiveMode"] = "voice"
    if Reason.DIFFERENT_FALLBACK in reasons or line.override is Override.APPLICATION:
        form |= {"VoiceFallbackUrl": line.expected_fallback or "", "VoiceFallbackMethod": "POST"}
    if Reason.DIFFERENT_STATUS_CALLBACK in reasons:
        form |= {"StatusCallback": line.expected_status_url or "", "StatusCallbackMethod": "POST"}
    return form


def _overrides(line: ProviderNumber) -> str:
    """Returns the connection overrides of the present URL, with their #: they stay when the URL changes."""
    fragment = (line.webhook_url or "").partition("#")[2]
    is_own = line.override is None and OVERRIDES.fullmatch(fragment)
    return f"#{fragment}" if is_own else ""


def _elsewhere(there: str, here: str) -> Fault:
    return Fault(
        Reason.OTHER_REGION,
        f"Twilio answers this number in {api.place(there)}, and this connection reads and writes "
        f"{api.place(here)}, where its settings have no effect. Use the other region with its auth token, or "
        f"route the number to {here} in the Console.",
    )


def _unplaced(here: str) -> Fault:
    return Fault(
        Reason.REGION_UNKNOWN,
        "This connection may not read in which region Twilio answers the number. Compare its routing "
        f"in the Console: it has to be {api.place(here)}.",
    )
