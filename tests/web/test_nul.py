"""A NUL is in no text of ours: wherever it comes in, it is refused, and changes nothing."""

from __future__ import annotations

from tests.support.pages import Portal

NAME = "/o/acme-support/settings"


def test_in_a_path_it_is_nothing(dana: Portal) -> None:
    dana.get("/o/acme%00support/", 404)


def test_in_a_query_it_is_refused(dana: Portal) -> None:
    assert "NUL" in dana.get("/o/acme-support/endpoints?q=%00", 400).text


def test_in_a_field_it_is_refused(dana: Portal) -> None:
    dana.get(NAME).press("Save", 400, name="Acme\0Support")
    assert dana.get(NAME).value("name") == "Acme Support"


def test_in_a_repeated_field_it_is_refused(dana: Portal) -> None:
    """A list of ticked rows has one name; each value is checked."""
    sent = {"id": ["a", "b\0"], "do": "delete", "csrf_token": dana.token()}
    assert "NUL" in dana.post("/o/acme-support/endpoints/many", sent, 400).text
