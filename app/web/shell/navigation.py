"""The navigation on every portal page: links to the registered pages, with their states."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import Flask, g, request, url_for
from flask_login import current_user

from app import providers
from app.core import phone, texts, urls
from app.core.errors import NotFound
from app.services.access.crossing import Who
from app.services.scope import Scope
from app.web.shell import figures, guard, guides, labels, registry
from app.web.shell.guides import Guide
from app.web.shell.registry import Entry, Link, Page, Section


def init_app(app: Flask) -> None:
    app.jinja_env.filters["apart"] = texts.bidi_isolate
    app.jinja_env.filters["count_of"] = texts.count_of
    app.jinja_env.filters["percent_of"] = figures.percent_of
    app.jinja_env.filters["sum_of"] = figures.sum_of
    app.jinja_env.filters["plain_day"] = figures.plain_day
    app.jinja_env.filters["plain_weekday"] = figures.plain_weekday
    app.jinja_env.filters["strip_lines"] = figures.strip_lines
    app.jinja_env.filters["span"] = figures.span
    app.jinja_env.filters["age"] = figures.age
    app.jinja_env.filters["phone"] = phone.display
    app.jinja_env.filters["shown_url"] = urls.sanitized
    app.jinja_env.filters["breakable_url"] = labels.breakable_url
    app.jinja_env.filters["short_url"] = labels.short_url
    app.jinja_env.filters["provider_label"] = providers.label
    app.jinja_env.filters["field_label"] = labels.field_label
    app.jinja_env.globals |= {"navigation": navigation, "page_title": page_title}
    app.jinja_env.globals |= {"page_guide": page_guide, "crumbs": crumbs}
    app.jinja_env.globals["is_page"] = is_page
    app.context_processor(_context)


def _context() -> dict[str, Any]:
    scope: Scope | None = g.get("scope")
    return {"organization": scope.organization if scope else None}


def page_title(endpoint: str | None = None) -> str:
    """Returns the registered title of a page, by default the page of the request.

    Raises LookupError if the page is not registered.
    """
    rule = request.url_rule.rule if request.url_rule and not endpoint else None
    for page in guard.pages():
        if page.endpoint == endpoint or page.rule == rule:
            return page.title
    raise LookupError(f"No page is registered for {endpoint or request.path}.")


def is_page() -> bool:
    """Whether the request is a GET of a registered page, whose address can be opened again."""
    rule = request.url_rule.rule if request.url_rule else ""
    return request.method == "GET" and any(page.rule == rule for page in guard.pages())


def page_guide() -> Guide | None:
    """Returns the guide of the request's page; None if it has none."""
    rule = request.url_rule.rule if request.url_rule else None
    name = next((page.guide for page in guard.pages() if page.rule == rule), "")
    return guides.by_name().get(name.format(**(request.view_args or {})))


def may_open(page: Page) -> bool:
    """Whether the role of the signed-in user allows the page."""
    return page.who is not Who.SUPERADMIN or current_user.is_superadmin


@dataclass(frozen=True)
class Crumb:
    """A link to a page above the present one. The present page itself has no `href`."""

    label: str
    href: str | None


def crumbs() -> list[Crumb]:
    """Returns the request's organization, and the registered pages above the request's page.

    Empty for the page of an organization that does not exist, or that the user may not enter.
    """
    scope: Scope | None = g.get("scope")
    rule = request.url_rule.rule if request.url_rule else ""
    if scope is None and "<slug>" in rule:
        return []
    trail = [_crumb(scope, page) for page in registry.pages_above(guard.pages(), rule) if may_open(page)]
    if scope is None:
        return trail
    home = next(page for page in guard.pages() if page.rule == registry.HOME)
    return [Crumb(scope.organization.name, None if rule == home.rule else url_for(home.endpoint)), *trail]


def _crumb(scope: Scope | None, page: Page) -> Crumb:
    arguments = request.view_args or {}
    values = {name: arguments[name] for name in page.arguments}
    label = page.label_for(values)
    if page.name and scope:
        with suppress(NotFound):
            label = page.name(scope, **values)
    return Crumb(label, url_for(page.endpoint, **values))


def navigation() -> list[dict[str, Any]]:
    """Returns the sections with their links: an organization's inside one, else the global ones."""
    scope: Scope | None = g.get("scope")
    sections: dict[Section, list[dict[str, Any]]] = {}
    for page, link in registry.in_order(guard.pages()):
        is_here = (link.section is Section.GLOBAL) == (scope is None)
        if link.in_navigation and is_here and may_open(page):
            items = sections.setdefault(link.section, [])
            items += [_item(page, link, entry, scope) for entry in page.entries() if entry.in_navigation]
    return [{"label": section.heading, "items": items} for section, items in sections.items()]


def _item(page: Page, link: Link, entry: Entry, scope: Scope | None) -> dict[str, Any]:
    href = url_for(page.endpoint, **entry.values)
    state = link.state(scope, **entry.values) if link.state else None
    return {
        "id": page.endpoint.replace(".", "-"),
        "label": link.label or entry.label,
        "href": href,
        "icon": link.icon,
        "key": link.key,
        "current": request.path == href or (href.count("/") > 2 and request.path.startswith(f"{href}/")),
        "state": state,
        "badge": link.badge(scope) if link.badge and scope else None,
    }
