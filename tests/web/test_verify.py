"""Testing a connection from its form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.core.outbound import Outbound
from tests.support.pages import Portal
from tests.support.rows import unchanged
from tests.upstreams.vobiz import Vobiz

PATH = "/o/acme-support/providers/vobiz"
NOTED = ("checks", "throttles", "audit_events")


@pytest.fixture
def vobiz(app: Flask) -> Iterator[Vobiz]:
    with Vobiz() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=2.0)
        yield upstream


def test_what_is_typed_is_tested_and_stays_in_the_form(app: Flask, dana: Portal, vobiz: Vobiz) -> None:
    page = dana.get(PATH)
    typed = {"vobiz_auth_id": vobiz.values["auth_id"], "vobiz_auth_token": vobiz.values["auth_token"]}
    with unchanged(app, but=NOTED):
        page = page.press("Test connection", **typed)
    assert "These values work." in page.notes
    assert page.value("vobiz_auth_id") == vobiz.values["auth_id"]
    assert "type the secret again before you save" in page.notes
    assert vobiz.values["auth_token"] not in page.source


def test_a_wrong_token_is_told_in_plain_words(dana: Portal, vobiz: Vobiz) -> None:
    typed = {"vobiz_auth_id": vobiz.values["auth_id"], "vobiz_auth_token": "made-up-and-wrong"}
    page = dana.get(PATH).press("Test connection", **typed)
    assert "These values do not work." in page.notes
    assert "made-up-and-wrong" not in page.source


def test_the_last_test_of_the_stored_values_is_shown(dana: Portal, vobiz: Vobiz) -> None:
    typed = {"vobiz_auth_id": vobiz.values["auth_id"], "vobiz_auth_token": vobiz.values["auth_token"]}
    page = dana.get(PATH).press("Save", **typed)
    assert "Not tested" in page.source
    page = page.press("Test connection")
    assert "type the secret again" not in page.notes
    assert "Works" in page.source
    dana.get(PATH).press("Save", vobiz_auth_token="made-up-and-newer")
    assert "Not tested" in dana.get(PATH).source


def test_a_value_that_cannot_be_meant_is_told_beside_its_field(
    app: Flask, dana: Portal, vobiz: Vobiz
) -> None:
    with unchanged(app):
        page = dana.get(PATH).press("Test connection", 422, vobiz_phone_number="hello")
    assert page.error("vobiz_phone_number")
    assert vobiz.requests == []


def test_what_does_not_work_is_seen_from_everywhere(dana: Portal, vobiz: Vobiz) -> None:
    typed = {"vobiz_auth_id": vobiz.values["auth_id"], "vobiz_auth_token": "made-up-and-wrong"}
    dana.get(PATH).press("Save", **typed).follow("Make active for telephony").press("Make Vobiz active")
    assert "Vobiz does not work" not in dana.get("/").text
    page = dana.get(PATH).press("Test connection")
    assert "Vobiz, does not work" in page.root.one("nav").text
    assert dana.get("/").follow("Vobiz does not work").title == "Vobiz"
