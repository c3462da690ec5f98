"""Finding organizations, numbers, people and pages by a few letters: a page, and the palette's list."""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.providers import PROVIDERS
from app.services.organizations import directory
from app.services.scope import Scope
from app.services.status import search
from app.web.shell import render
from app.web.shell.guard import Pages, Who

find = Pages("find", __name__)

Page = tuple[str, str]

OWN_PAGES = {
    "Checklist": "checklist.show",
    "Endpoints": "endpoints.table",
    "Add endpoint": "endpoints.new",
    "Import numbers from a provider": "numbers.choose",
    "Voice AI": "voice_ai.show",
    "Who answers?": "who_answers.show",
    "Calls": "calls.table",
    "People": "people.table",
    "Add person": "people.new",
    "Audit": "audit.table",
    "Settings": "settings.show",
}
PAGES = {
    "Organizations": "organizations.overview",
    "Audit of every organization": "audit.everywhere",
    "Add organization": "organizations.new",
    "Your account": "account.show",
}


@find.page("/find", who=Who.SUPERADMIN)
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


def _pages(inside: Scope | None, text: str) -> list[Page]:
    known = [(name, url_for(endpoint)) for name, endpoint in PAGES.items()]
    if inside is not None:
        slug = inside.organization.slug
        own = [(name, url_for(endpoint, slug=slug)) for name, endpoint in OWN_PAGES.items()]
        of_providers = [
            (provider.label, url_for("providers.show", slug=slug, key=provider.key))
            for provider in PROVIDERS.values()
        ]
        known = [*own, *of_providers, *known]
    words = text.lower().split()
    return [page for page in known if all(word in page[0].lower() for word in words)]
