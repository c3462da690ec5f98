"""Writes the text of templates, modules and the OpenAPI document to a file: `python -m devtools.sentences`.

A test compares the file with the code, so that every change of wording is visible in review.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from jinja2 import Environment

from app.api.document import document

ROOT = Path(__file__).parents[1]
FILE = ROOT / "tests" / "contracts" / "sentences.txt"
_INLINE = ("a", "b", "bdi", "code", "em", "kbd", "span", "strong", "time")
_SHOWN_ATTRIBUTES = ("alt", "aria-label", "placeholder", "title")
_GAP = "…"
"""The placeholder of a value in a text."""
_CLASS = re.compile(r"[a-z]+(-[a-z]+)+( [a-z-]+)*")
_BREAK = "\n\n"
"""The separator of texts that not every page shows."""


def sentences() -> str:
    """Returns one line for each text: its file, and the text. Sorted by file, then by text."""
    lines = set()
    templates = [path for path in (ROOT / "templates").rglob("*.html") if path.name != "icons.html"]
    for path in templates:
        lines |= {f"{path.relative_to(ROOT)}: {text}" for text in _template_texts(path.read_text())}
    for path in (ROOT / "app").rglob("messages.py"):
        lines |= {f"{path.relative_to(ROOT)}: {text}" for text in _module_texts(ast.parse(path.read_text()))}
    for path in (ROOT / "app").rglob("*.py"):
        if path.name != "messages.py" and path.parent != ROOT / "app" / "api":
            texts = _module_texts(ast.parse(path.read_text()))
            lines |= {f"{path.relative_to(ROOT)}: {text}" for text in texts if _is_sentence(text)}
    lines |= {f"openapi.json: {text}" for text in _descriptions(document())}
    return "".join(f"{line}\n" for line in sorted(lines))


def _descriptions(part: Any) -> Iterator[str]:
    """Yields the summaries and descriptions in a part of the OpenAPI document, each in one line."""
    if isinstance(part, list):
        for each in part:
            yield from _descriptions(each)
    if isinstance(part, dict):
        yield from _texts(
            [part[name] for name in ("summary", "description") if isinstance(part.get(name), str)]
        )
        for each in part.values():
            yield from _descriptions(each)


class _Texts(HTMLParser):
    """Collects the text of each block element, and attributes that users see or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._end_text(tag)
        self.found += [value for name, value in attrs if name in _SHOWN_ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        self._end_text(tag)

    def handle_data(self, data: str) -> None:
        self._text += data

    def close(self) -> None:
        super().close()
        self._end_text("")

    def _end_text(self, tag: str) -> None:
        if tag not in _INLINE:
            self.found += self._text.split(_BREAK)
            self._text = ""


def _template_texts(source: str) -> Iterator[str]:
    """Yields the text of the HTML, with gaps for values, and the texts in expressions."""
    html: list[str] = []
    strings: list[str] = []
    for _, kind, value in Environment(autoescape=True).lex(source):
        if kind == "data":
            html.append(re.sub(r"\s+", " ", value))
        elif kind == "block_begin":
            html.append(_BREAK)
        elif kind == "variable_begin":
            html.append(_GAP)
        elif kind == "string":
            strings.append(ast.literal_eval(value.replace("\n", " ")))
    parser = _Texts()
    parser.feed("".join(html))
    parser.close()
    yield from _texts([*parser.found, *(text for text in strings if _is_text(text))])


def _is_text(string: str) -> bool:
    """Whether the string is text, not a name, path or class: it has a capital first, or a space."""
    return string[:1].isupper() or (
        " " in string and "<" not in string and not string.startswith(("pb-", "/", "#", "."))
    )


def _is_sentence(text: str) -> bool:
    """Whether the text is a sentence, not an address or name: it has a space and a full stop."""
    return " " in text and text.endswith(".")


def _module_texts(tree: ast.Module) -> Iterator[str]:
    """Yields the strings of a module except its docstrings, with gaps for values."""
    described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    parts = {id(part) for node in joined for part in ast.walk(node)}
    texts = [
        "".join(str(part.value) if isinstance(part, ast.Constant) else _GAP for part in node.values)
        for node in joined
    ]
    texts += [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in described | parts
    ]
    yield from _texts(texts)


def _texts(texts: list[str]) -> Iterator[str]:
    for text in texts:
        one_line = " ".join(text.split())
        if any(character.isalpha() for character in one_line) and not _CLASS.fullmatch(one_line):
            yield one_line


def main() -> int:
    FILE.write_text(sentences())
    sys.stdout.write(f"{FILE.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
