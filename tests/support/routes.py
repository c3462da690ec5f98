"""Every route, from the URL map and the declared operations, with addresses that lead somewhere."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask
from werkzeug.routing import Rule

from app import web
from app.api.operations import Operation
from app.web.shell.guard import Who
from app.web.shell.registry import Page
from tests.support.full_organization import Furnished

FILES = (".csv", ".json", ".jsonl", "<picture>")


def portal_rules(app: Flask, *, unsafe: bool) -> Iterator[tuple[Rule, str, Who]]:
    """Rules of the portal with a method and who may use them, without former addresses."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint)):
        guard = getattr(app.view_functions[rule.endpoint], "guard", None)
        if not isinstance(guard, Who) or rule.alias or rule.rule.startswith("/api/"):
            continue
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        for method in sorted(methods):
            if (method != "GET") == unsafe:
                yield rule, method, guard


def portal_pages() -> list[Page]:
    """Returns the registered pages that a signed-in user opens."""
    pages = [page for blueprint in web.blueprints() for page in blueprint.registered]
    return [page for page in pages if page.who is not Who.ANYONE]


def operation_path(operation: Operation, here: Furnished, **other: str) -> str:
    """The operation's address, with ids of what is there, or with `other` ones."""
    path = operation.path
    for name, value in (here.ids_for(operation.path) | other).items():
        path = path.replace(f"<{name}>", value)
    assert "<" not in path, f"nothing is known for {operation.path}"
    return path


def everything(token: str | None) -> dict[str, str]:
    """What any form of the portal could send, as an attacker would fill it in."""
    submitted = {
        "version": "1",
        "provider": "vobiz",
        "enabled": "no",
        "active": "no",
        "disabled": "yes",
        "name": "Taken over",
        "role": "superadmin",
        "label": "Taken over",
        "phone_number": "+15550001111",
        "phoneNumber": "+15550001111",
        "email": "eve@evil.example",
        "password": "seven tall pines by the lake",
        "your_password": "seven tall pines by the lake",
        "expires_days": "30",
        "url": "https://evil.example/calls",
        "here_only": "yes",
    }
    return submitted if token is None else submitted | {"csrf_token": token}
