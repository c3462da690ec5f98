"""Vobiz: agents' calls."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Self

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
    Where,
    call_xml,
    facts,
    json_object,
    limited,
    numbers,
    proven,
    refused,
    summed,
)
from app.provider.calls import LastCalls
from app.provider.numbers import Listing, ProviderNumber
from app.provider.webhooks import Instructions, SampleCall, Signing, WebhookRequest
from app.providers.vobiz import rights, webhook
from app.providers.vobiz.account import API, Account, refusal_of
from app.providers.vobiz.applications import Applications
from app.providers.vobiz.calls import Calls

CONSOLE = Where("Vobiz console", "https://console.vobiz.ai")


class Vobiz(Provider):
    key = "vobiz"
    label = "Vobiz"
    hosts = ("api.vobiz.ai",)
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

    webhook_rules = webhook.RULES

    auth_id = Text("Auth ID", where=CONSOLE, help="Starts with MA_ or SA_.", required=True)
    auth_token = Secret("Auth token", where=CONSOLE, help="It is beside the auth ID.", required=True)
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

    applications: Applications | None = None
    """The applications that the calls of one run share; None if each call reads them again."""

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Reads the account of the credentials, and whether they may read its lists.

        The account's response contains a secret, so few parts of it are passed on.
        """
        if lacking := self.missing_credentials(values):
            return lacking
        headers = {"X-Auth-ID": values["auth_id"], "X-Auth-Token": values["auth_token"]}
        answer = http.send("GET", f"{API}/auth/me", headers=headers)
        account = json_object(answer)
        if answer.status != 200 or not isinstance(account.get("auth_id"), str):
            return refusal_of("GET", answer)
        result = _account(account, values["auth_id"])
        if not result.ok:
            return result
        if refusal := rights.lacking(http, values):
            return refusal
        caller = self.caller(http, values)
        return summed([result, caller]) if caller else result

    def numbers(self, http: Outbound, values: Mapping[str, Any]) -> Listing:
        """Reads all pages before the first number, because any row may share an application with it.

        Each number names the first few of those. Numbers of sub-accounts are included, and marked.
        """
        self.require_credentials(values)
        return (yield from Account(http, values, self.applications).numbers())

    def observe(self, http: Outbound, values: Mapping[str, Any], phone_number: str) -> ProviderNumber | None:
        """Reads all numbers, because no search returns the others that share the application."""
        self.require_credentials(values)
        return Account(http, values).find(phone_number)

    def point(self, http: Outbound, values: Mapping[str, Any], number: ProviderNumber, url: str) -> None:
        self.require_credentials(values)
        Account(http, values, self.applications).point(number, url)

    def restore(
        self, http: Outbound, values: Mapping[str, Any], number: ProviderNumber, before: ProviderNumber
    ) -> None:
        self.require_credentials(values)
        Account(http, values, self.applications).restore(number, before)

    def for_run(self) -> Self:
        """Returns the provider with shared applications, which moving each number searches."""
        run = copy.copy(self)
        run.applications = Applications()
        return run

    def last_calls(
        self,
        http: Outbound,
        values: Mapping[str, Any],
        phone_numbers: Collection[str],
        since: datetime | None,
    ) -> LastCalls:
        """Reads records of calls, which Vobiz writes when a call has ended."""
        self.require_credentials(values)
        return Calls(http, values).last(phone_numbers, since)

    def webhook_test(
        self, values: Mapping[str, Any], url: str, call: SampleCall, signing: Signing, signed_url: str = ""
    ) -> WebhookRequest:
        return webhook.request(values, url, call, signing, signed_url)

    def instructions(self, body: bytes) -> Instructions:
        return call_xml.read(body, webhook.CONNECTING)


def _account(account: Mapping[str, Any], auth_id: str) -> Verified:
    if account["auth_id"] != auth_id:
        return refused(
            Outcome.WRONG_ACCOUNT,
            "The auth token is of another account than this auth ID. Copy both from the same page.",
        )
    flags = {numbers.flag(account.get(name)) for name in ("enabled", "is_active")}
    if False in flags:
        return refused(Outcome.SUSPENDED, "The Vobiz account is not active. See its console.")
    sentence = f"Vobiz accepts the auth ID and token{', and the account is active' if True in flags else ''}."
    read = facts.named("account", account.get("name"))
    read += facts.most(account.get("concurrent_calls_limit"), "concurrent call")
    if auth_id.startswith("SA_"):
        sentence += " It is a sub-account: its numbers are its own, not those of the parent."
    if numbers.flag(account.get("is_trial_account")):
        sentence += " It is a trial account, which can call few numbers. Its console says which."
        return limited(sentence, *read)
    return proven(sentence, *read)
