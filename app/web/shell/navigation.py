"""What every portal page has beside it: the organization, its nouns, and their states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Flask, g, request, url_for
from flask_login import current_user

from app import providers
from app.core import phone, texts, urls
from app.models import Check
from app.provider import Family, Outcome
from app.providers import keys_in
from app.services.connections import store, verification
from app.services.connections.store import StoredConnection
from app.services.drift import tallies
from app.services.scope import Scope

MOST_DRIFTED = 100
DOTS = {
    "does not work": "bad",
    "not complete": "warn",
    "partly tested": "warn",
    "stored, not tested": "idle",
    "works": "ok",
    "disabled": "idle",
    "not connected": "idle",
}
"""Of what is known of a connection, in words; where there are several, the first of these counts."""


def init_app(app: Flask) -> None:
    app.jinja_env.filters["apart"] = texts.bidi_isolate
    app.jinja_env.filters["count_of"] = texts.count_of
    app.jinja_env.filters["phone"] = phone.display
    app.jinja_env.filters["shown_url"] = urls.shown
    app.jinja_env.filters["provider_label"] = providers.label
    app.context_processor(_context)


def _context() -> dict[str, Any]:
    scope: Scope | None = g.get("scope")
    if scope is None:
        return {"organization": None, "rail": _global_nav()}
    return {"organization": scope.organization, "rail": _organization_nav(scope)}


def _item(
    label: str, endpoint: str, known: str | None = None, *, badge: str | None = None, **values: Any
) -> dict[str, Any]:
    href = url_for(endpoint, **values)
    current = request.path == href or (href.count("/") > 3 and request.path.startswith(f"{href}/"))
    return {
        "label": label,
        "href": href,
        "current": current,
        "state": DOTS.get(known or ""),
        "state_word": known,
        "badge": badge,
    }


def _global_nav() -> list[dict[str, Any]]:
    items = [_item("Your account", "account.show")]
    if current_user.is_authenticated and current_user.is_superadmin:
        items[:0] = [_item("Organizations", "organizations.overview"), _item("Audit", "audit.everywhere")]
    return [{"label": "", "items": items}]


def _organization_nav(scope: Scope) -> list[dict[str, Any]]:
    slug = scope.organization.slug
    states = store.load_all(scope)
    known = _known(scope, states)
    voice_ai = [state for state in states.values() if state.provider.families == (Family.VOICE_AI,)]
    own_page = [state for state in states.values() if state not in voice_ai]
    return [
        {
            "label": "",
            "items": [
                _item("Checklist", "checklist.show", slug=slug),
                _item("Endpoints", "endpoints.table", badge=_drifted(scope), slug=slug),
                _item("Who answers?", "who_answers.show", slug=slug),
                _item("Calls", "calls.table", slug=slug),
            ],
        },
        {
            "label": "Providers",
            "items": [
                _item(
                    s.provider.label,
                    "providers.show",
                    known[s.provider.key],
                    slug=slug,
                    key=s.provider.key,
                )
                for s in own_page
            ]
            + [
                _item("Voice AI", "voice_ai.show", _worst(known[s.provider.key] for s in voice_ai), slug=slug)
            ],
        },
        {
            "label": "Organization",
            "items": [
                _item("People", "people.table", slug=slug),
                _item("Audit", "audit.table", slug=slug),
                _item("Settings", "settings.show", slug=slug),
            ],
        },
    ]


def _drifted(scope: Scope) -> str:
    count = tallies.drifted_among(scope, keys_in(Family.TELEPHONY), most=MOST_DRIFTED)
    shown = f"{MOST_DRIFTED - 1}+" if count == MOST_DRIFTED else str(count)
    return f"{shown} drifted" if count else ""


def _known(scope: Scope, states: Mapping[str, StoredConnection]) -> dict[str, str]:
    """What is known of each connection, by key: it works only where its stored values were tested."""
    tested, refused = verification.last_of_all(scope, states), tallies.refused(scope)
    return {key: _word(state, tested.get(key), key in refused) for key, state in states.items()}


def _word(state: StoredConnection, check: Check | None, is_refused: bool) -> str:
    if not state.exists or not (state.values or state.secrets):
        return "not connected"
    if not state.enabled:
        return "disabled"
    if is_refused or (check and not check.ok):
        return "does not work"
    if state.missing:
        return "not complete"
    if check is None:
        return "stored, not tested"
    return "partly tested" if check.code == Outcome.NOT_PROVEN else "works"


def _worst(known: Iterable[str]) -> str:
    return min(known, key=list(DOTS).index)
