"""Finding organizations, numbers, people and pages by a few letters: a page, and the palette's list."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.services.organizations import directory
from app.services.scope import Scope
from app.services.status import search
from app.web.shell import guard, registry, render
from app.web.shell.guard import Pages, Who
from app.web.shell.registry import Section

find = Pages("find", __name__)


@find.page("/find", who=Who.SUPERADMIN, title="Find")
def show(scope: Scope) -> ResponseReturnValue:
    """`in` is the organization that the person is in: its pages and people are found too."""
    text = request.args.get("q", "").strip()[:100]
    slug = request.args.get("in", "")
    inside = _inside(scope, slug)
    return render.page(
        "shell/search.html",
        text=text,
        slug=inside.organization.slug if inside else "",
        found=search.find(inside or scope, text),
        pages=_pages(inside, text),
    )


def _inside(scope: Scope, slug: str) -> Scope | None:
    if not slug:
        return None
    try:
        return scope.for_organization(directory.by_slug(scope, slug))
    except NotFound:
        return None


def _pages(inside: Scope | None, text: str) -> list[tuple[str, str]]:
    """Returns label and address of each page whose label has all the words."""
    words, found = text.lower().split(), []
    for page, link in registry.in_order(guard.pages()):
        slug: dict[str, Any] = {}
        if link.section is not Section.GLOBAL:
            if inside is None:
                continue
            slug = {"slug": inside.organization.slug}
        for entry in page.entries():
            if all(word in entry.label.lower() for word in words):
                found.append((entry.label, url_for(page.endpoint, **slug, **entry.values)))
    return found
