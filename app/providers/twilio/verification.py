"""Tests of Twilio credentials: the account, and each resource that the connection names."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any

from app.core.outbound.client import Outbound
from app.provider import (
    Outcome,
    Verified,
    facts,
    foreign_caller,
    json_list,
    json_object,
    limited,
    messages,
    not_proven,
    proven,
    refused,
    summed,
    unexpected,
)
from app.provider.numbers import phone_number
from app.providers.twilio import api

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
HOSTS = tuple(place.partition("/")[0] for places in SERVICES.values() for place in places)


MAY_NOT_READ_NUMBERS = refused(
    Outcome.NO_PERMISSION,
    "Twilio accepts the account SID and auth token, but does not let them read phone numbers. See the "
    "account's permissions in the Console.",
)


def verify(http: Outbound, values: Mapping[str, Any]) -> Verified:
    results: list[Verified] = []
    for check in (_account, _numbers, _api_key, _twiml_app, _service, _caller):
        result = check(http, values)
        if result and not result.ok:
            return result
        results += [result] if result else []
    return summed(results)


def _account(http: Outbound, values: Mapping[str, Any]) -> Verified:
    """Tests the account and its auth token.

    The response contains the primary auth token, so only the account's name is passed on.
    """
    answer = api.get(http, values, f"{api.account_url(values)}.json")
    account = json_object(answer)
    if answer.status == 404 and account:
        return api.NO_ACCOUNT
    if answer.status != 200 or "sid" not in account:
        return api.refusal(answer, values)
    if account["sid"] != values["account_sid"]:
        return refused(
            Outcome.WRONG_ACCOUNT,
            "The auth token is of another account than this SID. Copy both from the same Account Info.",
        )
    status = str(account.get("status")).strip().lower()
    if status in ("suspended", "closed"):
        return refused(
            Outcome.SUSPENDED,
            f"Twilio accepts the auth token, but the account is {status}. See the Console.",
        )
    primary = account.get("auth_token")
    if _is_token(primary) and not _is_same(str(primary), values["auth_token"]):
        return refused(
            Outcome.SECONDARY_TOKEN,
            "This is not the primary auth token of the account. Twilio accepts it, but signs webhooks with "
            "the primary one, so signatures will not verify. Copy the primary token from the Console's "
            "Account Info, or promote this one there.",
        )
    return _accepted_account(account)


def _is_token(value: Any) -> bool:
    """Whether the value is a token, not a masked one."""
    return isinstance(value, str) and re.fullmatch(r"[0-9A-Za-z-]+", value) is not None


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _accepted_account(account: Mapping[str, Any]) -> Verified:
    sentence = "Twilio accepts the account SID and auth token."
    owner = account.get("owner_account_sid")
    if isinstance(owner, str) and owner != account["sid"]:
        sentence += " The account is a subaccount: its numbers are its own, not those of the parent."
    read = facts.named("account", account.get("friendly_name"))
    if str(account.get("status")).strip().lower() != "active":
        return not_proven(f"{sentence} Whether the account is active is not known. See the Console.")
    if str(account.get("type")).strip().casefold() == "trial":
        return limited(
            f"{sentence} It is a trial account: it calls verified numbers only, and plays a notice first. "
            "Upgrade it in the Console.",
            *read,
        )
    return proven(sentence, *read)


def _numbers(http: Outbound, values: Mapping[str, Any]) -> Verified | None:
    """Returns the refusal if the credentials may not read numbers; None for any other response."""
    answer = api.get(http, values, f"{api.account_url(values)}/IncomingPhoneNumbers.json", PageSize=1)
    if answer.status not in (401, 402, 403):
        return None
    result = api.refusal(answer, values)
    return MAY_NOT_READ_NUMBERS if result is api.FORBIDDEN else result


def _api_key(http: Outbound, values: Mapping[str, Any]) -> Verified | None:
    """Tests the API key with the account, then with its numbers; None if no key is set.

    Only a main key may read the account; another key gets the same 401 as a wrong one. A restricted key may
    not read numbers either, so two refusals prove nothing.
    """
    sid, secret = values.get("api_key_sid"), values.get("api_key_secret")
    if not sid and not secret:
        return None
    if not sid or not secret:
        return not_proven("The API key was not tested: its SID or its secret is missing.")
    account = api.account_url(values)
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
        "The API key could not be verified: it is restricted and may not read numbers, its SID or secret is "
        f"wrong, or it is of another region than {api.place(api.region(values))}. See Account, API keys & "
        "tokens in the Console."
    )


def _twiml_app(http: Outbound, values: Mapping[str, Any]) -> Verified | None:
    if not (sid := values.get("twiml_app_sid")):
        return None
    answer = api.get(http, values, f"{api.account_url(values)}/Applications/{sid}.json")
    if answer.status == 200 and json_object(answer).get("sid") == sid:
        return proven("The TwiML app exists.")
    if answer.status == 404 and json_object(answer):
        return refused(
            Outcome.NOT_FOUND,
            "Twilio accepts the account, but it has no such TwiML app in the region "
            f"{api.place(api.region(values))}. Check Voice, TwiML apps in the Console.",
        )
    return api.refusal(answer, values)


def _service(http: Outbound, values: Mapping[str, Any]) -> Verified | None:
    """Tests the service, if one is set. Its SID's prefix names its kind; `IS` stands for three."""
    if not (sid := values.get("service_sid")):
        return None
    if api.region(values) != api.HOME:
        return not_proven(f"The service could not be verified: services are looked up in {api.HOME} only.")
    places = SERVICES.get(sid[:2], ())
    is_tested = bool(places)
    for place in places:
        answer = api.get(http, values, f"https://{place}/{sid}")
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


def _caller(http: Outbound, values: Mapping[str, Any]) -> Verified | None:
    """Tests whether calls can show the default number: an own one, or a verified caller ID."""
    if not (number := values.get("phone_number")):
        return None
    for name, rows in (
        ("IncomingPhoneNumbers", "incoming_phone_numbers"),
        ("OutgoingCallerIds", "outgoing_caller_ids"),
    ):
        answer = api.get(http, values, f"{api.account_url(values)}/{name}.json", PhoneNumber=number)
        if answer.status != 200:
            return not_proven(messages.CALLER_UNKNOWN)
        if any(phone_number(row.get("phone_number")) == number for row in json_list(answer, rows)):
            return proven(messages.CALLER_IS_OWN)
    return foreign_caller("Twilio", number)
