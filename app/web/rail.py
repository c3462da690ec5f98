"""What every portal page has beside it: the organization, its nouns, and their states."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, request, url_for
from flask_login import current_user

from app.core import phone, texts, urls
from app.provider import Family
from app.providers import PROVIDERS, keys_in
from app.services import connections, drift, providers, verification
from app.services.connections import State
from app.services.scope import Scope

MOST_DRIFTED = 100
WORDS = {"ok": "connected", "bad": "does not work", "warn": "needs attention", "idle": "not connected"}


def init_app(app: Flask) -> None:
    app.jinja_env.filters["apart"] = texts.apart
    app.jinja_env.filters["phone"] = phone.display
    app.jinja_env.filters["shown_url"] = urls.shown
    app.jinja_env.filters["provider_label"] = _provider_label
    app.context_processor(_context)


def _provider_label(key: str) -> str:
    return PROVIDERS[key].label if key in PROVIDERS else key


def _context() -> dict[str, Any]:
    scope: Scope | None = g.get("scope")
    if scope is None:
        return {"organization": None, "rail": _outside()}
    return {"organization": scope.organization, "rail": _inside(scope)}


def _item(
    label: str, endpoint: str, state: str | None = None, *, badge: str = "", **values: Any
) -> dict[str, Any]:
    href = url_for(endpoint, **values)
    current = request.path == href or (href.count("/") > 3 and request.path.startswith(f"{href}/"))
    return {
        "label": label,
        "href": href,
        "current": current,
        "state": state,
        "state_word": WORDS.get(state or ""),
        "badge": badge,
    }


def _outside() -> list[dict[str, Any]]:
    items = [_item("Your account", "account.show")]
    if current_user.is_authenticated and current_user.is_superadmin:
        items[:0] = [_item("Organizations", "organizations.overview"), _item("Audit", "audit.everywhere")]
    return [{"label": "", "items": items}]


def _inside(scope: Scope) -> list[dict[str, Any]]:
    slug = scope.organization.slug
    states = connections.load_all(scope)
    failing = verification.failing(scope) | drift.refused(scope)
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
                    _state(scope, s, failing),
                    slug=slug,
                    key=s.provider.key,
                )
                for s in own_page
            ]
            + [_item("Voice AI", "voice_ai.show", _worst(scope, voice_ai, failing), slug=slug)],
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
    count = drift.drifted_among(scope, keys_in(Family.TELEPHONY), most=MOST_DRIFTED)
    shown = f"{MOST_DRIFTED - 1}+" if count == MOST_DRIFTED else str(count)
    return f"{shown} drifted" if count else ""


def _state(scope: Scope, state: State, failing: set[str]) -> str:
    if not state.exists or not (state.values or state.secrets):
        return "idle"
    if state.provider.key in failing:
        return "bad"
    if state.is_configured and state.enabled:
        return "ok"
    return "warn" if state.missing or providers.active_families(scope, state.provider) else "idle"


def _worst(scope: Scope, states: list[State], failing: set[str]) -> str:
    found = {_state(scope, state, failing) for state in states}
    return next((state for state in ("bad", "warn", "ok") if state in found), "idle")
