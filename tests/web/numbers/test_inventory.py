"""Looking through what a provider's account owns, and importing from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app.core.outbound.client import Outbound
from app.models import Endpoint, VoicePhoneNumber
from app.providers import PROVIDERS
from app.services import messages as shared_messages
from app.services.connections import gateway
from app.services.endpoints import crud
from app.services.numbers import assignments, imports, inventory
from app.services.numbers import messages as number_messages
from app.services.status.setup import StepKey
from app.web.numbers import messages
from simulators import SIMULATORS
from simulators.base import Simulator, Trouble
from simulators.sinch_est import SinchEst
from tests.support import accounts
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Page, Portal
from tests.support.rows import unchanged

ACME = "/o/acme-support"
PATH = f"{ACME}/providers/twilio/numbers"
LIST = f"{PATH}?list=1"
FIRST, SECOND, THIRD = "+15551234567", "+15551234568", "+15551234569"
NOTED = ("throttles", "checks")


def connect(app: Flask, cast: Cast, upstream: Simulator, key: str) -> None:
    """The account's values are stored, and the way out leads to it."""
    app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=0.5)
    with scope_as(app, cast.dana) as scope:
        accounts.connect(scope, key, upstream.values)


@pytest.fixture
def twilio(app: Flask, cast: Cast) -> Iterator[Any]:
    with SIMULATORS["twilio"]() as upstream:
        connect(app, cast, upstream, "twilio")
        yield upstream


def mapped(app: Flask, cast: Cast, number: str, *, is_foreign: bool = False) -> str:
    """The id of a new endpoint, of Acme Support's or of Globex's."""
    with scope_as(app, cast.gus if is_foreign else cast.dana) as scope:
        return crud.create(scope, {"phone_number": number, "provider": "twilio"}).id


def submit(portal: Portal, way: str, ticked: list[str], status: int = 200, **typed: str) -> Page:
    """The form of the list, with these numbers ticked."""
    data = {"csrf_token": portal.token(), "number": ticked, **typed}
    return portal.post(f"{PATH}/{way}", data, status)


def stored(app: Flask, cast: Cast, model: Any = Endpoint) -> list[Any]:
    with scope_as(app, cast.dana) as scope:
        return sorted(scope.session.scalars(scope.select(model)), key=lambda row: row.phone_number)


def ticked(page: Page) -> list[str]:
    return [box["value"] for box in page.root.all("input", name="number") if "checked" in box.attrs]


def refusals(page: Page) -> dict[str, str]:
    """Beside which number stands why it was refused."""
    return {
        box["value"]: page.root.by_id(box["aria-describedby"]).text
        for box in page.root.all("input", name="number")
        if "aria-invalid" in box.attrs
    }


def tickable(page: Page) -> list[str]:
    return [box["value"] for box in page.root.all("input", name="number")]


def test_show_is_of_any_connected_provider_and_requests_its_list(
    dana: Portal, twilio: Any, app: Flask, cast: Cast
) -> None:
    """One without a connection leads to its form; numbers of the dialer and of a trunk are listed too."""
    assert dana.get(f"{ACME}/providers/twilio").follow("Numbers").path == PATH
    chosen = dana.get(f"{ACME}/endpoints").follow("Import from provider")
    assert chosen.path == f"{ACME}/numbers"
    assert chosen.follow("Connect Vobiz").title == "Vobiz"
    page = chosen.follow("List numbers of Twilio")
    assert twilio.requests == []
    waiting = page.root.by_id("numbers")
    assert (waiting["hx-get"], waiting["hx-trigger"]) == (PATH, "load")
    assert len(dana.get(waiting["hx-get"], htmx="numbers").rows()) == 3

    page = dana.get(f"{PATH}?q=4567").follow("List numbers")
    assert tickable(page) == [FIRST]
    assert page.has_button("Import as endpoints")
    page = dana.get(PATH).press("Search", q="4569")
    assert tickable(page) == [THIRD]
    assert page.value("q") == "4569"

    for key, place in [("vobiz", "providers/vobiz"), ("sinch_est", "voice-ai?tab=sinch_est")]:
        page, provider = dana.get(f"{ACME}/providers/{key}/numbers"), PROVIDERS[key]
        assert [field.label for field in provider.required if field.label not in page.notes] == [], key
        assert page.link(f"Open {provider.label}")["href"] == f"{ACME}/{place}", key
    with SinchEst() as upstream:
        connect(app, cast, upstream, "sinch_est")
        page = dana.get(f"{ACME}/voice-ai?tab=sinch_est").follow("Numbers of Sinch EST")
        page = page.follow("List numbers")
        assert tickable(page) == sorted(upstream.numbers)
        assert dana.get(f"{page.path.split('?')[0]}?imported={'9' * 5000}").notes == ""

    with SIMULATORS["sinch"]() as sinch:
        connect(app, cast, sinch, "sinch")
        with scope_as(app, cast.dana) as scope:
            assignment = {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": "+12025550101"}
            assignments.assign(scope, assignment)
        page = dana.get(f"{ACME}/providers/sinch/numbers?list=1")
    assert not page.has_button("Import as endpoints")
    assert page.link("Imported +1 202-555-0101")["href"] == f"{ACME}/people/{cast.mo.id}"
    assert "+12025550101" in tickable(page)


def test_list_shows_the_state_of_each_number(app: Flask, cast: Cast, dana: Portal, twilio: Any) -> None:
    endpoint_id = mapped(app, cast, FIRST)
    mapped(app, cast, SECOND, is_foreign=True)
    twilio.numbers[FIRST].trunk_sid = "TK" + "0" * 32
    twilio.numbers[SECOND].voice_application_sid = next(iter(twilio.applications))
    twilio.numbers[THIRD].voice_url = "https://calls.example/welcome"
    twilio.numbers[THIRD].friendly_name = "Front desk"
    page = dana.get(LIST)
    assert page.data("state") == ["mapped", "elsewhere", "unmapped"]
    assert page.link("Imported +1 555-123-4567")["href"] == f"{ACME}/endpoints/{endpoint_id}"
    assert "Globex" not in page.source
    first, second, third = (row.all("td")[-1].text for row in page.root.one("tbody").all("tr"))
    assert ("TK000" in first, "AP000" in second) == (True, True)
    assert "app.example/calls" in second
    assert third.endswith("calls.example/welcome")
    assert "Front desk" in page.rows()[2]
    assert page.has_link("Label")
    for number in twilio.numbers.values():
        number.friendly_name = ""
    assert not dana.get(LIST).has_link("Label")
    assert tickable(page) == [FIRST, THIRD]

    twilio.numbers["+1555123"] = twilio.numbers.pop(FIRST)
    twilio.numbers["+1555123"].phone_number = "+1555123"
    page = dana.get(LIST)
    assert number_messages.UNUSABLE in page.rows()[0]
    assert tickable(page) == [THIRD]


FILTERS = {
    "q=4568": [SECOND],
    "q=front": [FIRST],
    "state=unmapped": [SECOND, THIRD],
    "state=mapped": [FIRST],
    "q=4568&state=mapped": [],
    "state=nonsense": [FIRST, SECOND, THIRD],
}


def test_list_is_filtered_sorted_and_cut(
    app: Flask, cast: Cast, dana: Portal, twilio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is empty is last both ways, and a search keeps the order."""
    mapped(app, cast, FIRST)
    twilio.numbers[FIRST].friendly_name = "Front desk"
    for query, expected in FILTERS.items():
        page = dana.get(f"{LIST}&{query}")
        assert tickable(page) == expected, query
        assert page.has_link("Show all numbers") is not bool(expected), query

    twilio.numbers[SECOND].friendly_name = "Zoo"
    twilio.numbers[THIRD].friendly_name = "aquarium"
    twilio.numbers[FIRST].friendly_name = ""
    up = dana.get(LIST).follow("Label")
    down = up.follow("Label")
    assert [tickable(page) for page in (up, down)] == [[THIRD, SECOND, FIRST], [SECOND, THIRD, FIRST]]
    orders = [
        page.root.one("th", **{"aria-sort": order}).text
        for page, order in ((up, "ascending"), (down, "descending"))
    ]
    assert orders == ["Label", "Label"]
    assert tickable(down.press("Search", q="+1")) == [SECOND, THIRD, FIRST]
    assert tickable(dana.get(f"{LIST}&sort=nonsense")) == [FIRST, SECOND, THIRD]

    monkeypatch.setattr(imports, "MAX_NUMBERS", 2)
    page = dana.get(LIST)
    assert tickable(page) == [FIRST, SECOND]
    assert [part.text.split()[0] for part in page.root.all("span") if "data-found" in part.attrs] == ["3"]
    assert (page.data("cut"), page.data("listed")) == (["2"], [])
    monkeypatch.setattr(inventory, "MOST", 1)
    assert dana.get(LIST).data("listed") == ["1"]


def test_import_and_assignment_of_the_selection(app: Flask, cast: Cast, dana: Portal, twilio: Any) -> None:
    page = dana.get(LIST).press(
        "Import as endpoints", number=True, inbound_agent_name="Reception", outbound_agent_name=""
    )
    assert [row.phone_number for row in stored(app, cast)] == [FIRST]
    assert page.follow(StepKey.BASE_URL.label).title == "Settings"
    assert len(page.follow("View endpoints").rows()) == 1
    page = submit(dana, "endpoints", [SECOND, THIRD], inbound_agent_name="Reception")
    assert [row.phone_number for row in stored(app, cast)] == [FIRST, SECOND, THIRD]
    assert {row.inbound_agent_name for row in stored(app, cast)} == {"Reception"}
    assert page.follow("View endpoints").path == f"{ACME}/endpoints?provider=twilio&agent=Reception"

    page = submit(dana, "person", [FIRST, SECOND], user_id=cast.mo.id)
    assert page.title == "Mo"
    assert messages.assigned("Mo", 2) in page.notes
    assert [row.phone_number for row in stored(app, cast, VoicePhoneNumber)] == [FIRST, SECOND]


MISTAKES: list[tuple[str, list[str], dict[str, str]]] = [
    ("endpoints", [], {}),
    ("endpoints", [FIRST], {"inbound_agent_name": "a/b"}),
    ("person", [FIRST], {"user_id": ""}),
]


def test_import_refused_keeps_the_input_and_shows_why_first(
    app: Flask, cast: Cast, dana: Portal, twilio: Any
) -> None:
    """Mapped meanwhile, so that the filter hides it; no longer the account's; no number at all."""
    mapped(app, cast, FIRST)
    mapped(app, cast, SECOND, is_foreign=True)
    with unchanged(app, but=NOTED):
        for number, why in {
            FIRST: number_messages.IS_ENDPOINT,
            SECOND: number_messages.IN_OTHER_ORGANIZATION,
            "+15550000000": number_messages.not_owned("Twilio"),
            "+1": number_messages.UNUSABLE,
        }.items():
            page = submit(dana, "endpoints?state=unmapped", [number, THIRD], 409, outbound_agent_name="Sales")
            assert refusals(page) == {number: messages.wrong(why)}
            assert ticked(page) == tickable(page) == [number, THIRD]
            assert page.value("outbound_agent_name") == "Sales"
            assert "Globex" not in page.source
        for way, numbers, typed in MISTAKES:
            page = submit(dana, way, numbers, 422, **typed)
            assert page.notes
            assert set(ticked(page)) == set(numbers) & {FIRST}
    submit(dana, "endpoints", [THIRD], inbound_agent_name="Reception")
    assert [row.phone_number for row in stored(app, cast)] == [FIRST, THIRD]


def test_provider_failure_is_shown_with_a_next_step(
    app: Flask, cast: Cast, dana: Portal, twilio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for trouble, way in ((Trouble.FAULT, "list"), (Trouble.HTML, "htmx"), (None, "import")):
        twilio.trouble, twilio.is_off = trouble, way == "import"
        with unchanged(app, but=NOTED):
            if way == "import":
                page = submit(dana, "endpoints", [FIRST, THIRD], 409, inbound_agent_name="Reception")
                assert ticked(page) == [FIRST, THIRD]
                assert page.value("inbound_agent_name") == "Reception"
            else:
                page = dana.get(LIST, 409, htmx="numbers" if way == "htmx" else None)
        assert "api.twilio.com" in page.notes
        assert twilio.values["auth_token"] not in page.source
        assert page.link("Open Twilio")["href"] == f"{ACME}/providers/twilio"
    twilio.is_off = False
    mapped(app, cast, SECOND, is_foreign=True)
    monkeypatch.setattr(gateway, "LIST", replace(gateway.LIST, most=1))
    page = submit(dana, "endpoints", [FIRST, SECOND], 429, inbound_agent_name="Reception")
    assert shared_messages.too_many_attempts(1).partition(".")[0] in page.notes
    assert ticked(page) == [SECOND, FIRST]
    assert list(refusals(page)) == [SECOND]
    assert page.value("inbound_agent_name") == "Reception"
