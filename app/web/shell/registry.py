"""The pages of the portal: each registers its title, link and places once, and the rest derives from it.

The navigation, the command palette, the addresses of places and the default headings read the pages of
the registered blueprints, and so do the tests that open every page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from app.services.access.crossing import Who
from app.services.connections.health import Health
from app.services.scope import Scope
from app.services.status.places import Place

HOME = "/o/<slug>/"
"""The address of an organization's home."""


class Section(Enum):
    """The sections of the navigation: their order and headings."""

    CALLS = 1, ""
    PROVIDERS = 2, "Providers"
    ORGANIZATION = 3, "Organization"
    GLOBAL = 4, ""
    """Pages outside organizations."""

    def __init__(self, position: int, heading: str) -> None:
        self.position, self.heading = position, heading


@dataclass(frozen=True)
class Entry:
    """One of several links to a page: its label, and the values of the address beside the organization."""

    label: str
    values: Mapping[str, Any]
    in_navigation: bool = True
    in_palette: bool = True


@dataclass(frozen=True)
class Link:
    """A page's place in the command palette and, with `in_navigation`, in the navigation.

    `badge` returns text beside the label, or "" for none. `state` returns the health of a connection
    for the entry's values. `entries` are for a page that has several links. `icon` is a name of
    `templates/shell/icons.html`; `key` is the letter that opens the page after `g`.
    """

    section: Section
    order: int
    in_navigation: bool = True
    icon: str = "page"
    key: str = ""
    label: str = ""
    """The label in the navigation, if it is not the title."""
    badge: Callable[[Scope], str] | None = None
    state: Callable[..., Health] | None = None
    entries: Callable[[], Iterable[Entry]] | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    """The anchors of the page's settings that the palette finds, by their labels."""


@dataclass(frozen=True)
class Action:
    """A form without fields that the palette can submit. `rule` is its address."""

    endpoint: str
    rule: str
    label: str
    icon: str
    who: Who
    words: str = ""


@dataclass(frozen=True)
class Page:
    """A page as its view registered it. `places` are the places that lead to it, with their query."""

    endpoint: str
    rule: str
    title: str
    who: Who
    link: Link | None = None
    places: Mapping[Place, Mapping[str, Any]] = field(default_factory=dict)
    name: Callable[..., str] | None = None
    """Returns its label in breadcrumbs from the scope and the values of its address."""
    guide: str = ""
    """Name of the guide that the page's heading links to; names in braces are values of the address."""
    words: str = ""
    """Other words by which the palette finds the page."""

    def entries(self) -> Iterable[Entry]:
        """Returns the page's links; none if only other pages link to it."""
        if self.link is None:
            return ()
        return self.link.entries() if self.link.entries else (Entry(self.title, {}),)

    @property
    def arguments(self) -> set[str]:
        """The names of the values in the page's address, without the organization's slug."""
        return set(re.findall(r"<(?:\w+:)?(\w+)>", self.rule)) - {"slug"}

    def label_for(self, values: Mapping[str, Any]) -> str:
        """Returns the label of the page at the address with these values."""
        for entry in self.entries():
            if entry.values and dict(entry.values) == dict(values):
                return entry.label
        return (self.link.label if self.link else "") or self.title


def pages_above(pages: Iterable[Page], rule: str) -> list[Page]:
    """Returns the pages whose address is a prefix of the rule, from the top, without homes."""
    by_rule = {page.rule: page for page in pages}
    parts = rule.split("/")
    beginnings = ("/".join(parts[:end]) for end in range(2, len(parts)))
    return [by_rule[beginning] for beginning in beginnings if beginning in by_rule]


def in_order(pages: Iterable[Page]) -> list[tuple[Page, Link]]:
    """Returns the pages that have a link, in the order of the navigation."""
    linked = [(page, page.link) for page in pages if page.link]
    return sorted(linked, key=lambda each: (each[1].section.position, each[1].order))
