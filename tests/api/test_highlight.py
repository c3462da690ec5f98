"""Colors in the reference's code: nothing of it is lost, and HTML in it is shown as text."""

from __future__ import annotations

import re
from html import unescape

from app.api import highlight, snippets
from app.api.operations import OPERATIONS

TAG = re.compile(r'<span class="([\w-]+)">|</span>')


def _kinds(code: str) -> dict[str, list[str]]:
    spans = re.findall(r'<span class="([\w-]+)">(.*?)</span>', code, re.DOTALL)
    return {kind: [unescape(text) for each, text in spans if each == kind] for kind, _ in spans}


KINDS: list[tuple[str, str, dict[str, list[str]]]] = [
    ("JSON", '{"a": [1, "b", null]}', {"pb-k": ['"a"'], "pb-n": ["1", "null"], "pb-s": ['"b"']}),
    ("curl", 'curl "$URL" \\\n  -X PUT', {"pb-w": ["curl", "-X"], "pb-s": ['"$URL"']}),
    ("Python", "import os\nget(timeout=30)", {"pb-w": ["import"], "pb-k": ["timeout"], "pb-n": ["30"]}),
    ("JavaScript", "await f({ a: `b` })", {"pb-w": ["await"], "pb-k": ["a"], "pb-s": ["`b`"]}),
    ("", "if true", {}),
]


def test_colored_has_the_text_of_every_example_and_marks_each_kind() -> None:
    """HTML in it is shown as text."""
    wrong = []
    for operation in OPERATIONS:
        if operation.raw_body is not None:
            continue
        for language, text in snippets.of(operation).items():
            html = str(highlight.colored(text, language))
            if unescape(TAG.sub("", html)) != text or '<span class="pb-s">' not in html:
                wrong.append(f"{operation.method} {operation.path}: {language}")
    assert wrong == []

    assert "<b" not in highlight.colored('{"a": "<b>", "c": <b>}', "JSON")
    for language, text, kinds in KINDS:
        assert _kinds(str(highlight.colored(text, language))) == kinds, language
