"""Every change of wording is a change of one file: tests/contracts/sentences.txt."""

from __future__ import annotations

from devtools import sentences


def test_sentences_are_those_of_the_snapshot() -> None:
    """After a change: `.venv/bin/python -m devtools.sentences`."""
    stored, now = (set(text.splitlines()) for text in (sentences.FILE.read_text(), sentences.sentences()))
    assert {"gone": sorted(stored - now), "new": sorted(now - stored)} == {"gone": [], "new": []}
