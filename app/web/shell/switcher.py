"""Switches the organization: a page with all of them, and the list of the switcher."""

from __future__ import annotations

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from app.services.organizations import favorites
from app.services.scope import Scope
from app.web.shell import guard, messages, registry, render
from app.web.shell.guard import Pages, Who
from app.web.shell.registry import Page

switcher = Pages("switcher", __name__)


@switcher.page("/organizations/switch", who=Who.SUPERADMIN, title="Switch organization")
def show(scope: Scope) -> ResponseReturnValue:
    """Shows the organizations.

    `at` is the present page, which opens in the other one too if each has it.
    """
    text = request.args.get("q", "").strip()[:100]
    at = request.args.get("at", "")
    return render.page(
        "shell/switcher.html",
        text=text,
        at=at,
        target=_target(at).endpoint,
        results=favorites.choose(scope, text),
    )


def _target(at: str) -> Page:
    pages = list(guard.pages())
    home = next(page for page in pages if page.rule == registry.HOME)
    return next((page for page in pages if page.endpoint == at and _is_everywhere(page)), home)


def _is_everywhere(page: Page) -> bool:
    return page.link is not None and "<slug>" in page.rule and not page.arguments


@switcher.page(
    "/o/<slug>/favorite",
    who=Who.SUPERADMIN,
    methods=["POST"],
    action="Mark or unmark this organization as favorite",
    icon="star",
)
def star(scope: Scope) -> ResponseReturnValue:
    is_starred = favorites.toggle(scope)
    name = scope.organization.name
    flash(messages.starred(name) if is_starred else messages.unstarred(name), "ok")
    return render.redirect_to(url_for("switcher.show"))
