"""HTML as a tree, as far as tests need it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape
from html.parser import HTMLParser
from typing import Any

BLOCK = {
    *("br", "caption", "dd", "dl", "dt", "div", "fieldset", "h1", "h2", "h3", "label", "legend", "li", "ol"),
    *("option", "p", "section", "table", "td", "th", "tr", "ul"),
}
NAMED = r"""([A-Za-z][A-Za-z0-9:-]*)(?:="([^"<>]*)"|='([^'<>]*)')?"""
ATTRIBUTE = re.compile(NAMED)
ATTRIBUTES = re.sub(r"\((?!\?)", "(?:", NAMED)
TOKEN = re.compile(rf"<(?:!doctype html|([a-z][a-z0-9-]*)((?:\s+{ATTRIBUTES})*)\s*(/?)|/([a-z][a-z0-9-]*))>")
"""A tag as our templates write them: in lower case, its values in quotes."""
RAW = ("script", "style")
WITH_RAW_TEXT = (*RAW, "textarea", "title")
VOID = {
    *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
}


@dataclass
class Element:
    tag: str
    attrs: dict[str, str] = field(default_factory=dict)
    parent: Element | None = field(default=None, repr=False)
    children: list[Element | str] = field(default_factory=list, repr=False)

    def __getitem__(self, name: str) -> str:
        return self.attrs[name]

    def get(self, name: str, default: str = "") -> str:
        return self.attrs.get(name, default)

    def walk(self) -> Iterator[Element]:
        """All descendants, in document order."""
        return iter(self._inside)

    @cached_property
    def _inside(self) -> list[Element]:
        """Cached: a page is complete when it is parsed, and searched often."""
        found: list[Element] = []
        for child in self.children:
            if isinstance(child, Element):
                found.append(child)
                found.extend(child._inside)
        return found

    def all(self, *tags: str, css: str = "", **attrs: str) -> list[Element]:
        """Descendants with one of the tags (any if none is given), the class `css` and the attributes."""
        return [
            found
            for found in self.walk()
            if (not tags or found.tag in tags)
            and (not css or css in found.get("class").split())
            and all(found.attrs.get(name) == value for name, value in attrs.items())
        ]

    def one(self, *tags: str, css: str = "", **attrs: str) -> Element:
        found = self.all(*tags, css=css, **attrs)
        assert len(found) == 1, f"{len(found)} of {tags} {css} {attrs} in: {self.text[:400]}"
        return found[0]

    def by_id(self, name: str) -> Element:
        return self.one(id=name)

    @property
    def text(self) -> str:
        """As one line, spaces collapsed."""
        found: list[str] = []
        self._add_texts(found)
        return " ".join("".join(found).split())

    def _add_texts(self, found: list[str]) -> None:
        for child in self.children:
            if isinstance(child, str):
                found.append(child)
            elif child.tag not in ("script", "style", "template"):
                is_apart = child.tag in BLOCK or "pb-under" in child.get("class")
                if is_apart:
                    found.append(" ")
                child._add_texts(found)
                if is_apart:
                    found.append(" ")

    def inside(self, other: Element) -> bool:
        return self.parent is not None and (self.parent is other or self.parent.inside(other))


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.here = Element("")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        assert len(named) == len(attrs), f"<{tag}> has an attribute twice: {attrs}"
        made = Element(tag, named, self.here)
        self.here.children.append(made)
        if tag not in VOID:
            self.here = made

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.here = self.here.parent or self.root

    def handle_endtag(self, tag: str) -> None:
        assert self.here.tag == tag, f"</{tag}> closes <{self.here.tag} {self.here.attrs}>"
        self.here = self.here.parent or self.root

    def handle_data(self, data: str) -> None:
        self.here.children.append(data)


def parse(source: str) -> Element:
    """Returns the tree. AssertionError if an element is closed in the wrong place, or never."""
    builder = _Builder()
    if not _is_plain(source, builder):
        builder = _Builder()
        builder.feed(source)
        builder.close()
    assert builder.here is builder.root, f"<{builder.here.tag}> is never closed"
    return builder.root


def _is_plain(source: str, builder: _Builder) -> bool:
    """Builds the tree in one pass, for tests parse some thousand pages; false if the source needs a parser
    that knows more."""
    place = 0
    for token in TOKEN.finditer(source):
        text, tag = source[place : token.start()], builder.here.tag
        place = token.end()
        opened, attributes, is_single, closed = token.groups()
        if "<" in text or (tag in WITH_RAW_TEXT and closed != tag):
            return False
        if text:
            builder.handle_data(text if tag in RAW or "&" not in text else unescape(text))
        if opened:
            attrs: list[tuple[str, str | None]] = [
                (name.lower(), unescape(a or b)) for name, a, b in ATTRIBUTE.findall(attributes)
            ]
            (builder.handle_startendtag if is_single else builder.handle_starttag)(opened, attrs)
        elif closed:
            builder.handle_endtag(closed)
    if rest := source[place:]:
        builder.handle_data(unescape(rest))
    return "<" not in rest


def filled(form: Element, values: Mapping[str, Any]) -> dict[str, str]:
    """What a browser would submit for the form, with `values` entered or selected."""
    left = dict(values)
    sent: dict[str, str] = {}
    for control in form.all("input", "select", "textarea"):
        name = control.get("name")
        if not name or "disabled" in control.attrs:
            continue
        value = left.pop(name, control_value(control))
        if isinstance(value, bool):
            if value:
                sent[name] = control.get("value", "on")
        else:
            sent[name] = str(value)
    assert not left, f"the form has no {sorted(left)}, but {sorted(sent)}"
    return sent


def control_value(control: Element) -> str | bool:
    if control.tag == "select":
        options = control.all("option")
        chosen = [option for option in options if "selected" in option.attrs] or options[:1]
        return chosen[0].get("value", chosen[0].text) if chosen else ""
    if control.tag == "textarea":
        return control.text
    if control.get("type") in ("checkbox", "radio"):
        return "checked" in control.attrs
    return control.get("value")
