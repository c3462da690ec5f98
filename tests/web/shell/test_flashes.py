"""Messages that follow a form: shown once, by the page that the form leads to."""

from __future__ import annotations

from app.web.shell.render import BACKGROUND
from devtools import html
from tests.support.pages import Portal

ACME = "/o/acme-support"
HTMX = {"HX-Request": "true", "HX-Target": "endpoints"}


def _toasts(portal: Portal, **headers: str) -> int:
    return portal.raw("GET", f"{ACME}/endpoints", headers=HTMX | headers).text.count("pb-toast-text")


def test_a_request_that_the_page_makes_by_itself_takes_no_message(dana: Portal) -> None:
    form, _ = dana.get(f"{ACME}/settings").form_with("Save")
    submitted = html.filled(form, {"name": "Acme Help"})
    assert dana.raw("POST", f"{ACME}/settings", data=submitted).status_code == 303
    assert _toasts(dana, **{BACKGROUND: "true"}) == 0
    assert _toasts(dana) == 1
    assert _toasts(dana) == 0
