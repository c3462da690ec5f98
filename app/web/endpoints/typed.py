"""Hints in the forms of endpoints while the user types. They never block saving."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app import context
from app.provider import Family
from app.providers import keys_in
from app.services.endpoints import hints, ownership
from app.services.scope import Scope
from app.web.shell import render
from app.web.shell.guard import Pages, Who

typed = Pages("typed", __name__)


@typed.page("/o/<slug>/endpoints/number", who=Who.SUPERADMIN, title="Phone number")
def number(scope: Scope) -> ResponseReturnValue:
    """Shows how a phone number is read."""
    reading, provider = _number(scope), request.args.get("provider", "")
    can_look = bool(reading.addable) and ownership.can_look(scope, provider)
    return render.page("endpoints/number.html", reading=reading, lookup_at=provider if can_look else "")


@typed.page("/o/<slug>/endpoints/owned", who=Who.SUPERADMIN, title="Number at its provider")
def owned(scope: Scope) -> ResponseReturnValue:
    """Shows whether the provider's account has the number."""
    reading, provider, observed = _number(scope), request.args.get("provider", ""), None
    if reading.addable and ownership.can_look(scope, provider):
        observed = ownership.check(scope, context.outbound(), provider, reading.addable)
    return render.page("endpoints/owned.html", observed=observed)


def _number(scope: Scope) -> hints.Number:
    return hints.number(scope, request.args.get("phone_number", "")[:40])


@typed.page("/o/<slug>/endpoints/webhook-url", who=Who.SUPERADMIN, title="Webhook URL")
def webhook_url(scope: Scope) -> ResponseReturnValue:
    """Shows the webhook URL of an agent's name."""
    provider = request.args.get("provider", "")
    name = request.args.get("inbound_agent_name", "").strip()
    key = provider if provider in keys_in(Family.TELEPHONY) else ""
    return render.page(
        "endpoints/webhook_url.html",
        preview=hints.preview(scope, key or keys_in(Family.TELEPHONY)[0], name),
    )
