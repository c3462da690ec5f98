"""The routing map: a link for each group, and cables that say how its numbers are."""

from __future__ import annotations

from flask import Flask

from app.models import Endpoint
from app.services.endpoints import crud
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Portal
from tests.support.statuses import drifted, edit, go_live, save_result

PATH = "/o/acme-support/routing"


def test_map_and_homes_show_each_number_with_its_state(app: Flask, dana: Portal, cast: Cast) -> None:
    """Many numbers are shown by their provider and agent."""
    page = dana.get(PATH)
    assert page.root.all("div", css="pb-rack") == []
    assert page.follow("Add endpoint").path == "/o/acme-support/endpoints/new"
    with scope_as(app, cast.dana) as scope:
        go_live(scope)
        for number, agent in (("+15551234568", "support"), ("+15551234569", None)):
            crud.create(scope, {"phone_number": number, "provider": "twilio", "inbound_agent_name": agent})
        save_result(scope, drifted())
    home = dana.get("/o/acme-support")
    page = home.follow("Routing map")
    assert page.path == PATH
    rack = page.root.one("div", css="pb-rack")
    cables = [[cable["class"] for cable in each.all("g")] for each in rack.all("svg", css="pb-gutter")]
    assert cables == [["pb-cable pb-bad", "pb-cable pb-idle", "pb-cable pb-off"], ["pb-cable pb-idle"]]
    states = [state.one("svg")["class"] for state in rack.all("span", css="pb-jack-state")]
    assert states == ["pb-dot pb-bad", "pb-dot pb-idle", "pb-dot pb-off"]
    rows = [[cell.text for cell in row.all("td")][2:] for row in page.root.one("tbody").all("tr")]
    assert rows == [["1", "0", "1", "0", "0"], ["1", "0", "0", "1", "0"], ["1", "0", "0", "0", "1"]]
    links = [link["href"] for link in rack.all("a")]
    assert links[0] == "/o/acme-support/providers/twilio"
    assert links[-1] == "/o/acme-support/endpoints?agent=support"
    assert [dana.get(link).status for link in links] == [200] * 5

    assert len(home.root.one("ul", css="pb-rack-numbers").all("li")) == 3
    for figure in (home.root, dana.get("/").root):
        days = figure.one("figure", id="month").one("svg", css="pb-bars").all("g")
        drawn = [[part["class"] for part in day.all("rect")][1:] for day in days]
        assert drawn == [["pb-none"]] * 29 + [["pb-bad"]]
        assert [row.text.split()[3:] for row in figure.one("figure", id="month").all("tr")[1:]] == [
            ["1", "1"]
        ]

    with scope_as(app, cast.dana) as scope:
        edit(scope, inbound_agent_name="front desk & more")
        own = {"organization_id": scope.organization.id, "provider": "twilio", "inbound_agent_name": "a"}
        scope.session.add_all(Endpoint(phone_number=f"+1666000{n:04}", **own) for n in range(25))
        scope.session.commit()
    groups = dana.get(PATH).root.one("ul", css="pb-rack-numbers").all("a")
    by_query = {link["href"].partition("?")[2]: link["href"] for link in groups}
    named = by_query["provider=twilio&agent=front+desk+%26+more"]
    assert "provider=twilio&agent=a" in by_query
    assert len(dana.get(named, htmx="endpoints").rows()) == 1
