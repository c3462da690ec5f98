"""An organization's name, base URL and country."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.support.pages import Page, Portal
from tests.support.rows import audit, unchanged

PATH = "/o/acme-support/settings"
BASE = "https://voice.acme.example"


@pytest.fixture
def form(dana: Portal) -> Page:
    return dana.get(PATH)


def test_they_are_saved_and_shown(app: Flask, form: Page) -> None:
    page = form.press("Save", name="Acme", public_base_url=BASE, country="IN")
    assert page.path == PATH
    assert page.notes == "Done: Settings saved."
    assert [page.value(name) for name in ("name", "public_base_url", "country")] == ["Acme", BASE, "IN"]
    told = {name: pair for event in audit(app) for name, pair in event.changes.items()}
    assert told == {
        "public_base_url": [None, BASE],
        "name": ["Acme Support", "Acme"],
        "country": [None, "IN"],
    }


def test_the_address_of_the_pages_stays_when_the_name_changes(form: Page) -> None:
    assert form.press("Save", name="Umbrella").path == PATH


def test_a_base_url_is_brought_into_shape(form: Page) -> None:
    page = form.press("Save", public_base_url="  https://VOICE.acme.example:443/hooks/ ")
    assert page.value("public_base_url") == "https://voice.acme.example/hooks"


def test_blank_clears(form: Page) -> None:
    page = form.press("Save", public_base_url=BASE, country="IN")
    page = page.press("Save", public_base_url="", country="")
    assert page.value("public_base_url") == ""
    assert page.value("country") == ""


@pytest.mark.asvs("1.2.2")
@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("public_base_url", "http://voice.acme.example", "must start with https://"),
        ("public_base_url", "javascript:alert(1)", "must start with https://"),
        ("public_base_url", "https://localhost", "cannot reach this machine"),
        ("public_base_url", "https://10.0.0.1", "cannot reach this address"),
        ("public_base_url", "https://a:b@voice.acme.example", "user name and password"),
        ("name", "", "required"),
        ("country", "XX", "two-letter code"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    app: Flask, form: Page, field: str, typed: str, said: str
) -> None:
    with unchanged(app):
        page = form.press("Save", 422, **{field: typed})
    assert said in page.error(field)
    assert "One thing needs another look. Nothing was saved." in page.notes
    if field != "country":
        assert page.value(field) == typed


def test_two_people_at_once_are_both_shown(app: Flask, form: Page) -> None:
    form.press("Save", name="Acme One", public_base_url=BASE)
    with unchanged(app):
        page = form.press("Save", 412, name="Acme Two", country="IN")
    assert "Somebody saved this while you were editing." in page.notes
    assert page.compared == [
        ("Name", "Acme One", "Acme Two"),
        ("Public base URL", BASE, "nothing"),
        ("Country", "None: numbers need their country code", "India"),
    ]
    assert page.value("name") == "Acme Two"
    assert page.value("public_base_url") == BASE
    page = page.press("Save")
    assert (page.value("name"), page.value("country")) == ("Acme Two", "IN")
    assert page.value("public_base_url") == BASE


def test_a_version_is_always_asked_for(app: Flask, form: Page, dana: Portal) -> None:
    for version in ("", "x", "-1", "99999999999999999999", "\u0661"):
        with unchanged(app):
            page = form.press("Save", 412, version=version, name="Forced")
        assert page.value("name") == "Forced"
