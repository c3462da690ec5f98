"""A NUL is in no text of ours: wherever it comes in, it is refused, and changes nothing."""

from __future__ import annotations

from tests.support.pages import Portal

NAME = "/o/acme-support/settings"


def test_nul_in_a_path_query_or_field_is_refused(dana: Portal) -> None:
    """A list of ticked rows has one name; each value is checked."""
    dana.get("/o/acme%00support/", 404)

    assert "NUL" in dana.get("/o/acme-support/endpoints?q=%00", 400).text
    for query in ("q=%ff", "%c3=1", "q=%ed%a0%80"):
        dana.get(f"/o/acme-support/endpoints?{query}", 400)

    dana.get(NAME).press("Save", 400, name="Acme\0Support")
    assert dana.get(NAME).value("name") == "Acme Support"

    submitted = {"id": ["a", "b\0"], "do": "delete", "csrf_token": dana.token()}
    assert "NUL" in dana.post("/o/acme-support/endpoints/many", submitted, 400).text
