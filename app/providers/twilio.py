from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from app.core import clock
from app.core.outbound.answer import Answer
from app.core.outbound.client import Outbound
from app.provider import (
    MOST_PAGES,
    Count,
    Family,
    Outcome,
    PhoneNumber,
    Provider,
    Refusal,
    Secret,
    Text,
    Verified,
    dialer,
    json_list,
    json_object,
    not_proven,
    numbers,
    pagination_error,
    proven,
    refused,
    unexpected,
)
from app.provider.answers import is_unauthorized
from app.provider.dialer import DialerToken
from app.provider.numbers import Override, ProviderNumber

HOST = "https://api.twilio.com/"
API = f"{HOST}2010-04-01/Accounts"
SERVICES = {
    "MG": ("messaging.twilio.com/v1/Services",),
    "VA": ("verify.twilio.com/v2/Services",),
    "IS": (
        "sync.twilio.com/v1/Services",
        "conversations.twilio.com/v1/Services",
        "chat.twilio.com/v2/Services",
    ),
    "KS": ("proxy.twilio.com/v1/Services",),
    "TK": ("trunking.twilio.com/v1/Trunks",),
}
HOME_REGION = "us1"
"""Tokens for any other name their region."""
UNKNOWN = refused(
    Outcome.BAD_CREDENTIALS,
    "Twilio rejects this account SID and auth token. Compare both with the Console's Account Info. "
    "Suspended and closed accounts return the same error.",
)
FORBIDDEN = refused(
    Outcome.NO_PERMISSION,
    "Twilio accepts the account SID and auth token, but does not allow this. See the Console.",
)
GONE = refused(
    Outcome.NOT_FOUND,
    "The number is gone: this Twilio account no longer has it. Check Phone Numbers in the Console.",
)
ELSEWHERE = refused(
    Outcome.UNEXPECTED_ANSWER,
    "The next page of Twilio's list of numbers is not on api.twilio.com, so it was not opened.",
)


class Twilio(Provider):
    key = "twilio"
    label = "Twilio"
    position = 10
    families = (Family.VOICE, Family.TELEPHONY)
    summary = "For the dialer and for agent calls."
    webhook_steps = (
        "In the Twilio Console, open the phone number's voice configuration.",
        "For “A call comes in”, choose Webhook and paste the URL, method HTTP POST.",
        "Save. Remove any TwiML app or SIP trunk from the number: it takes precedence over the URL.",
    )

    account_sid = Text(
        "Account SID",
        help="Twilio Console → Account Info. Starts with AC.",
        required=True,
        pattern=r"AC[0-9A-Za-z]{32}",
        example="It is AC and 32 characters.",
    )
    auth_token = Secret(
        "Auth token", help="Twilio Console → Account Info → Auth token → Show.", required=True
    )
    api_key_sid = Text(
        "API key SID",
        help="Twilio Console → Account → API keys & tokens. Starts with SK.",
        pattern=r"SK[0-9A-Za-z]{32}",
        example="It is SK and 32 characters.",
        group="Dialer",
        families=(Family.VOICE,),
    )
    api_key_secret = Secret(
        "API key secret",
        help="Twilio shows it once, when the key is created.",
        group="Dialer",
        families=(Family.VOICE,),
    )
    twiml_app_sid = Text(
        "TwiML app SID",
        help="Twilio Console → Voice → TwiML apps. Starts with AP.",
        pattern=r"AP[0-9A-Za-z]{32}",
        example="It is AP and 32 characters.",
        group="Dialer",
        families=(Family.VOICE,),
    )
    service_sid = Text(
        "Service SID",
        help="Of the messaging, verify, sync or conversations service, if one is used.",
        pattern=r"[A-Z]{2}[0-9A-Za-z]{32}",
        example="It is two letters such as MG, and 32 characters.",
        group="Dialer",
        families=(Family.VOICE,),
    )
    phone_number = PhoneNumber("Phone number", help="The default caller number.", group="Calls")
    max_concurrent = Count(
        "Max concurrent calls",
        help="Agent calls that may run at the same time.",
        default=10,
        group="Calls",
        families=(Family.TELEPHONY,),
    )

    dialer_fields = (account_sid, api_key_sid, api_key_secret, twiml_app_sid)

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Reads the account, then the API key, TwiML app and service that are set."""
        if lacking := self.missing_credentials(values):
            return lacking
        found: list[Verified] = []
        for check in (_account, _api_key, _twiml_app, _service):
            result = check(http, values)
            if result and not result.ok:
                return result
            found += [result] if result else []
        is_proven = all(result.code == Outcome.OK for result in found)
        code = Outcome.OK if is_proven else Outcome.NOT_PROVEN
        return Verified(True, code, " ".join(result.reason for result in found))

    def numbers(self, http: Outbound, values: Mapping[str, Any]) -> Iterator[ProviderNumber]:
        self.require_credentials(values)
        account = _Account(http, values)
        for row in account.rows():
            if line := account.line(row):
                yield line

    def observe(self, http: Outbound, values: Mapping[str, Any], phone_number: str) -> ProviderNumber | None:
        """Twilio returns every number that contains the digits; only the whole one counts."""
        self.require_credentials(values)
        account = _Account(http, values)
        for row in account.rows(PhoneNumber=phone_number):
            if numbers.phone_number(row.get("phone_number")) == phone_number:
                return account.line(row)
        return None

    def point(self, http: Outbound, values: Mapping[str, Any], line: ProviderNumber, url: str) -> None:
        """Removes the application or trunk too: they take precedence over the number's own URL."""
        self.require_credentials(values)
        form = {"VoiceUrl": url, "VoiceMethod": "POST"}
        if line.override is Override.APPLICATION:
            form["VoiceApplicationSid"] = ""
        if line.override is Override.TRUNK:
            form["TrunkSid"] = ""
        answer = http.send(
            "POST",
            f"{API}/{values['account_sid']}/IncomingPhoneNumbers/{quote(line.reference, safe='')}.json",
            form=form,
            auth=(values["account_sid"], values["auth_token"]),
        )
        if answer.status == 404 and json_object(answer):
            raise Refusal(GONE)
        if answer.status != 200 or json_object(answer).get("sid") != line.reference:
            raise Refusal(_why(answer))

    def dialer_token(self, values: Mapping[str, Any], identity: str, now: datetime) -> DialerToken:
        """Returns an access token for incoming calls, and for outgoing ones through the TwiML app."""
        key_sid, region = values["api_key_sid"], values.get("region")
        header = {"typ": "JWT", "cty": "twilio-fpa;v=1"}
        if region and region != HOME_REGION:
            header["twr"] = region
        outgoing = {"application_sid": values["twiml_app_sid"]}
        claims = {
            "jti": f"{key_sid}-{clock.seconds(now)}",
            "iss": key_sid,
            "sub": values["account_sid"],
            "grants": {"identity": identity, "voice": {"incoming": {"allow": True}, "outgoing": outgoing}},
        }
        return dialer.mint(header, claims, values["api_key_secret"], issued_at=now)


class _Account:
    """The numbers of one account. Each application is read once."""

    def __init__(self, http: Outbound, values: Mapping[str, Any]) -> None:
        self._http = http
        self._values = values
        self._base = f"{API}/{values['account_sid']}"
        self._applications: dict[str, Mapping[str, Any]] = {}

    def rows(self, **query: str) -> Iterator[Mapping[str, Any]]:
        url = f"{self._base}/IncomingPhoneNumbers.json?{urlencode({'PageSize': 1000} | query)}"
        requested: set[str] = set()
        while url:
            if url in requested or len(requested) == MOST_PAGES:
                raise pagination_error(Twilio.label)
            requested.add(url)
            answer = _get(self._http, self._values, url)
            if answer.status != 200:
                raise Refusal(_why(answer))
            yield from json_list(answer, "incoming_phone_numbers")
            url = _next_page(answer)

    def line(self, row: Mapping[str, Any]) -> ProviderNumber | None:
        """A trunk or an application takes precedence over the number's own URL."""
        if not (phone_number := numbers.phone_number(row.get("phone_number"))):
            return None
        trunk, application = (
            numbers.cleaned(row.get(n)) or "" for n in ("trunk_sid", "voice_application_sid")
        )
        caller = self._application(application) if application else row
        override = Override.APPLICATION if application else None
        if trunk:
            caller, override = {}, Override.TRUNK
        return ProviderNumber(
            phone_number=phone_number,
            label=numbers.cleaned(row.get("friendly_name")),
            webhook_url=numbers.cleaned(caller.get("voice_url"), 2000),
            method=numbers.cleaned(caller.get("voice_method"), 10),
            override=override,
            override_name=trunk or application,
            reference=numbers.cleaned(row.get("sid")) or "",
            application_id="" if trunk else application,
            has_voice=numbers.has_voice(row.get("capabilities")),
        )

    def _application(self, sid: str) -> Mapping[str, Any]:
        if sid not in self._applications:
            answer = _get(self._http, self._values, f"{self._base}/Applications/{quote(sid, safe='')}.json")
            is_gone = answer.status == 404 and bool(json_object(answer))
            if not is_gone and (answer.status != 200 or json_object(answer).get("sid") != sid):
                raise Refusal(_why(answer))
            self._applications[sid] = {} if is_gone else json_object(answer)
        return self._applications[sid]


def _next_page(answer: Answer) -> str:
    """Returns an empty URL at the end. The credentials are sent to no other host."""
    written = json_object(answer).get("next_page_uri")
    if not written:
        return ""
    try:
        url = str(urljoin(HOST, written))
    except (TypeError, ValueError):
        raise Refusal(unexpected(answer)) from None
    if not url.startswith(HOST):
        raise Refusal(ELSEWHERE)
    return url


def _why(answer: Answer) -> Verified:
    if is_unauthorized(answer):
        return UNKNOWN
    if answer.status == 403 and json_object(answer):
        return FORBIDDEN
    return unexpected(answer)


def _get(http: Outbound, values: Mapping[str, Any], url: str, **query: Any) -> Answer:
    return http.send("GET", url, query=query, auth=(values["account_sid"], values["auth_token"]))


def _account(http: Outbound, values: Mapping[str, Any]) -> Verified:
    """The response contains the token, so no part of it is passed on."""
    answer = _get(http, values, f"{API}/{values['account_sid']}.json")
    found = json_object(answer)
    if answer.status == 401 and found:
        return UNKNOWN
    if answer.status == 404 and found:
        return refused(
            Outcome.NOT_FOUND, "Twilio has no account with this SID. Copy it from the Console's Account Info."
        )
    if answer.status != 200 or "sid" not in found:
        return unexpected(answer)
    if found["sid"] != values["account_sid"]:
        return refused(
            Outcome.WRONG_ACCOUNT,
            "The auth token is of another account than this SID. Copy both from the same Account Info.",
        )
    if found.get("status") in ("suspended", "closed"):
        return refused(
            Outcome.SUSPENDED,
            f"Twilio accepts the auth token, but the account is {found['status']}. See the Console.",
        )
    return proven("Twilio accepts the account SID and auth token.")


def _api_key(http: Outbound, values: Mapping[str, Any]) -> Verified | None:
    """A main key may read the account; other keys get the same 401 there as a wrong one.

    A restricted key may not read numbers either, so two refusals prove nothing.
    """
    sid, secret = values.get("api_key_sid"), values.get("api_key_secret")
    if not sid and not secret:
        return None
    if not sid or not secret:
        return not_proven("The API key was not tested: its SID or its secret is missing.")
    account = f"{API}/{values['account_sid']}"
    answer = http.send("GET", f"{account}.json", auth=(sid, secret))
    if answer.status == 200 and json_object(answer).get("sid") == values["account_sid"]:
        return proven("The API key is a main key of this account.")
    if answer.status not in (401, 403):
        return unexpected(answer)
    answer = http.send(
        "GET", f"{account}/IncomingPhoneNumbers.json", query={"PageSize": 1}, auth=(sid, secret)
    )
    if answer.status == 200 and "incoming_phone_numbers" in json_object(answer):
        return proven(
            "The API key is a standard key of this account, or a restricted one that reads numbers."
        )
    if answer.status not in (401, 403):
        return unexpected(answer)
    return not_proven(
        "The API key could not be verified: it is restricted and may not read numbers, or its SID or secret "
        "is wrong. See Account, API keys & tokens in the Console."
    )


def _twiml_app(http: Outbound, values: Mapping[str, Any]) -> Verified | None:
    if not (sid := values.get("twiml_app_sid")):
        return None
    answer = _get(http, values, f"{API}/{values['account_sid']}/Applications/{sid}.json")
    if answer.status == 200 and json_object(answer).get("sid") == sid:
        return proven("The TwiML app exists.")
    if answer.status == 404 and json_object(answer):
        return refused(
            Outcome.NOT_FOUND,
            "Twilio accepts the account, but it has no such TwiML app. Check Voice, TwiML apps in the "
            "Console.",
        )
    return unexpected(answer)


def _service(http: Outbound, values: Mapping[str, Any]) -> Verified | None:
    """The prefix of a SID names its service; `IS` stands for three."""
    if not (sid := values.get("service_sid")):
        return None
    places = SERVICES.get(sid[:2], ())
    is_tested = bool(places)
    for place in places:
        answer = _get(http, values, f"https://{place}/{sid}")
        if answer.status == 200 and json_object(answer).get("sid") == sid:
            return proven("The service exists.")
        if answer.status in (401, 403):
            is_tested = False
        elif answer.status != 404 or not json_object(answer):
            return unexpected(answer)
    if not is_tested:
        return not_proven("The service could not be verified: its kind is unknown, or it may not be read.")
    return refused(
        Outcome.NOT_FOUND,
        "Twilio accepts the account, but it has no such service. Copy the SID from the service's page in the "
        "Console.",
    )
