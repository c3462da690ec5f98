"""Sentences about importing numbers, and assigning them to users."""

from __future__ import annotations

from collections.abc import Sequence

from app.core import texts

NAMED = 10
"""How many numbers one sentence names."""

NOTHING_IMPORTED = "Nothing was imported."
UNUSABLE = "Not a phone number in E.164, such as +15551234567"
IS_ENDPOINT = "Already an endpoint here"
IN_OTHER_ORGANIZATION = "In another organization"
NONE_SELECTED = "Select the numbers to import."
NO_USER = "Choose who gets the numbers."
CLAIMED = "Another organization uses this number. Users of two organizations cannot share one."
AI_IS_ON = "An agent answers this number. Turn AI off first, then unassign the number."
NOT_E164 = "Write the number in E.164, such as +15551234567."
STAYS_DEFAULT = "A user has one default number for each provider. Make another one the default instead."
NOT_FOUND = "Phone number not found."
NOT_ASSIGNED = "This user does not have that number."


def already_assigned(user_name: str) -> str:
    return f"Already assigned to {texts.bidi_isolate(user_name)}"


def has_number(number: str, label: str) -> str:
    return f"This user already has {number} on {label}."


def not_owned(label: str) -> str:
    return f"Not in the {label} account"


def too_many(most: int) -> str:
    return f"Import at most {most:,} numbers in one import."


def cannot_be_endpoints(label: str) -> str:
    return f"Numbers of {label} cannot be endpoints. Assign them to users."


def cannot_be_assigned(label: str) -> str:
    return f"Numbers of {label} cannot be assigned to users. Import them as endpoints."


def cannot_list(label: str) -> str:
    return f"Patchbay cannot list the numbers of {label}."


def refused(reason: str, numbers: Sequence[str]) -> str:
    """Returns, for example, `Already an endpoint here: +15551234567, +15551234568 and 3 more.`"""
    more = len(numbers) - NAMED
    rest = f" and {more:,} more" if more > 0 else ""
    return f"{reason}: {', '.join(numbers[:NAMED])}{rest}."
