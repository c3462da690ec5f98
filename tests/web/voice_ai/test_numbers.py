"""AI on a user's number, from the user's page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.core import clock
from app.core.outbound.client import Outbound
from app.models import ProviderWrite
from app.providers import PROVIDERS, sinch_est
from app.services.connections import provider_writes
from app.services.numbers import assignments
from app.services.numbers import messages as number_messages
from app.services.providers import credentials
from app.services.voice_ai import messages as service_messages
from app.web.voice_ai import messages
from simulators.elevenlabs import ElevenLabs
from simulators.elevenlabs.numbers import AGENTS, NIGHT_SHIFT, NUMBERS, RECEPTION, Fault
from simulators.sinch_est import NUMBER, SinchEst
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Page, Portal
from tests.support.rows import unchanged

OPEN = f"Answer with AI… {NUMBER}"
CHANGE = f"Change AI… {NUMBER}"
VOICE_AI = "/o/acme-support/voice-ai?tab=sinch_est"


@pytest.fixture
def est() -> Iterator[SinchEst]:
    sinch_est.tokens.clear()
    with SinchEst() as upstream:
        yield upstream


@pytest.fixture
def labs(app: Flask, est: SinchEst) -> Iterator[ElevenLabs]:
    with ElevenLabs() as upstream:
        both = {**est.upstreams, **upstream.upstreams}
        app.extensions["patchbay_outbound"] = Outbound(both, deadline=2.0)
        yield upstream


def give(app: Flask, cast: Cast, *user_ids: str) -> None:
    with scope_as(app, cast.dana) as scope:
        for user_id in user_ids:
            assignment = {"userId": user_id, "provider": "sinch", "phoneNumber": NUMBER}
            assignments.assign(scope, assignment)


@pytest.fixture
def person(app: Flask, cast: Cast, est: SinchEst, labs: ElevenLabs) -> str:
    """Mo's page, where both providers are connected."""
    with scope_as(app, cast.dana) as scope:
        for key, upstream in (("sinch_est", est), ("elevenlabs", labs)):
            credentials.save(scope, PROVIDERS[key], upstream.values)
    give(app, cast, cast.mo.id)
    return f"/o/acme-support/people/{cast.mo.id}"


def switched_on(portal: Portal, person: str) -> Page:
    return portal.get(person).follow(OPEN).press("Answer with AI", ai_agent_id=RECEPTION)


def options(page: Page) -> list[str]:
    return [option.text for option in page.control("ai_agent_id").all("option")]


def test_enable_and_disable_from_the_users_page(
    dana: Portal, mo: Portal, person: str, labs: ElevenLabs
) -> None:
    page = dana.get(person)
    assert page.data("ai") == ["off"]
    page = page.follow(OPEN)
    assert page.title == "AI on +1 416-555-0100"
    assert options(page) == [messages.CHOOSE_ONE, "Night shift", "Reception"]
    page = page.press("Answer with AI", ai_agent_id=RECEPTION)
    assert messages.ai_on("+14165550100") in page.notes
    assert page.data("ai") == ["on"]
    (imported_id,) = labs.convai.numbers
    listed = dana.get(VOICE_AI).root.one(id="numbers").one("tbody")
    assert [cell.text for cell in listed.all("td")] == ["Mo", "AI on In sync", RECEPTION]
    own = mo.get("/account")
    assert (own.data("ai"), own.has_link(CHANGE)) == (["on"], False)
    page = page.follow(CHANGE)
    assert page.value("ai_agent_id") == RECEPTION
    assert imported_id in page.root.one("aside").text
    page = page.press("Save agent", ai_agent_id=NIGHT_SHIFT)
    assert labs.convai.numbers[imported_id]["agent_id"] == NIGHT_SHIFT
    page = page.follow(CHANGE).press("Turn AI off")
    assert messages.ai_off("+14165550100", here_only=False) in page.notes
    assert page.data("ai") == ["off"]
    assert labs.convai.numbers == {}
    listed = dana.get(VOICE_AI).root.one(id="numbers").one("tbody")
    assert [cell.text for cell in listed.all("td")] == ["Mo", "Off", "—"]


def test_enable_refused_keeps_the_chosen_agent(
    app: Flask, dana: Portal, person: str, est: SinchEst, labs: ElevenLabs
) -> None:
    form = dana.get(person).follow(OPEN)
    with unchanged(app, but=("checks",)):
        page = form.press("Answer with AI", 422)
        assert page.error("ai_agent_id") == service_messages.CHOOSE_AGENT
        assert est.requests == []
        numbers, est.numbers = est.numbers, {NUMBER: ""}
        page = form.press("Answer with AI", 409, ai_agent_id=NIGHT_SHIFT)
    assert service_messages.on_no_trunk(NUMBER, "Sinch", "Sinch EST") in page.notes
    assert page.value("ai_agent_id") == NIGHT_SHIFT
    est.numbers = numbers
    labs.convai.faults = [Fault("PATCH", NUMBERS), Fault("DELETE", NUMBERS)]
    page = form.press("Answer with AI", 409, ai_agent_id=RECEPTION)
    (imported_id,) = labs.convai.numbers
    assert service_messages.may_be_imported("ElevenLabs", NUMBER, imported_id) in page.notes


def test_show_without_agents_has_a_field_for_an_id(dana: Portal, person: str, labs: ElevenLabs) -> None:
    """Among others, an agent that was deleted is kept."""
    labs.convai.faults = [Fault("GET", AGENTS)]
    page = dana.get(person).follow(OPEN)
    assert [str(page.control("ai_agent_id")["type"]), "api.elevenlabs.io" in page.notes] == ["text", True]
    page = page.press("Answer with AI", 422, ai_agent_id="../odd")
    assert page.value("ai_agent_id") == "../odd"
    assert page.error("ai_agent_id") == service_messages.AGENT_ID_WRONG
    page = page.press("Answer with AI", ai_agent_id=f" {RECEPTION} ")
    assert messages.ai_on(NUMBER) in page.notes
    labs.convai.faults, labs.convai.agents = [], {}
    page = page.follow(CHANGE)
    assert messages.no_agents("ElevenLabs") in page.notes
    assert page.value("ai_agent_id") == RECEPTION
    labs.convai.agents[NIGHT_SHIFT] = '"><b hx-get=//x>'
    page = dana.get(page.path)
    assert options(page) == [messages.not_at_provider(RECEPTION, "ElevenLabs"), '"><b hx-get=//x>']
    assert not page.root.one("main").all("b")


def test_show_names_what_is_missing_or_not_supported(
    app: Flask, dana: Portal, cast: Cast, labs: ElevenLabs
) -> None:
    give(app, cast, cast.mo.id)
    page = dana.get(f"/o/acme-support/people/{cast.mo.id}").follow(OPEN)
    needed = [field.label for field in PROVIDERS["sinch_est"].required]
    missing = [item.text for item in page.root.one(css="pb-note").all("li")]
    assert missing == [
        service_messages.not_configured("Sinch EST", needed),
        service_messages.not_configured("ElevenLabs", ["API key"]),
    ]
    assert not page.has_button("Answer with AI")
    assert page.follow("Voice AI").title == "Voice AI"
    assert labs.requests == []
    with scope_as(app, cast.dana) as scope:
        assignment = {"userId": cast.mo.id, "provider": "twilio", "phoneNumber": "+14165550101"}
        number_id = assignments.assign(scope, assignment)[0].id
    page = dana.get(f"/o/acme-support/people/{cast.mo.id}")
    assert not page.has_link("Answer with AI… +14165550101")
    page = dana.get(f"{page.path}/numbers/{number_id}/ai", 409)
    assert service_messages.not_supported(["Sinch"], "Twilio") in page.text


def test_unassign_leads_to_turning_ai_off_perhaps_here_only(
    app: Flask, dana: Portal, person: str, labs: ElevenLabs
) -> None:
    confirmation = dana.get(person).follow(f"Unassign… {NUMBER}")
    switched_on(dana, person)
    with unchanged(app, but=("checks",)):
        page = confirmation.press("Unassign number")
    assert number_messages.AI_IS_ON in page.notes
    page = page.follow(f"Unassign… {NUMBER}")
    assert not page.has_button("Unassign number")
    page = page.follow("Turn AI off…")
    assert page.title == "AI on +1 416-555-0100"
    assert not page.has_button("Turn off in Patchbay only")
    labs.convai.faults = [Fault("DELETE", NUMBERS)]
    with unchanged(app, but=("audit_events", "checks", "drift_checks")):
        page = page.press("Turn AI off", 409)
    assert dana.get(person).data("ai") == ["on"]
    page = page.press("Turn off in Patchbay only")
    assert messages.ai_off("+14165550100", here_only=True) in page.notes
    assert len(labs.convai.numbers) == 1


def test_show_names_the_other_users_and_an_interrupted_change(
    app: Flask, dana: Portal, cast: Cast, person: str
) -> None:
    give(app, cast, cast.dana.id)
    page = dana.get(person).follow(OPEN)
    assert [user.text for user in page.root.one("p", **{"data-shared": ""}).all("bdi")] == ["Dana"]
    assert not [form for form in page.root.all("form") if "data-interrupted" in form.attrs]
    with scope_as(app, cast.dana) as scope, scope.transaction():
        old = clock.now() - 2 * provider_writes.LONGEST
        own = {"organization_id": cast.acme, "provider": "elevenlabs", "started_at": old}
        scope.session.add(ProviderWrite(**own, action="number.ai_on", subject=NUMBER))
    page = dana.get(page.path)
    (form,) = [form for form in page.root.all("form") if "data-interrupted" in form.attrs]
    assert form["data-interrupted"] == "number.ai_on"
    assert form["action"] == "/o/acme-support/check"
    page.send("Answer with AI", ai_agent_id=RECEPTION)
    assert dana.get(f"/o/acme-support/people/{cast.dana.id}").data("ai") == ["on"]


def states(page: Page) -> dict[str, str]:
    elements = page.root.by_id("last_calls").all("p")
    return {one["data-last-call"]: one["data-state"] for one in elements if "data-last-call" in one.attrs}


def test_last_call_is_read_from_the_trunk_and_the_agent(
    dana: Portal, person: str, est: SinchEst, labs: ElevenLabs
) -> None:
    switched_on(dana, person)
    page = dana.get(person).follow(CHANGE)
    assert states(page) == {"sinch_est": "not_read", "elevenlabs": "not_read"}
    est.calls.add(NUMBER)
    labs.hides_calls = True
    page = page.press("Read last call")
    assert states(page) == {"sinch_est": "connected", "elevenlabs": "unreadable"}
    labs.hides_calls = False
    assert states(page.press("Read last call")) == {"sinch_est": "connected", "elevenlabs": "never_called"}
