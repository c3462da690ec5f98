"""Every route of the portal, from its URL map."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask
from werkzeug.routing import Rule

from app.web.guard import Who

FILES = (".csv", ".jsonl")


def portal_rules(app: Flask, *, unsafe: bool) -> Iterator[tuple[Rule, str, Who]]:
    """Rules of the portal with a method and who may use them."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint)):
        guard = getattr(app.view_functions[rule.endpoint], "guard", None)
        if not isinstance(guard, Who):
            continue
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        for method in sorted(methods):
            if (method != "GET") == unsafe:
                yield rule, method, guard
