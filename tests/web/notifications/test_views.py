"""The pages of notifications, of an organization and of the installation."""

from __future__ import annotations

import pytest

from app import links
from app.destination import Post
from app.services.notifications import destinations
from app.services.notifications.delivery import Sender
from tests.services.notifications.conftest import read
from tests.support.full_organization import scope_as
from tests.support.receivers import URL, Receiver
from tests.support.statuses import drifted, go_live, save_result


@pytest.fixture
def receiver(app):
    with Receiver() as receiver:
        post = Post(receiver.client(deadline=2.0))
        app.extensions["patchbay_sender"] = Sender(post, links.of_notification)
        yield receiver


OWN, INSTALLATION = "/o/acme-support/notifications", "/notifications"
THOROUGH = pytest.mark.thorough("test_webhook_is_added_tested_muted_deleted_or_refused")


def press(page, start, status=200, **typed):
    """Presses the first button of the page whose text begins so."""
    text = next(one.text for one in page.root.all("button") if one.text.startswith(start))
    return page.press(text, status, **typed)


def _add(portal, base, **typed):
    page = portal.get(f"{base}/new?kind=webhook")
    return page.press("Add destination", url=URL, label="On call", **typed)


def _own(portal, base):
    (link,) = [link for link in portal.get(base).root.all("a") if "/destinations/" in link.get("href")]
    return link["href"]


@pytest.mark.parametrize("base", [OWN, pytest.param(INSTALLATION, marks=THOROUGH)])
def test_webhook_is_added_tested_muted_deleted_or_refused(dana, base, receiver, app, cast):
    """Bad and stale values are refused; a destination of another owner is not found."""
    added = _add(dana, base)
    assert added.source.count("whsec_") >= 1
    own = _own(dana, base)
    assert "whsec_" not in dana.get(own).source

    tested = press(dana.get(own), "Send test message")
    assert receiver.arrived[0].json["type"] == "notification.test"
    assert "204" in tested.source
    page = press(tested, "Resend")
    ids = [got.headers["webhook-id"] for got in receiver.arrived]
    assert ids[0] == ids[1]

    for start in ("Mute", "Unmute"):
        page = press(page, start)
    assert "whsec_" in press(page, "Make a new secret").source
    page = dana.get(own)
    for start in ("Disable", "Enable", "Delete"):
        page = press(page, start)
    assert "/destinations/" not in dana.get(base).source

    page = dana.get(f"{base}/new?kind=webhook")
    refused = page.press("Add destination", url="https://10.0.0.1/", status=422)
    assert refused.error("url")
    assert dana.get(f"{base}/new?kind=fax", 404)
    _add(dana, base)
    own = _own(dana, base)
    stale = dana.get(own)
    saved = press(stale, "Save", label="Night team")
    assert dana.get(own).value("label") == "Night team"
    refused = press(saved, "Save", url="http://x.example/", status=422)
    assert refused.error("url")
    stale.press("Save", label="Second", status=412)
    assert dana.get(own).value("label") == "Night team"
    with scope_as(app, cast.gus) as scope:
        row = destinations.create(scope, {"kind": "webhook", "url": URL}).row
    dana.get(f"{base}/destinations/{row.id}", 404)


@pytest.mark.parametrize("base", [OWN, INSTALLATION])
def test_quiet_period_and_age_are_saved(dana, base):
    page = press(dana.get(base), "Add", reason="Move")
    assert "Move" in page.source
    page = press(page, "End now")
    assert "Move" not in page.root.one("main").text.replace("Remove", "")
    refused = press(page, "Add", starts_at="tomorrow", status=422)
    assert refused.root.one("input", name="starts_at")["aria-invalid"] == "true"
    page = press(page, "Save", days="30")
    assert page.root.one("input", name="days")["value"] == "30"
    refused = press(page, "Save", days="0", status=422)
    assert refused.root.one("input", name="days")["aria-invalid"] == "true"


def test_bell_title_and_icon_show_open_problems(app, cast, dana):
    home = "/o/acme-support/notifications"

    def page_at(path):
        root = dana.get(path).root
        (icon,) = [link for link in root.all("link") if "data-alert" in link.attrs]
        return (
            root.one("head").one("title").text[:4],
            "alert" in icon["href"],
            root.one("a", id="bell").text[-1],
        )

    assert page_at(home) == ("Noti", False, "0")
    with scope_as(app, cast.dana) as scope:
        go_live(scope)
        read(scope)
        save_result(scope, drifted())
        read(scope)
    assert [page_at(path) for path in (home, "/", "/o/globex/notifications")] == [
        ("(1) ", True, "1"),
        ("(1) ", True, "1"),
        ("Noti", False, "0"),
    ]
    assert dana.client.get("/o/acme-support/bell.json").get_json() == {"open": 1}
    assert home in dana.get("/notifications").source
    number = "/o/acme-support/endpoints/+15551234567"
    assert [len(dana.get(path).root.all("a", href=number)) for path in (home, "/notifications")] == [1, 1]
    assert press(dana.get("/notifications"), "Acknowledge").path == "/notifications"
    assert page_at(home) == ("Noti", False, "0")
