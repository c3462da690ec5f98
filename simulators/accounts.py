"""Accounts that fit what `flask demo` makes, with a few things in them that are not as they should be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import demo_data
from app.core.urls import inbound_webhook_url
from simulators.console import ELSEWHERE
from simulators.elevenlabs import ElevenLabs
from simulators.elevenlabs_numbers import NIGHT_SHIFT, RECEPTION
from simulators.exotel import Exotel, flow
from simulators.sinch import ANOTHER_KEY, Sinch
from simulators.sinch_est import SinchEst
from simulators.twilio import Application, Twilio, made_up
from simulators.vobiz import Vobiz

OLD_URL = "+12125550134"
BEHIND_APPLICATION = "+97235550123"
PLANTED = {OLD_URL: "different_url", BEHIND_APPLICATION: "application_in_the_way"}
"""The numbers that are not as the portal expects, and why."""

UNMAPPED = {
    "twilio": {"+14155550102": "Spare, San Francisco", "+442079460123": "London office"},
    "exotel": {"+918047112346": "Spare, Bengaluru"},
    "vobiz": {"+918067654399": ""},
}
"""To import, with what the provider calls each."""

SHARED = ("+918067654321", "+918067654322")
"""Two numbers of Vobiz on one application."""


def fill(running: Mapping[str, Any]) -> None:
    for key, one in running.items():
        one.own = dict(demo_data.VALUES[key])
    _twilio(running["twilio"])
    _exotel(running["exotel"])
    _vobiz(running["vobiz"])
    _sinch(running["sinch"])
    _sinch_est(running["sinch_est"])
    _elevenlabs(running["elevenlabs"])


def _numbers(key: str) -> dict[str, tuple[str, str]]:
    """What the account has, mapped or not: label, and the URL that is right for it."""
    found = {number: (label, "") for number, label in UNMAPPED[key].items()}
    for example in (demo_data.MERIDIAN, demo_data.HARBOR):
        for mapped in example.endpoints:
            if mapped.provider == key:
                url = inbound_webhook_url(example.base_url, key, mapped.inbound) or ""
                found[mapped.phone_number] = mapped.label, url
    return dict(sorted(found.items(), key=lambda item: item[0] in UNMAPPED[key]))


def _twilio(twilio: Twilio) -> None:
    twilio.answers_for = twilio.sid
    twilio.numbers.clear()
    for number, (label, url) in _numbers("twilio").items():
        twilio.add(number, friendly_name=label, voice_url=url)
    app = made_up("AP")
    twilio.applications = {app: Application("https://old-dialer.meridian.example/twiml")}
    twilio.numbers[OLD_URL].voice_url = ELSEWHERE
    twilio.numbers[BEHIND_APPLICATION].voice_application_sid = app


def _exotel(exotel: Exotel) -> None:
    exotel.region = "api.in.exotel.com"
    exotel.numbers.clear()
    for number, (label, _) in _numbers("exotel").items():
        exotel.add(number, friendly_name=label, voice_url=flow("501", exotel.own["account_sid"]))


def _vobiz(vobiz: Vobiz) -> None:
    vobiz.numbers.clear()
    vobiz.applications.clear()
    known = _numbers("vobiz")
    app = vobiz.make(app_name="Collections", answer_url=known[SHARED[0]][1])
    for number in known:
        vobiz.add(number, application_id=app if number in SHARED else "")


def _sinch(sinch: Sinch) -> None:
    sinch.callback = "https://dialer.meridian.example/sinch"
    numbers = dict.fromkeys(demo_data.LINES.values(), sinch.key) | {
        "+14165550102": sinch.key,
        "+14165550103": ANOTHER_KEY,
    }
    sinch.owned = [
        {"number": number, "applicationkey": key, "capability": "voice"} for number, key in numbers.items()
    ]


def _sinch_est(est: SinchEst) -> None:
    trunk = est.own["trunk_id"]
    est.numbers = dict.fromkeys(demo_data.LINES.values(), trunk) | {"+14165550102": trunk, "+14165550103": ""}


def _elevenlabs(elevenlabs: ElevenLabs) -> None:
    elevenlabs.convai.agents = {RECEPTION: "Reception", NIGHT_SHIFT: "Night shift"}
