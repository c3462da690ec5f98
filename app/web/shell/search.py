"""Searches numbers, agents, pages, settings and actions: a page, and the list of the palette."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.services.organizations import directory
from app.services.scope import Scope
from app.services.status import search
from app.web.shell import guard, messages, registry, render
from app.web.shell.guard import Pages, Who
from app.web.shell.navigation import may_open
from app.web.shell.registry import Action, Link, Page, Section

find = Pages("find", __name__)


@dataclass(frozen=True)
class Item:
    """A page, a setting on a page, or with `is_action` the address of a form to submit.

    An item without an address switches the theme, which needs JavaScript.
    """

    label: str
    address: str
    icon: str
    keys: str = ""
    is_action: bool = False
    words: str = ""


@find.page("/find", who=Who.SUPERADMIN, title="Find")
def show(scope: Scope) -> ResponseReturnValue:
    """Shows the search. `in` is the user's organization, whose pages and users are found too."""
    text = request.args.get("q", "").strip()[:100]
    slug = request.args.get("in", "")
    inside = _inside(scope, slug)
    return render.page(
        "shell/search.html",
        text=text,
        slug=inside.organization.slug if inside else "",
        results=search.find(inside or scope, text),
        items={heading: _matching(items, text) for heading, items in _items(inside).items()},
    )


def _inside(scope: Scope, slug: str) -> Scope | None:
    if not slug:
        return None
    try:
        return scope.for_organization(directory.by_slug(scope, slug))
    except NotFound:
        return None


def _matching(items: Iterable[Item], text: str) -> list[Item]:
    """Returns the items whose label and other words contain every typed word."""
    typed = text.lower().split()
    return [item for item in items if all(word in f"{item.label} {item.words}".lower() for word in typed)]


def _items(inside: Scope | None) -> dict[str, list[Item]]:
    """Returns pages, actions, settings and guides by heading; in an organization, its own too."""
    by_heading: dict[str, list[Item]] = {"Pages": [], "Actions": [], "Settings": [], "Help": []}
    for page, link in registry.in_order(guard.pages()):
        if may_open(page) and (inside or link.section is Section.GLOBAL):
            by_heading[_heading(link)] += _page_items(page, link, inside)
            by_heading["Settings"] += _setting_items(page, link, inside)
    by_heading["Actions"] += [*_action_items(inside), Item(messages.SWITCH_THEME, "", "sun")]
    by_heading["Help"].append(Item(messages.API_REFERENCE, "/api/docs", "code"))
    return by_heading


def _heading(link: Link) -> str:
    if link.icon == "help":
        return "Help"
    return "Pages" if link.in_navigation else "Actions"


def _page_items(page: Page, link: Link, inside: Scope | None) -> Iterator[Item]:
    is_near = (link.section is Section.GLOBAL) == (inside is None)
    keys = f"g {link.key}" if link.key and is_near else ""
    for entry in page.entries():
        if entry.in_palette:
            address = _address(page, inside, **entry.values)
            yield Item(entry.label, address, link.icon, keys if entry.in_navigation else "", words=page.words)


def _setting_items(page: Page, link: Link, inside: Scope | None) -> Iterator[Item]:
    for label, anchor in link.parts.items():
        yield Item(label, _address(page, inside, _anchor=anchor), link.icon)


def _action_items(inside: Scope | None) -> Iterator[Item]:
    for action in guard.actions():
        if inside or "<slug>" not in action.rule:
            yield Item(
                action.label, _address(action, inside), action.icon, is_action=True, words=action.words
            )


def _address(target: Page | Action, inside: Scope | None, **values: Any) -> str:
    if inside and "<slug>" in target.rule:
        values["slug"] = inside.organization.slug
    return url_for(target.endpoint, **values)
