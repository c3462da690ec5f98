"""Help: the guides of `docs/guides` and the changelog as pages. HTML in them is escaped."""

from __future__ import annotations

import re
import struct
import threading
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from flask import Response, current_app, send_from_directory, url_for
from flask.typing import ResponseReturnValue
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from app.core.errors import NotFound
from app.services.scope import Scope
from app.web.shell import messages, render
from app.web.shell.guard import Pages, Who
from app.web.shell.registry import Entry, Link, Section

guides = Pages("guides", __name__)

DOCS = Path(__file__).parents[3] / "docs"
_GUIDE = re.compile(r"([a-z0-9-]+)\.md(#.*)?")
_PICTURE = re.compile(r"\.\./screenshots/([a-z0-9-]+\.png)")
_NOT_IN_ANCHOR = re.compile(r"[^\w\s-]")
_END_OF_SUMMARY = re.compile(r"[.:](\s|$)")
_PARSING = threading.Lock()
"""The first parsed link fills a table in `mdurl`, which no other thread may read at that time."""

LEAST_CONTENTS = 3
"""The minimum number of headings for which a guide has a table of contents."""
PARTS = {
    "Phone numbers": ("import-numbers", "move-to-another-provider"),
    "Your software": ("webhook-test", "dialer"),
    "Operation": ("notifications", "monitoring", "backup-and-restore", "rotate-keys", "changelog"),
}
"""The names of guides by topic. Guides without a topic, such as a provider's, begin the first one."""


@dataclass(frozen=True)
class Guide:
    name: str
    title: str
    summary: str
    text: str


@cache
def by_name() -> dict[str, Guide]:
    """Returns the guides by name, in the order of `PARTS`."""
    order = [name for names in PARTS.values() for name in names]
    files = [*(DOCS / "guides").glob("*.md"), *DOCS.parent.glob("CHANGELOG.md")]
    all_guides = [_read(file) for file in files]
    all_guides.sort(key=lambda guide: (order.index(guide.name) if guide.name in order else -1, guide.title))
    return {guide.name: guide for guide in all_guides}


@cache
def version() -> str:
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def _by_part() -> dict[str, list[Guide]]:
    parts: dict[str, list[Guide]] = {part: [] for part in PARTS}
    for guide in by_name().values():
        part = next((part for part, names in PARTS.items() if guide.name in names), next(iter(PARTS)))
        parts[part].append(guide)
    return parts


def _read(file: Path) -> Guide:
    title, _, text = file.read_text().partition("\n")
    return Guide(file.stem.lower(), title.removeprefix("# ").strip(), _summary(text), text)


def _parse(parser: MarkdownIt, text: str) -> list[Token]:
    with _PARSING:
        return parser.parse(text)


def _summary(text: str) -> str:
    """Returns the first sentence of a guide, without markup."""
    tokens = _parse(MarkdownIt("commonmark"), text)
    first = next(after for token, after in pairwise(tokens) if token.type == "paragraph_open")
    words = "".join(child.content or " " for child in first.children or ())
    return _END_OF_SUMMARY.split(words, maxsplit=1)[0] + "."


@cache
def _contents(name: str) -> dict[str, str]:
    """Returns the headings of a guide by their anchors; empty if it has few."""
    headings = re.findall(r"^## (.+)$", by_name()[name].text, re.MULTILINE)
    by_anchor = {anchor(heading): heading.replace("`", "") for heading in headings}
    return by_anchor if len(by_anchor) >= LEAST_CONTENTS else {}


@cache
def _markup(name: str) -> Markup:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = _parse(parser, by_name()[name].text)
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and following:
            token.attrSet("id", anchor(following.content))
        _rewrite_addresses(token.children or ())
    html = parser.renderer.render(tokens, parser.options, {})
    html = html.replace("<table>", '<div class="pb-guide-table" tabindex="0"><table>')
    html = html.replace("</table>", "</table></div>")
    copy = current_app.jinja_env.get_template("shell/copy.html").module.copy_text("", "Copy", "example")  # type: ignore[attr-defined]
    html = html.replace("<pre>", f'<figure class="pb-guide-code">{copy}<pre tabindex="0">')
    html = html.replace("</pre>", "</pre></figure>")
    return Markup(html)  # noqa: S704


def anchor(heading: str) -> str:
    """Returns the anchor of a heading, as code hosts generate it."""
    return re.sub(r"\s", "-", _NOT_IN_ANCHOR.sub("", heading.lower()))


def _rewrite_addresses(tokens: Iterable[Token]) -> None:
    """Replaces the relative addresses of files with those of pages.

    Links to other sites send no Referer.
    """
    for token in tokens:
        if token.type == "link_open":
            address = str(token.attrGet("href"))
            if match := _GUIDE.fullmatch(address):
                token.attrSet("href", url_for("guides.show", guide=match[1]) + (match[2] or ""))
            elif address.startswith("https://"):
                token.attrSet("rel", "noopener noreferrer")
        if token.type == "image" and (match := _PICTURE.fullmatch(str(token.attrGet("src")))):
            width, height = _size(DOCS / "screenshots" / match[1])
            token.attrSet("src", url_for("guides.picture", picture=match[1]))
            token.attrSet("width", str(width))
            token.attrSet("height", str(height))


def _size(picture: Path) -> tuple[int, int]:
    """Returns width and height of a PNG, which reserve its space while it loads."""
    with picture.open("rb") as file:
        return struct.unpack(">II", file.read(24)[16:])


@guides.page("/help", who=Who.USER, title="Help", link=Link(Section.GLOBAL, 50, icon="help"))
def table(_scope: Scope) -> ResponseReturnValue:
    return render.page("shell/guides.html", parts=_by_part(), version=version())


def _entries() -> list[Entry]:
    return [Entry(guide.title, {"guide": guide.name}, in_navigation=False) for guide in by_name().values()]


@guides.page(
    "/help/<guide>",
    who=Who.USER,
    title="Guide",
    link=Link(Section.GLOBAL, 51, in_navigation=False, icon="help", entries=_entries),
)
def show(_scope: Scope, guide: str) -> ResponseReturnValue:
    if guide not in by_name():
        raise NotFound(messages.GUIDE_NOT_FOUND)
    return render.page(
        "shell/guide.html",
        guide=by_name()[guide],
        body=_markup(guide),
        contents=_contents(guide),
        guides=by_name().values(),
    )


@guides.page("/help/pictures/<picture>", who=Who.USER)
def picture(_scope: Scope, picture: str) -> Response:
    response = send_from_directory(DOCS / "screenshots", picture, mimetype="image/png")
    response.headers["Cache-Control"] = "no-store"
    return response
