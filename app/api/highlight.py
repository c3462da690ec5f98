"""Colors the code in `/api/docs`: each kind of token is an element with its own class."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

_KEY = r'(?P<key>"(?:[^"\\\n]|\\.)*"(?=\s*:))'
_STRING = r'(?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)'
_VALUE = r"(?P<value>\b(?:true|false|null|True|False|None)\b|(?<![\w.+-])-?\d+(?:\.\d+)?\b)"
_WORD = r"(?P<word>\b(?:import|const|await|if|throw|new)\b)"
PATTERNS = {
    "curl": rf"{_KEY}|{_STRING}|(?P<word>^curl\b|(?<=\s)-[XHd]\b)|{_VALUE}",
    "Python": rf"{_KEY}|{_STRING}|{_WORD}|(?P<name>\b\w+(?==[^=]))|{_VALUE}",
    "JavaScript": rf"{_KEY}|{_STRING}|{_WORD}|(?P<name>\b\w+(?=:\s))|{_VALUE}",
    "JSON": rf"{_KEY}|{_STRING}|{_VALUE}",
}
CLASSES = {"key": "pb-k", "name": "pb-k", "string": "pb-s", "word": "pb-w", "value": "pb-n"}


def colored(text: str, language: str) -> Markup:
    """Returns the code as HTML, without colors for a language that has no pattern."""
    return Markup("").join(_pieces(text, PATTERNS[language]) if language in PATTERNS else [text])


def _pieces(text: str, pattern: str) -> Iterator[Markup]:
    end = 0
    for match in re.finditer(pattern, text, re.MULTILINE):
        yield escape(text[end : match.start()])
        yield Markup('<span class="{}">{}</span>').format(CLASSES[match.lastgroup or ""], match.group())
        end = match.end()
    yield escape(text[end:])
