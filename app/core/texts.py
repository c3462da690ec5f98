"""What others wrote, made fit to be kept and shown as plain text."""

from __future__ import annotations


def one_line(text: str, longest: int) -> str:
    """Without characters that cannot be seen, and not longer than that."""
    return "".join(character for character in text if character.isprintable()).strip()[:longest]
