"""The base of the notification receiver, mail catcher and agent runtime: pages of all received items."""

from __future__ import annotations

import re
import string
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, ClassVar, Generic, TypeVar

from simulators import console
from simulators.console import Action, Row, Table
from simulators.site import Reply, Request, Site, is_from_another_page

SHOWN = 200
"""How many items the list shows, newest first."""
SECONDS_BETWEEN_REFRESHES = 3
POLICY = console.HEADERS["Content-Security-Policy"] + "; frame-src 'self'"
ITEM = re.compile(r"/([0-9]{1,9})(?:/([a-z]+))?")

PAGE = string.Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
$refresh<title>$title</title>
<style>
$style
nav { display: flex; flex-wrap: wrap; gap: .5rem 1rem; margin: .5rem 0 1rem; }
a { color: LinkText; } nav a, article a { display: inline-block; padding: .25rem 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0; }
.state { display: inline-block; border: 1px solid; border-radius: .25rem; padding: 0 .4rem; }
.state { font-size: .875rem; }
.good { color: light-dark(#17643f, #7fd8ab); } .bad { color: light-dark(#a02222, #ff9d9d); }
time { font-size: .875rem; opacity: .8; }
iframe { width: 100%; height: 34rem; border: 1px solid var(--line); background: #fff; }
</style>
<h1>$heading</h1>
<nav>$links</nav>
$content
</html>
""")


@dataclass(frozen=True)
class Item:
    """One received message or request."""

    at: datetime

    @property
    def title(self) -> str:
        raise NotImplementedError

    @property
    def summary(self) -> Sequence[str]:
        """The lines below the title in the list."""
        raise NotImplementedError

    @property
    def details(self) -> Mapping[str, str]:
        """The names and values below the content."""
        raise NotImplementedError


ItemT = TypeVar("ItemT", bound=Item)


class Inbox(Site, Generic[ItemT]):
    """Stores received items and shows them.

    `take` adds one, `wait_for` waits for some, `clear` deletes all.
    """

    name: ClassVar[str]
    nothing: ClassVar[str]

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.arrived: list[ItemT] = []
        self.notice = ""
        self._changed = threading.Condition()
        self._stopped = threading.Event()

    def __exit__(self, *failure: object) -> None:
        self._stopped.set()
        super().__exit__(*failure)

    def tables(self) -> list[Table]:
        """Returns the tables of the settings page, with their actions."""
        raise NotImplementedError

    def take(self, item: ItemT) -> None:
        with self._changed:
            self.arrived.append(item)
            self._changed.notify_all()

    def wait_for(self, count: int, seconds: float = 20.0) -> list[ItemT]:
        """Waits for `count` items and returns them all. Raises TimeoutError."""
        return self.wait_until(lambda arrived: len(arrived) >= count, seconds)

    def wait_until(self, is_enough: Callable[[Sequence[ItemT]], bool], seconds: float = 20.0) -> list[ItemT]:
        """Waits until the items satisfy the condition and returns them. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: is_enough(self.arrived), seconds):
                raise TimeoutError(f"{len(self.arrived)} arrived.")
            return list(self.arrived)

    def clear(self) -> None:
        with self._changed:
            self.arrived.clear()

    def page(self, request: Request) -> Reply:
        """Returns the requested page: the list, an item, a part of an item, or the settings."""
        if request.path == "/settings":
            return self._apply(request) if request.method == "POST" else self._settings()
        if request.path == "/":
            return self._list()
        item = ITEM.fullmatch(request.path)
        if item and 0 < int(item[1]) <= len(self.arrived):
            return self.item_page(int(item[1]), self.arrived[int(item[1]) - 1], item[2] or "")
        return Reply(404, "Page not found.")

    def item_page(self, number: int, item: ItemT, part: str) -> Reply:
        """Returns the page of one item. Subclasses add parts."""
        if part:
            return Reply(404, "Page not found.")
        details = "".join(
            f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in item.details.items()
        )
        content = f"<p>{self._tag(item)}</p>{self.content(number, item)}<dl>{details}</dl>"
        return self._page(item.title, content, item.title)

    def content(self, number: int, item: ItemT) -> str:
        """Returns the markup of the item's content."""
        raise NotImplementedError

    def state(self, _item: ItemT) -> tuple[str, bool] | None:
        """Returns the result of the item's check, and whether it is good; None without a check."""
        return None

    def _list(self) -> Reply:
        with self._changed:
            newest = list(enumerate(self.arrived, 1))[-SHOWN:]
        rows = "\n".join(self._row(number, item) for number, item in reversed(newest))
        count = f"<p>{len(self.arrived)} arrived.</p>" if rows else f"<p>{escape(self.nothing)}</p>"
        return self._page(self.name, count + rows, self.name, refreshes=True)

    def _settings(self) -> Reply:
        notice, self.notice = self.notice, ""
        said = f'<p role="status">{escape(notice)}</p>' if notice else ""
        tables = "\n".join(map(console.table_html, self.tables()))
        return self._page(f"{self.name}: settings", said + tables, "Settings")

    def _apply(self, request: Request) -> Reply:
        if is_from_another_page(request):
            return Reply(403, "This form was sent from another page.")
        self.notice = console.apply(self.tables(), request.form)
        return Reply(303, "", {"Location": "/settings"})

    def _page(self, title: str, content: str, heading: str, *, refreshes: bool = False) -> Reply:
        page = PAGE.substitute(
            refresh=f'<meta http-equiv="refresh" content="{SECONDS_BETWEEN_REFRESHES}">\n' * refreshes,
            title=escape(title),
            style=console.STYLE,
            heading=f'<span dir="auto">{escape(heading)}</span>',
            links='<a href="/">What arrived</a> <a href="/settings">Settings</a>',
            content=content,
        )
        return Reply(200, page, {**console.HEADERS, "Content-Security-Policy": POLICY})

    def _row(self, number: int, item: ItemT) -> str:
        heading = f'<h3 dir="auto"><a href="/{number}">{escape(item.title)}</a></h3>{self._tag(item)}'
        lines = "".join(f'<p dir="auto">{escape(line)}</p>' for line in item.summary)
        return f"<article>{heading} <time>{item.at:%H:%M:%S} UTC</time>{lines}</article>"

    def _tag(self, item: ItemT) -> str:
        word, is_good = self.state(item) or ("", True)
        return f'<span class="state {"good" if is_good else "bad"}">{escape(word)}</span>' if word else ""


def faults(what: Any, troubles: Mapping[str, Any], name: str) -> Table:
    """Returns a table with a button for each fault, which sets `trouble` of `what`."""
    now = next(words for words, trouble in troubles.items() if trouble is what.trouble)
    actions = [Action(words, console.setting(what, trouble=trouble)) for words, trouble in troubles.items()]
    return Table("Faults", [Row(name, f"Now: {now}.", actions)])
