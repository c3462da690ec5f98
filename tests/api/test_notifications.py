"""Destinations, deliveries, problems and quiet periods, of an organization and of the installation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from app import links
from app.core import clock
from app.destination import Post
from app.services.notifications import inbox
from app.services.notifications.delivery import Sender
from tests.services.notifications.conftest import read
from tests.support.full_organization import scope_as
from tests.support.receivers import URL, Receiver
from tests.support.statuses import drifted, go_live, save_result

NEW: dict[str, Any] = {"kind": "webhook", "url": URL, "label": "On call", "events": ["number.unhealthy"]}


BAD: dict[str, dict[str, Any]] = {
    "url": {"url": "https://10.0.0.1/hooks"},
    "kind": {"kind": "fax"},
    "events.0": {"events": ["number.bored"]},
    "address": {"address": "team@example.com"},
    "label": {"label": "a\r\nb"},
    "colour": {"colour": "red"},
}


@pytest.fixture
def receiver(app):
    with Receiver() as receiver:
        post = Post(receiver.client(deadline=2.0))
        app.extensions["patchbay_sender"] = Sender(post, links.of_notification)
        yield receiver


@pytest.fixture(params=["organization", "installation"])
def base(request, cast):
    return {
        "organization": f"/api/organizations/{cast.acme}",
        "installation": "/api",
    }[request.param]


def test_destination_is_changed_tested_deleted_and_messages_resent(dana, base, receiver):
    response = dana.post(f"{base}/notifications", json=NEW)
    assert response.status_code == 201
    document = response.get_json()
    assert NEW.items() <= document.items()
    own = f"{base}/notifications/{document['id']}"
    assert response.headers["Location"].endswith(own)
    assert [one["id"] for one in dana.get(f"{base}/notifications").get_json()] == [document["id"]]
    assert "secret" not in dana.get(own).get_json()

    tested = dana.post(f"{own}/test").get_json()
    assert (tested["state"], tested["attempts"][0]["status"]) == ("delivered", 204)
    got = receiver.arrived[0]
    assert Webhook(document["secret"]).verify(got.body, dict(got.headers))["type"] == "notification.test"

    replaced = dana.post(f"{own}/secret").get_json()
    dana.post(f"{own}/test")
    for secret in (document["secret"], replaced["secret"]):
        Webhook(secret).verify(receiver.arrived[1].body, dict(receiver.arrived[1].headers))

    tag = dana.get(own).headers["ETag"]
    changed = dana.put(own, json={"events": ["*"]}, headers={"If-Match": tag})
    assert changed.get_json()["events"] == ["*"]
    assert dana.put(own, json={"label": "x"}, headers={"If-Match": tag}).status_code == 412
    assert dana.delete(own).status_code == 204
    assert dana.get(own).status_code == 404

    own = dana.post(f"{base}/notifications", json=NEW).headers["Location"].removeprefix("http://localhost")
    receiver.status = 503
    ids = [dana.post(f"{own}/test").get_json()["id"] for _ in range(3)]
    page = dana.get(f"{own}/deliveries?limit=2")
    assert [one["id"] for one in page.get_json()] == ids[:0:-1]
    rest = dana.get(page.headers["Link"].split(">")[0].removeprefix("<").removeprefix("http://localhost"))
    assert [one["id"] for one in rest.get_json()] == ids[:1]
    assert rest.get_json()[0]["attempts"][0]["ok"] is False
    receiver.status = 200
    again = dana.post(f"{own}/deliveries/{ids[0]}/resend").get_json()
    assert (again["state"], again["resent"]) == ("delivered", True)
    assert again["message_id"] == rest.get_json()[0]["message_id"]
    assert dana.post(f"{own}/deliveries/{own[-36:]}/resend").status_code == 404
    assert dana.get(f"{own}/deliveries?cursor=x").status_code == 400


def test_bad_destinations_are_refused_by_field(dana, cast):
    wrong = []
    of_both = [(base, *row) for base in ("/api", f"/api/organizations/{cast.acme}") for row in BAD.items()]
    for base, field, change in of_both:
        answer = dana.post(f"{base}/notifications", json=NEW | change)
        details = answer.get_json()["error"]["details"] if answer.status_code == 422 else []
        if [detail["field"] for detail in details] != [field]:
            wrong.append((base, field, answer.status_code, details))
    assert wrong == []
    assert dana.get("/api/notifications").get_json() == []


def test_problem_is_listed_and_acknowledged(dana, app, cast):
    base = f"/api/organizations/{cast.acme}"
    with scope_as(app, cast.dana) as scope:
        go_live(scope)
        read(scope)
        save_result(scope, drifted())
        read(scope)
    (problem,) = dana.get(f"{base}/problems").get_json()
    assert (problem["type"], problem["reason"]) == ("number.unhealthy", "different_url")
    for _ in range(2):
        done = dana.post(f"{base}/problems/{problem['id']}/acknowledge").get_json()
        assert done["acknowledged_by"] == "dana@acme.example"
    with scope_as(app, cast.dana) as scope:
        assert inbox.unacknowledged_count(scope) == 0
    assert dana.post(f"/api/problems/{problem['id']}/acknowledge").status_code == 404


def test_quiet_period_and_settings(dana, base):
    ends = clock.utc(clock.now() + timedelta(hours=1))
    response = dana.post(f"{base}/quiet-periods", json={"ends_at": ends, "reason": "Move"})
    assert (response.status_code, response.get_json()["ends_at"]) == (201, ends)
    assert dana.post(f"{base}/quiet-periods", json={"ends_at": "soon"}).status_code == 422
    assert [one["reason"] for one in dana.get(f"{base}/quiet-periods").get_json()] == ["Move"]
    assert dana.delete(f"{base}/quiet-periods/{response.get_json()['id']}").status_code == 204
    lasting = dana.post(f"{base}/quiet-periods", json={"hours": 720}).get_json()
    assert lasting["starts_at"] < ends < lasting["ends_at"]
    assert dana.delete(f"{base}/quiet-periods/{lasting['id']}").status_code == 204
    assert dana.get(f"{base}/quiet-periods").get_json() == []
    name, other = ("most_secret_days", "most_backup_days")
    if "organizations" not in base:
        name, other = other, name
    assert dana.put(f"{base}/notification-settings", json={name: 30}).get_json()[name] == 30
    assert dana.put(f"{base}/notification-settings", json={other: 30}).status_code == 422
    saved = {name: 30, other: None}
    assert dana.get(f"{base}/notification-settings").get_json() == saved
    assert dana.put(f"{base}/notification-settings", json=saved).get_json() == saved
