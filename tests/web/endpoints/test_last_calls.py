"""The last call on a number's page, and in the call path."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.core.outbound.client import Outbound
from simulators.base import Trouble
from simulators.calls import CALLER
from simulators.twilio import Twilio
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.live_numbers import add_numbers
from tests.support.pages import Page, Portal

NUMBER = "+15551234567"
URL = "https://voice.acme.example/telephony/twilio/inbound/support"


@pytest.fixture
def twilio(app: Flask) -> Iterator[Twilio]:
    with Twilio() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=10.0)
        yield upstream


@pytest.fixture
def number(app: Flask, cast: Cast, twilio: Twilio) -> str:
    """The path of the endpoint's page."""
    with scope_as(app, cast.dana) as scope:
        (row_id,) = add_numbers(scope, twilio.values, NUMBER)
    return f"/o/acme-support/endpoints/{row_id}"


def state(page: Page) -> str:
    (element,) = [one for one in page.root.by_id("last_call").all("p") if "data-state" in one.attrs]
    return str(element["data-state"])


def hop(dana: Portal) -> str:
    page = dana.get("/o/acme-support/trace?number=%2B15551234567")
    (element,) = [one for one in page.root.all("li") if one.attrs.get("data-hop") == "last_call"]
    return str(element["data-state"])


def test_card_reads_the_last_call_and_keeps_it_if_a_reading_fails(
    dana: Portal, twilio: Twilio, number: str
) -> None:
    page = dana.get(number)
    assert (state(page), hop(dana)) == ("not_read", "not-read")
    page = page.press("Read last call")
    assert state(page) == "never_called"
    twilio.calls.add(NUMBER, errors=[(99999, URL)])
    page = page.press("Read again")
    assert (page.path, state(page)) == (f"{number}#last_call", "webhook_failed")
    assert hop(dana) == "webhook-failed"
    call = next(one for one in page.root.all("li") if one.attrs.get("data-hop") == "last_call")
    assert "data-time" in call.all("span")[1].one("time").attrs
    links = [link["href"] for link in page.root.by_id("last_call").all("a")]
    assert links == ["https://www.twilio.com/docs/api/errors/99999"]
    assert CALLER not in page.source
    twilio.calls.add(NUMBER)
    page = page.press("Read again")
    assert (state(page), hop(dana)) == ("connected", "connected")

    twilio.trouble = Trouble.FAULT
    page = page.press("Read again")
    assert state(page) == "connected"
    assert [one for one in page.root.by_id("last_call").all("div") if one.attrs.get("role") == "alert"]
    twilio.trouble, twilio.hides_calls = None, True
    assert state(page.press("Read again")) == "unreadable"
    assert state(dana.get(number)) == "unreadable"
