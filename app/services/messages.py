"""Sentences about values that several packages validate, and about limits."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.texts import count_of

OBJECT_NEEDED = "Send a JSON object, such as {}."
REQUIRED = "This is required."
NOT_TEXT = "This must be text."
EMPTY = "This is empty."
NOT_BOOLEAN = "This must be true or false."
NOT_WHOLE = "This must be a whole number."
BAD_CURSOR = "Invalid cursor. Start again without it."
READ_ONLY = "This is read-only. Leave it out, or send it back as it was read."
NOT_LIST = "This must be a list."

TOO_MANY_JOBS = "Several jobs are running. Nothing was changed. Try again in a moment."
TESTS_RUNNING = "Another job is testing this organization's webhooks. Wait until it ends, or stop it."
JOB_RUNNING = "Another job is changing this organization's numbers at their providers. Wait until it ends."


def job_failed(request_id: str) -> str:
    return f"Unexpected error. Search the log for {request_id}."


AGENT_EMPTY = "An agent name can't be empty. Send null for no agent."
AGENT_INVISIBLE = "This agent name has an invisible character. Type it again instead of pasting it."
AGENT_SPACES = "An agent name does not begin or end with a space."
AGENT_CHARACTERS = "An agent name can't be . or .., and can't contain a slash or a control character."
LABEL_CHARACTERS = "A label is one line, without control characters."
NAME_CHARACTERS = "A name is one line, without control characters."


def not_found(what: str) -> str:
    return f"{what.capitalize()} not found."


def too_many_attempts(minutes: int) -> str:
    return f"Too many attempts. Try again in {count_of(minutes, 'minute')}."


def too_long(most: int) -> str:
    return f"This is longer than {most} characters."


def too_many(most: int) -> str:
    return f"This has more than {most:,} items."


def use_one_of(choices: Iterable[str]) -> str:
    return f"Use {' or '.join(choices)}."


def use(expected: str) -> str:
    return f"Use {expected}."


def did_you_mean(name: str) -> str:
    return f"Unknown field. Did you mean “{name}”?"


def unknown_field(known_names: Iterable[str]) -> str:
    return f"Unknown field. Use one of: {', '.join(known_names)}."


def agent_too_long(most: int) -> str:
    return f"An agent name has at most {most} characters."


def label_too_long(most: int) -> str:
    return f"A label has at most {most} characters."


def name_too_long(most: int) -> str:
    return f"A name has at most {most} characters."
