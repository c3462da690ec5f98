"""A user of the portal: follows links, presses buttons, and checks every page.

`Portal` is a browser without JavaScript. Forms are filled from what the page renders, CSRF token
included, so that a control that is missing or misnamed is missed here too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import unescape
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pyotp
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from devtools import html
from devtools.html import Element, parse
from devtools.scopes import PASSWORD
from tests.support.page_checks import check_fragment, check_page

HOME = "https://localhost"
COOKIE = "__Host-patchbay"
MORE_THAN_ENOUGH = 5


class Page:
    """A response, as the user sees it."""

    def __init__(self, portal: Portal, path: str, answer: TestResponse) -> None:
        self.portal = portal
        self.path = path
        self.answer = answer
        self.status = answer.status_code
        self.source = answer.text
        self.root = parse(self.source)

    @property
    def title(self) -> str:
        return self.root.one("h1").text

    @property
    def text(self) -> str:
        """Of the main part; of everything if it is a fragment."""
        return (self.root.all("main") or [self.root])[0].text

    @property
    def notes(self) -> str:
        """The messages above the content of the page, or in toasts."""
        toasts = [toast for box in self.root.all(id="toasts") for toast in box.all(css="pb-toast-text")]
        return " | ".join(note.text for note in self.root.all(css="pb-note") + toasts)

    @property
    def navigation(self) -> Element:
        """The links beside the page."""
        return self.root.one("nav", **{"aria-label": "Main"})

    @property
    def compared(self) -> list[tuple[str, ...]]:
        """Fields that two users have changed: label, stored now, typed."""
        return [
            (label.text, *[side.text for side in label.parent.all("bdi")])
            for table in self.root.all(css="pb-compare")
            for label in table.all("dt")
            if label.parent
        ]

    @property
    def health(self) -> str:
        """The code of the connection's health that the page shows first."""
        return next(tag["data-health"] for tag in self.root.all("span") if tag.get("data-health"))

    def data(self, name: str) -> list[str]:
        """The values of `data-<name>` on the page, from its top."""
        return [element[f"data-{name}"] for element in self.root.walk() if f"data-{name}" in element.attrs]

    def rows(self) -> list[str]:
        """The texts of the table's rows, without those that head a day."""
        rows = (row for body in self.root.all("tbody") for row in body.all("tr"))
        return [row.text for row in rows if "pb-day" not in row.get("class", "")]

    def control(self, name: str) -> Element:
        """The one input of that name that can be seen; else the hidden one."""
        controls = self.root.all("input", "select", "textarea", name=name)
        visible = [control for control in controls if control.get("type") != "hidden"] or controls
        assert len(visible) == 1, f"{len(visible)} of {name!r} in: {self.text[:400]}"
        return visible[0]

    def value(self, name: str) -> str | bool:
        return html.control_value(self.control(name))

    def error(self, name: str) -> str:
        """What is said beside a field; empty if there is no error."""
        control = self.control(name)
        elements = self.root.all(id=f"{control['id']}-error")
        if not elements:
            return ""
        assert f"{control['id']}-error" in control["aria-describedby"].split()
        assert control["aria-invalid"] == "true"
        return elements[0].text

    def link(self, text: str) -> Element:
        links = [link for link in self.root.all("a") if link.text == text]
        assert links, f"no link {text!r}, but {[link.text for link in self.root.all('a')]}"
        assert len({link["href"] for link in links}) == 1, f"{text!r} leads to several places"
        return links[0]

    def has_link(self, text: str) -> bool:
        return any(link.text == text for link in self.root.all("a"))

    def follow(self, text: str, status: int = 200, *, htmx: str | None = None) -> Page:
        return self.portal.get(urljoin(self.path, self.link(text)["href"]), status, htmx=htmx)

    def form_with(self, button: str) -> tuple[Element, Element]:
        """The form that has a button of that text, and the button."""
        matches = [
            (form, press)
            for form in self.root.all("form")
            for press in [*form.all("button"), *self.root.all("button", form=form.get("id", "none"))]
            if press.text == button
        ]
        said = [press.text for press in self.root.all("button")]
        assert len(matches) == 1, f"{len(matches)} buttons {button!r}, of {said}"
        return matches[0]

    def has_button(self, text: str) -> bool:
        return any(button.text == text for button in self.root.all("button"))

    def press(self, button: str, status: int = 200, *, htmx: str | None = None, **values: Any) -> Page:
        """Fills in the form of the button, sends it, and follows a 303. `htmx` is a target's id."""
        form, target, submitted = self._submitted(button, htmx, values)
        if form.get("method", "get") == "get":
            return self.portal.get(f"{urlsplit(target).path}?{_query(submitted)}", status, htmx=htmx)
        return self.portal.post(target, submitted, status, htmx=htmx)

    def send(self, button: str, **values: Any) -> None:
        """As `press`, for a form that is accepted and whose next page does not matter."""
        _, target, submitted = self._submitted(button, None, values)
        answer = self.portal.raw("POST", target, data=submitted)
        assert answer.status_code == 303, f"{target} → {answer.status_code}\n{_text_of(answer)}"

    def _submitted(
        self, button: str, htmx: str | None, values: Mapping[str, Any]
    ) -> tuple[Element, str, dict[str, str]]:
        """The form of the button, its address, and what a browser would send there."""
        form, pressed = self.form_with(button)
        submitted = html.filled(form, values)
        if pressed.get("name"):
            submitted[pressed["name"]] = pressed.get("value")
        action = pressed.get("formaction") or form.get("hx-post" if htmx else "action") or self.path
        return form, urljoin(self.path, action), submitted


def _query(submitted: Mapping[str, str]) -> str:
    return urlencode(submitted)


def changes_in(part: Element) -> dict[str, tuple[str, ...]]:
    """By label, the changed fields that a part of a page lists: before, if there was a value, and after."""
    return {
        label.text: tuple(side.text for side in label.parent.all("bdi"))
        for box in part.all(css="pb-changes")
        for label in box.all("dt")
        if label.parent
    }


class Portal:
    """One browser: its cookies, and the pages that it is shown."""

    def __init__(self, app: Flask, cookie: str | None = None) -> None:
        self.app = app
        self.client: FlaskClient = app.test_client()
        if cookie is not None:
            self.client.set_cookie(COOKIE, cookie)

    @property
    def cookie(self) -> str:
        """What a thief would want."""
        session_cookie = self.client.get_cookie(COOKIE)
        assert session_cookie is not None
        return session_cookie.value

    def raw(self, method: str, path: str, **request: Any) -> TestResponse:
        """An answer as it comes: nothing is followed or checked."""
        return self.client.open(path, method=method, base_url=HOME, buffered=True, **request)

    def get(
        self,
        path: str,
        status: int = 200,
        *,
        htmx: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """Follows redirects, and checks what it comes to."""
        all_headers = {**(headers or {}), **_htmx(htmx)}
        return self._page(path, self.raw("GET", path, headers=all_headers), status, htmx)

    def post(self, path: str, data: Mapping[str, Any], status: int = 200, *, htmx: str | None = None) -> Page:
        answer = self.raw("POST", path, data=dict(data), headers=_htmx(htmx))
        return self._page(path, answer, status, htmx)

    def _page(self, path: str, answer: TestResponse, status: int, htmx: str | None) -> Page:
        for _ in range(MORE_THAN_ENOUGH):
            if answer.status_code not in (301, 302, 303, 307, 308):
                break
            path = urljoin(path, answer.headers["Location"])
            path = path.removeprefix(HOME)
            assert not urlsplit(path).netloc, f"sent to another place: {path}"
            answer = self.raw("GET", path.split("#")[0], headers=_htmx(htmx))
        assert answer.status_code == status, f"{path} → {answer.status_code}\n{_text_of(answer)}"
        assert status not in (429, 503) or "Retry-After" in answer.headers, path
        page = Page(self, path, answer)
        if htmx is None:
            check_page(self.app, page.path, answer, page.root)
        else:
            check_fragment(self.app, page.path, answer, page.root)
        return page

    def sign_in(self, email: str, password: str = PASSWORD, secret: str | None = None) -> Page:
        """Through the form, and with the code if `secret` (TOTP) is given."""
        page = self.get("/sign-in").press("Sign in", email=email, password=password)
        if secret is None:
            return page
        return page.press("Continue", code=pyotp.TOTP(secret).now())

    def sign_out(self) -> Page:
        return self.get("/account").press("Sign out")

    def token(self) -> str:
        """A CSRF token that the portal gave to this browser."""
        page = self.raw("GET", "/account", follow_redirects=True)
        (headers,) = re.findall(r"<body[^>]* hx-headers='([^']*)'", page.text)
        token: str = json.loads(unescape(headers))["X-CSRFToken"]
        return token

    def is_signed_in(self) -> bool:
        return self.raw("GET", "/account").status_code == 200


def _htmx(target: str | None) -> dict[str, str]:
    return {"HX-Request": "true", "HX-Target": target} if target else {}


def _text_of(answer: TestResponse) -> str:
    try:
        return parse(answer.text).text[:600]
    except AssertionError:
        return answer.text[:600]
