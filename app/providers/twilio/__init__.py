"""Twilio: the dialer's calls and agents' calls, in the region of the account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    dialer,
)
from app.provider.dialer import DialerToken
from app.provider.numbers import ProviderNumber, Taker
from app.providers.twilio import api, verification
from app.providers.twilio.numbers import Numbers


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

    region = ServiceHost(
        "Region",
        help="Each region has its own auth token and API keys: changing it requires them again.",
        hosts=tuple(api.REGIONS.values()),
        names=tuple(api.REGIONS),
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
        Taker("A Twilio Studio flow", r"webhooks\.twilio\.com/v1/Accounts/[^/]+/Flows/"),
        Taker("A TwiML Bin", r"handler\.twilio\.com/twiml/"),
        Taker("Twilio's demo page", r"demo\.twilio\.com(/|$)"),
        Taker("Twilio Flex", r"flex-api\.twilio\.com/"),
        Taker("A Twilio Function", r"[a-z0-9-]+(\.[a-z0-9-]+)*\.twil\.io(/|$)"),
        Taker("A Twimlet", r"(www\.)?twimlets\.com(/|$)"),
        Taker("Vapi", r"([a-z0-9-]+\.)*vapi\.ai(/|$)"),
        Taker("Retell AI", r"([a-z0-9-]+\.)*retellai\.com(/|$)"),
    )

    dialer_fields = (account_sid, api_key_sid, api_key_secret, twiml_app_sid)

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Reads the account, then the API key, TwiML app, service and caller number that are set."""
        return self.missing_credentials(values) or verification.verify(http, values)

    def numbers(self, http: Outbound, values: Mapping[str, Any]) -> Iterator[ProviderNumber]:
        self.require_credentials(values)
        yield from Numbers(http, values).lines()

    def observe(self, http: Outbound, values: Mapping[str, Any], phone_number: str) -> ProviderNumber | None:
        self.require_credentials(values)
        return self.completed(http, values, phone_number, Numbers(http, values).line(phone_number))

    def completed(
        self, http: Outbound, values: Mapping[str, Any], phone_number: str, line: ProviderNumber | None
    ) -> ProviderNumber | None:
        """Looks for a number that the account lacks in its subaccounts, and adds the region of any other."""
        account = Numbers(http, values)
        if line is None:
            return account.in_subaccount(phone_number)
        return line if line.owner else account.placed(line)

    def point(self, http: Outbound, values: Mapping[str, Any], line: ProviderNumber, url: str) -> None:
        self.require_credentials(values)
        Numbers(http, values).point(line, url)

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
