"""Twilio: the dialer's calls and agents' calls, in the region of the account."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from app.core import clock
from app.core.outbound.client import Outbound
from app.provider import (
    Count,
    Family,
    PhoneNumber,
    Provider,
    Secret,
    ServiceHost,
    Text,
    Verified,
    WebAddress,
    Where,
    call_xml,
    dialer,
)
from app.provider.calls import LastCalls
from app.provider.dialer import DialerToken
from app.provider.numbers import AnsweringService, Listing, ProviderNumber
from app.provider.webhooks import Instructions, SampleCall, Signing, WebhookRequest
from app.providers.twilio import api, calls, verification, webhook
from app.providers.twilio.calls import Calls
from app.providers.twilio.numbers import Numbers

CONSOLE = "https://www.twilio.com/console"
ACCOUNT_INFO = "Twilio Console → Account Info"


class Twilio(Provider):
    key = "twilio"
    label = "Twilio"
    hosts = (*api.REGIONS.values(), api.ROUTES, *verification.HOSTS)
    position = 10
    families = (Family.VOICE, Family.TELEPHONY)
    summary = "For the dialer and for agent calls."
    console = Where("Active numbers in the Twilio Console", f"{CONSOLE}/phone-numbers/incoming")
    webhook_steps = (
        "In the Twilio Console, open the phone number's voice configuration.",
        "For “A call comes in”, choose Webhook and paste the URL, method HTTP POST.",
        "Save. Remove any TwiML app or SIP trunk from the number: it takes precedence over the URL.",
    )

    account_sid = Text(
        "Account SID",
        where=Where(ACCOUNT_INFO, CONSOLE),
        help="Starts with AC.",
        required=True,
        pattern=r"AC[0-9A-Za-z]{32}",
        example="It is AC and 32 characters.",
    )
    auth_token = Secret(
        "Auth token", where=Where(f"{ACCOUNT_INFO} → Auth token → Show", CONSOLE), required=True
    )
    api_key_sid = Text(
        "API key SID",
        where=Where("Twilio Console → Account → API keys & tokens", f"{CONSOLE}/project/api-keys"),
        help="Starts with SK.",
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
        where=Where("Twilio Console → Voice → TwiML apps", f"{CONSOLE}/voice/twiml/apps"),
        help="Starts with AP.",
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

    region = ServiceHost(
        "Region",
        help="Each region has its own auth token and API keys: changing it requires them again.",
        hosts=tuple(api.REGIONS.values()),
        names=tuple((name, api.place(name)) for name in api.REGIONS),
        is_extra=True,
    )
    fallback_url = WebAddress(
        "Fallback URL",
        help="Called if a number's webhook fails. Empty: none, or one on the webhook's own host.",
        group="Calls",
        families=(Family.TELEPHONY,),
        is_extra=True,
    )
    status_callback_url = WebAddress(
        "Status callback URL",
        help="Receives the status of each number's calls. Empty: any.",
        group="Calls",
        families=(Family.TELEPHONY,),
        is_extra=True,
    )
    takers = (
        AnsweringService("A Twilio Studio flow", r"webhooks\.twilio\.com/v1/Accounts/[^/]+/Flows/"),
        AnsweringService("A TwiML Bin", r"handler\.twilio\.com/twiml/"),
        AnsweringService("Twilio's demo page", r"demo\.twilio\.com(/|$)"),
        AnsweringService("Twilio Flex", r"flex-api\.twilio\.com/"),
        AnsweringService("A Twilio Function", r"[a-z0-9-]+(\.[a-z0-9-]+)*\.twil\.io(/|$)"),
        AnsweringService("A Twimlet", r"(www\.)?twimlets\.com(/|$)"),
        AnsweringService("Vapi", r"([a-z0-9-]+\.)*vapi\.ai(/|$)"),
        AnsweringService("Retell AI", r"([a-z0-9-]+\.)*retellai\.com(/|$)"),
    )

    call_errors = calls.ERRORS
    call_error_page = calls.ERROR_PAGE
    dialer_fields = (account_sid, api_key_sid, api_key_secret, twiml_app_sid)
    webhook_rules = webhook.RULES

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Reads the account, then the API key, TwiML app, service and caller number that are set."""
        return self.missing_credentials(values) or verification.verify(http, values)

    def numbers(self, http: Outbound, values: Mapping[str, Any]) -> Listing:
        self.require_credentials(values)
        return (yield from Numbers(http, values).numbers())

    def observe(self, http: Outbound, values: Mapping[str, Any], phone_number: str) -> ProviderNumber | None:
        self.require_credentials(values)
        number = Numbers(http, values).number(phone_number)
        return self.completed(http, values, number, phone_number=phone_number)

    def completed(
        self,
        http: Outbound,
        values: Mapping[str, Any],
        number: ProviderNumber | None,
        *,
        phone_number: str,
        place: str | None = None,
    ) -> ProviderNumber | None:
        """Adds the number's region, or searches the subaccounts if the account lacks the number."""
        account = Numbers(http, values)
        if number is None:
            return account.in_subaccount(phone_number)
        return number if number.owner else account.placed(number, place)

    def point(self, http: Outbound, values: Mapping[str, Any], number: ProviderNumber, url: str) -> None:
        self.require_credentials(values)
        Numbers(http, values).point(number, url)

    def restore(
        self, http: Outbound, values: Mapping[str, Any], number: ProviderNumber, before: ProviderNumber
    ) -> None:
        self.require_credentials(values)
        Numbers(http, values).restore(number, before)

    def last_calls(
        self,
        http: Outbound,
        values: Mapping[str, Any],
        phone_numbers: Collection[str],
        since: datetime | None,
    ) -> LastCalls:
        """Reads the last calls and their errors.

        A call whose webhook failed has the usual status; only its errors show the failure.
        """
        self.require_credentials(values)
        return Calls(http, values).last(phone_numbers, since)

    def dialer_token(self, values: Mapping[str, Any], identity: str, now: datetime) -> DialerToken:
        """Returns an access token for incoming calls, and for outgoing ones through the TwiML app."""
        key_sid, region = values["api_key_sid"], api.region(values)
        header = {"typ": "JWT", "cty": "twilio-fpa;v=1"}
        if region != api.HOME:
            header["twr"] = region
        outgoing = {"application_sid": values["twiml_app_sid"]}
        claims = {
            "jti": f"{key_sid}-{clock.seconds(now)}",
            "iss": key_sid,
            "sub": values["account_sid"],
            "grants": {"identity": identity, "voice": {"incoming": {"allow": True}, "outgoing": outgoing}},
        }
        return dialer.mint(header, claims, values["api_key_secret"], issued_at=now)

    def webhook_test(
        self, values: Mapping[str, Any], url: str, call: SampleCall, signing: Signing, signed_url: str = ""
    ) -> WebhookRequest:
        return webhook.request(values, url, call, signing, signed_url)

    def instructions(self, body: bytes) -> Instructions:
        """Reads TwiML. A stream's address must not have a query, because Twilio drops it."""
        return call_xml.read(body, webhook.CONNECTING, allows_query=False)
