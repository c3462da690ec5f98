"""What holds for every page of the portal, whatever it shows."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from urllib.parse import urljoin, urlsplit
from weakref import WeakKeyDictionary

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.test import TestResponse

from devtools.html import Element
from devtools.scopes import PASSWORD

MARK = "cAnArY"
"""Begins every secret that a test stores: no page may have it."""

ADDRESSES = frozenset(
    {"href", "src", "action", "formaction", "hx-get", "hx-post", "hx-put", "hx-delete", "hx-patch"},
)
REFERENCES = frozenset(
    {"aria-describedby", "aria-labelledby", "aria-controls", "aria-owns", "list", "for"},
)
CHECKED = ADDRESSES | REFERENCES
REFERENCE = "/api/docs"
"""The one page that is the same for everyone, so that caches keep it."""
_resolved: WeakKeyDictionary[Flask, dict[tuple[str, str], bool]] = WeakKeyDictionary()
NONCE = re.compile(r"'nonce-([\w-]+)'")


def check_page(app: Flask, path: str, answer: TestResponse, root: Element) -> None:
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8", path
    assert answer.text.startswith("<!doctype html>"), path
    cache_control = "private, no-cache" if path == REFERENCE else "no-store"
    assert answer.headers["Cache-Control"] == cache_control, path
    headings = root.all("h1")
    assert len(headings) == 1, f"{path} has {len(headings)} h1"
    title = re.sub(r"^\(\d+\) ", "", root.one("head").one("title").text).lstrip("\N{FIRST STRONG ISOLATE}")
    heading = headings[0].text.removeprefix("Patchbay ")
    assert title.startswith(heading), f"{path}: {title!r} is not {headings[0].text!r}"
    assert headings[0].text, path
    _check_organization(path, answer.status_code, title, root)
    assert root.one("html")["lang"] == "en", path
    assert root.all("main", id="main"), path
    _check_scripts(path, answer, root)
    _check_labels(path, root)
    _check(app, path, answer, root)


def check_fragment(app: Flask, path: str, answer: TestResponse, root: Element) -> None:
    """A part of a page for htmx."""
    for tag in ("html", "head", "body", "main", "script", "h1"):
        assert not root.all(tag), f"{path}: a fragment with <{tag}>"
    for title in root.all("title"):
        assert title.parent is not None, path
        assert title.parent.tag in ("svg", "g", "rect"), f"{path}: a fragment with <title>"
    assert "HX-Request" in answer.headers["Vary"], path
    _check(app, path, answer, root)


def _check(app: Flask, path: str, answer: TestResponse, root: Element) -> None:
    counted = Counter(element["id"] for element in root.walk() if "id" in element.attrs)
    twice = [name for name, count in counted.items() if count > 1]
    ids = set(counted)
    assert not twice, f"{path} has these ids more than once: {twice}"
    assert "" not in ids, f"{path} has an empty id"
    for secret in (MARK, PASSWORD):
        assert secret not in answer.text, f"{path} shows a secret"
    _check_attributes(path, root)
    for element in root.walk():
        if not CHECKED.isdisjoint(element.attrs):
            _check_references(path, element, ids)
            _check_addresses(app, path, element, ids)
    for form in root.all("form"):
        if not _is_sent_by_buttons(root, form):
            _check_target(app, path, form)
        _check_token(path, form)


def _check_attributes(path: str, root: Element) -> None:
    foreign = root.all("style", "base", "iframe", "object", "embed")
    assert not foreign, f"{path}: {foreign}"
    names = {name for element in root.walk() for name in element.attrs}
    assert "style" not in names, f"{path}: an element has a style of its own"
    scripted = [name for name in names if name.startswith(("on", "hx-on"))]
    assert not scripted, f"{path} has {scripted}"
    for element in root.all("img", "svg"):
        is_named = element.get("role") == "img" and (element.get("aria-label") or element.all("title"))
        is_hidden = element.get("aria-hidden") == "true"
        assert "alt" in element.attrs or is_named or is_hidden or _is_drawing(element), f"{path}: {element}"
    for element in root.all("a", "button"):
        assert element.text, f"{path}: {element} says nothing"
    for element in root.all("button"):
        assert element.get("type") in ("submit", "button"), f"{path}: {element}"


def _is_drawing(element: Element) -> bool:
    """The QR code of a TOTP secret; its text follows it."""
    return element.parent is not None and "pb-qr" in element.parent.get("class").split()


def _check_references(path: str, element: Element, ids: set[str]) -> None:
    for name in element.attrs.keys() & REFERENCES:
        missing = [one for one in element.get(name).split() if one not in ids]
        assert not missing, f"{path}: {name} of <{element.tag} {element.attrs}> means nothing: {missing}"


def _leads_away(element: Element, address: str) -> bool:
    """Whether it is a link to another host, which learns nothing of this page."""
    return element.tag == "a" and element.get("rel") == "noreferrer" and address.startswith("https://")


def _check_addresses(app: Flask, path: str, element: Element, ids: set[str]) -> None:
    for name in element.attrs.keys() & ADDRESSES:
        address = element[name]
        if _leads_away(element, address):
            continue
        parts = urlsplit(address)
        if element.tag == "a" and parts.scheme == "https" and "noreferrer" in element.get("rel", ""):
            continue
        assert not parts.scheme, f"{path}: {name}={address} leaves this host"
        assert not parts.netloc, f"{path}: {name}={address} leaves this host"
        if address.startswith("#"):
            assert address[1:] in ids, f"{path}: {address} is not on the page"
            continue
        method = "POST" if name == "hx-post" else _method_of(element) if "action" in name else "GET"
        target = _path_of(address or path, "" if address.startswith("/") else path)
        assert resolves(app, target, method), f"{path}: {name}={address} leads nowhere ({method})"


@lru_cache(10_000)
def _path_of(address: str, base: str) -> str:
    """Remembered: most links of a page are on every page."""
    return urlsplit(urljoin(base, address)).path


def _method_of(element: Element) -> str:
    return element.get("method", "get").upper() if element.tag == "form" else "POST"


def resolves(app: Flask, path: str, method: str) -> bool:
    cached = _resolved.setdefault(app, {})
    if (path, method) not in cached:
        cached[path, method] = _is_matched(app, path, method)
    return cached[path, method]


def _is_matched(app: Flask, path: str, method: str) -> bool:
    try:
        app.url_map.bind("localhost").match(path, method)
    except RequestRedirect:
        return False
    except HTTPException:
        return False
    return True


def _is_sent_by_buttons(root: Element, form: Element) -> bool:
    """Whether it has no address of its own, but buttons elsewhere that each have one."""
    if "action" in form.attrs or "id" not in form.attrs:
        return False
    buttons = [*form.all("button"), *root.all("button", form=form["id"])]
    return all("formaction" in button.attrs for button in buttons)


def _check_target(app: Flask, path: str, form: Element) -> None:
    method = form.get("method", "get").upper()
    target = urlsplit(urljoin(path, form.get("action") or path)).path
    assert method == "DIALOG" or resolves(app, target, method), f"{path}: a form sends {method} {target}"


def _check_token(path: str, form: Element) -> None:
    method, action = form.get("method", "get").upper(), form.get("action")
    tokens = form.all("input", name="csrf_token")
    if method == "POST":
        assert len(tokens) == 1, f"{path}: the form for {action} has {len(tokens)} csrf tokens"
        assert tokens[0]["value"], path
    else:
        assert not tokens, f"{path}: the form for {action} would put its csrf token into an address"


def _check_organization(path: str, status: int, title: str, root: Element) -> None:
    """A page of an organization names it in the title and above the heading."""
    crumbs = root.all("nav", css="pb-crumbs")
    if not path.startswith("/o/") or not root.all("header", css="pb-rail"):
        return
    assert crumbs or status in (403, 404), path
    for name in [crumb.all("li")[0].text for crumb in crumbs]:
        assert re.search(f" · \N{FIRST STRONG ISOLATE}?{re.escape(name)}", title), f"{path}: {title!r}"


def _check_scripts(path: str, answer: TestResponse, root: Element) -> None:
    policy = answer.headers["Content-Security-Policy"]
    nonces = set(NONCE.findall(policy))
    assert len(nonces) == (path != REFERENCE), f"{path}: {policy}"
    for script in root.all("script"):
        assert script.get("nonce") in nonces or path == REFERENCE, f"{path}: <script {script.attrs}>"
        assert script.get("src"), f"{path}: a script in the page"
        assert not script.text, path


def _check_labels(path: str, root: Element) -> None:
    """Every control that can be seen has a name."""
    labels = root.all("label")
    named = {label.get("for") for label in labels}
    for control in root.all("input", "select", "textarea"):
        if control.get("type") in ("hidden", "submit", "button"):
            continue
        is_named = control.get("id") in named or control.get("aria-label") or control.get("aria-labelledby")
        in_label = is_named or any(control.inside(label) for label in labels)
        assert in_label, f"{path}: {control.attrs} has no label"
