"""The pages of the portal: each registers its title, link and places once, and the rest derives from it.

The navigation, the command palette, the addresses of places and the default headings read the pages of
the registered blueprints, as the tests do that open every page.
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
    """The sections of the navigation, in their order, and the heading of each."""

    CALLS = 1, ""
    PROVIDERS = 2, "Providers"
    ORGANIZATION = 3, "Organization"
    GLOBAL = 4, ""
    """Pages outside organizations."""

    def __init__(self, position: int, heading: str) -> None:
        self.position, self.heading = position, heading


@dataclass(frozen=True)
class Entry:
    """One link to a page that has several, by what its address takes beside the organization."""

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
    """Instead of the title in the navigation."""
    badge: Callable[[Scope], str] | None = None
    state: Callable[..., Health] | None = None
    entries: Callable[[], Iterable[Entry]] | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    """The settings on the page that the palette finds, each with its anchor."""


@dataclass(frozen=True)
class Action:
    """A form without fields that the palette can send. `rule` is the address that takes it."""

    endpoint: str
    rule: str
    label: str
    icon: str
    who: Who
    words: str = ""


@dataclass(frozen=True)
class Page:
    """A page as its view registered it. `places` are those it is the target of, with their query."""

    endpoint: str
    rule: str
    title: str
    who: Who
    link: Link | None = None
    places: Mapping[Place, Mapping[str, Any]] = field(default_factory=dict)
    name: Callable[..., str] | None = None
    """Returns its label in breadcrumbs from the scope and the values of its address."""
    guide: str = ""
    """Name of the guide that the page's heading links to; a part in braces is of the address."""
    words: str = ""
    """Other words that the palette finds it by."""

    def entries(self) -> Iterable[Entry]:
        """Returns the page's links; none if it is reached from other pages alone."""
        if self.link is None:
            return ()
        return self.link.entries() if self.link.entries else (Entry(self.title, {}),)

    @property
    def arguments(self) -> set[str]:
        """Returns the names in the page's address, without the organization's."""
        return set(re.findall(r"<(?:\w+:)?(\w+)>", self.rule)) - {"slug"}

    def label_for(self, values: Mapping[str, Any]) -> str:
        """Returns the label of the page at an address with those values."""
        for entry in self.entries():
            if entry.values and dict(entry.values) == dict(values):
                return entry.label
        return (self.link.label if self.link else "") or self.title


def above(pages: Iterable[Page], rule: str) -> list[Page]:
    """Returns the pages whose address is a beginning of the rule's, from the top down, without the homes."""
    known = {page.rule: page for page in pages}
    parts = rule.split("/")
    beginnings = ("/".join(parts[:end]) for end in range(2, len(parts)))
    return [known[beginning] for beginning in beginnings if beginning in known]


def in_order(pages: Iterable[Page]) -> list[tuple[Page, Link]]:
    """Returns the pages that have a link, in the order of the navigation."""
    linked = [(page, page.link) for page in pages if page.link]
    return sorted(linked, key=lambda each: (each[1].section.position, each[1].order))
