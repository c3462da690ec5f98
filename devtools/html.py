"""A parser of HTML for tests, which returns a tree of elements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import unescape
from typing import Any

BLOCK = re.compile(
    "br|caption|d[dlt]|div|fieldset|h[1-3]|label|legend|li|ol|option|p|section|table|t[dhr]|ul"
)
TOKEN = re.compile(
    r"""
    (?: </([a-zA-Z][a-zA-Z0-9-]*)\s*>
    | <(script|style|textarea|title)([^"'>]*(?:"[^"]*"[^"'>]*|'[^']*'[^"'>]*)*)>(.*?)</\2>
    | <([a-zA-Z][a-zA-Z0-9-]*)([^"'>]*(?:"[^"]*"[^"'>]*|'[^']*'[^"'>]*)*)>
    | <!--.*?--> | <!(?i:doctype)[^>]*> | (?=[^<]))
    ([^<]*)
    """,
    re.DOTALL | re.VERBOSE,
)
"""A tag with the text that follows it, an element with raw text too, or text alone."""
ATTRIBUTE = re.compile(r"""([^\s"'=<>/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?""")
VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)


class Element:
    """An element. Its descendants are the elements from `_first` to `_end` of the document's `_order`."""

    __slots__ = ("_end", "_first", "_order", "attrs", "children", "parent", "tag")

    def __init__(self, tag: str, attrs: dict[str, str], parent: Element | None) -> None:
        self.tag = tag
        self.attrs = attrs
        self.parent = parent
        self.children: list[Element | str] = []
        self._order: list[Element] = parent._order if parent else []
        self._order.append(self)
        self._first = self._end = len(self._order)

    def __repr__(self) -> str:
        return f"<{self.tag} {self.attrs}>"

    def close(self) -> None:
        self._end = len(self._order)

    def __getitem__(self, name: str) -> str:
        return self.attrs[name]

    def get(self, name: str, default: str = "") -> str:
        return self.attrs.get(name, default)

    def walk(self) -> list[Element]:
        """Returns all descendants, in document order."""
        return self._order[self._first : self._end]

    def all(self, *tags: str, css: str = "", **attrs: str) -> list[Element]:
        """Returns the descendants with one of the tags, if any are passed, class and attributes."""
        elements = self.walk()
        if tags:
            elements = [one for one in elements if one.tag in tags]
        if css:
            elements = [one for one in elements if css in one.get("class").split()]
        for name, value in attrs.items():
            elements = [one for one in elements if one.attrs.get(name) == value]
        return elements

    def one(self, *tags: str, css: str = "", **attrs: str) -> Element:
        elements = self.all(*tags, css=css, **attrs)
        assert len(elements) == 1, f"{len(elements)} of {tags} {css} {attrs} in: {self.text[:400]}"
        return elements[0]

    def by_id(self, name: str) -> Element:
        return self.one(id=name)

    @property
    def text(self) -> str:
        """The text as one line, with collapsed spaces."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.tag not in ("script", "style", "template"):
                space = " " if BLOCK.fullmatch(child.tag) or "pb-under" in child.get("class") else ""
                yield space
                yield from child._texts()
                yield space

    def inside(self, other: Element) -> bool:
        return self.parent is not None and (self.parent is other or self.parent.inside(other))


def parse(source: str) -> Element:
    """Returns the tree. Raises AssertionError if an element is closed wrongly, or never."""
    here = root = Element("", {}, None)
    at = 0
    for token in TOKEN.finditer(source):
        assert token.start() == at, f"no HTML: {source[at : at + 80]!r}"
        at = token.end()
        end, raw, its_attributes, content, begin, attributes, text = token.groups()
        if begin:
            element = Element(begin.lower(), _attributes(attributes), here)
            here.children.append(element)
            if element.tag not in VOID and not attributes.endswith("/"):
                here = element
        elif end:
            assert here.tag == end.lower(), f"</{end}> closes <{here.tag} {here.attrs}>"
            here.close()
            here = here.parent or root
        elif raw:
            element = Element(raw, _attributes(its_attributes), here)
            here.children.append(element)
            if content:
                element.children.append(content if raw in ("script", "style") else unescape(content))
        if text:
            here.children.append(unescape(text))
    assert at == len(source), f"no HTML: {source[at : at + 80]!r}"
    assert here is root, f"<{here.tag}> is never closed"
    root.close()
    return root


@lru_cache(10_000)
def _attributes(written: str) -> dict[str, str]:
    """Returns the attributes of a tag. Cached, because most tags of a page are on every page."""
    pairs = ATTRIBUTE.findall(written)
    attrs = {name.lower(): unescape(double or single or plain) for name, double, single, plain in pairs}
    assert len(attrs) == len(pairs), f"<…{written}> has an attribute twice"
    return attrs


def filled(form: Element, values: Mapping[str, Any]) -> dict[str, str]:
    """Returns what a browser submits for the form, with `values` entered or selected."""
    remaining = dict(values)
    submitted: dict[str, str] = {}
    for control in form.all("input", "select", "textarea"):
        name = control.get("name")
        if not name or "disabled" in control.attrs:
            continue
        value = remaining.pop(name, control_value(control))
        if isinstance(value, bool):
            if value:
                submitted[name] = control.get("value", "on")
        else:
            submitted[name] = str(value)
    assert not remaining, f"the form has no {sorted(remaining)}, but {sorted(submitted)}"
    return submitted


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
