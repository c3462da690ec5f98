"""Vobiz: agents' calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.core.outbound.client import Outbound
from app.provider import (
    Count,
    Family,
    Outcome,
    PhoneNumber,
    Provider,
    Secret,
    Text,
    Verified,
    WebAddress,
    json_object,
    limited,
    proven,
    refused,
    summed,
)
from app.provider.numbers import ProviderNumber
from app.providers.vobiz.account import API, Account, why


class Vobiz(Provider):
    key = "vobiz"
    label = "Vobiz"
    position = 40
    families = (Family.TELEPHONY,)
    summary = "For agent calls."
    observes_by_listing = True
    shared_note = "The other numbers keep this application: an application of its own is made for this one."
    webhook_steps = (
        "In the Vobiz console, open the application that the number is attached to.",
        "Paste the URL as its answer URL, method POST, and save.",
        "Set its hang-up URL too, to another URL: without one, Vobiz calls the answer URL at each hang-up.",
        "Every number attached to that application is answered by the same URL.",
    )

    auth_id = Text("Auth ID", help="Vobiz console → Account. Starts with MA_ or SA_.", required=True)
    auth_token = Secret("Auth token", help="Vobiz console → Account, with the auth ID.", required=True)
    phone_number = PhoneNumber("Phone number", help="The default caller number.", group="Calls")
    max_concurrent = Count(
        "Max concurrent calls",
        help="How many agent calls may run at the same time.",
        default=5,
        group="Calls",
    )

    fallback_url = WebAddress(
        "Fallback URL",
        help="Called if a number's webhook fails. Empty: none, or one on the webhook's own host.",
        group="Calls",
        is_extra=True,
    )
    hangup_url = WebAddress(
        "Hang-up URL",
        help="Called when a call ends. Empty: any but the webhook itself.",
        group="Calls",
        is_extra=True,
    )

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Reads the account of the credentials. The response contains a secret, so no part is passed on."""
        if lacking := self.missing_credentials(values):
            return lacking
        headers = {"X-Auth-ID": values["auth_id"], "X-Auth-Token": values["auth_token"]}
        answer = http.send("GET", f"{API}/auth/me", headers=headers)
        found = json_object(answer)
        if answer.status != 200 or not isinstance(found.get("auth_id"), str):
            return why("GET", answer)
        result = _account(found, values["auth_id"])
        caller = self.caller(http, values) if result.ok else None
        return summed([result, caller]) if caller else result

    def numbers(self, http: Outbound, values: Mapping[str, Any]) -> Iterator[ProviderNumber]:
        """Reads all pages before the first number: only then is known who shares an application.

        A line names the first few of those. Numbers of sub-accounts are among them, and are marked.
        """
        self.require_credentials(values)
        yield from Account(http, values).lines()

    def observe(self, http: Outbound, values: Mapping[str, Any], phone_number: str) -> ProviderNumber | None:
        """Reads all numbers, because no search returns the others that share the application."""
        self.require_credentials(values)
        account = Account(http, values)
        return account.line(phone_number) if phone_number in account.rows else None

    def point(self, http: Outbound, values: Mapping[str, Any], line: ProviderNumber, url: str) -> None:
        self.require_credentials(values)
        Account(http, values).point(line, url)


def _account(found: Mapping[str, Any], auth_id: str) -> Verified:
    if found["auth_id"] != auth_id:
        return refused(
            Outcome.WRONG_ACCOUNT,
            "The auth token is of another account than this auth ID. Copy both from the same page.",
        )
    if found.get("enabled") is False or found.get("is_active") is False:
        return refused(Outcome.SUSPENDED, "The Vobiz account is not active. See its console.")
    known = "Vobiz accepts the auth ID and token, and the account is active."
    if auth_id.startswith("SA_"):
        known += " It is a sub-account: its numbers are its own, not those of the parent."
    if found.get("is_trial_account") is True:
        return limited(f"{known} It is a trial account, which can call few numbers. Its console says which.")
    return proven(known)
