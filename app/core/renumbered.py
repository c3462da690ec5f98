"""Numbers of changed numbering plans: how they were written before, and how they are written now."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """A change of a country's numbers. `now` is the new form; empty if it cannot be computed."""

    before: str
    now: str
    sentence: str


CHANGES = (
    Change(r"\+521(\d{10})", r"+52\1", "Numbers in Mexico have had no 1 after +52 since 2019."),
    Change(
        r"\+225\d{8}",
        "",
        "Numbers in Côte d'Ivoire have had ten digits after +225 since 2021. Two digits of the operator, "
        "such as 07 or 27, come before the former eight.",
    ),
    Change(r"\+229(\d{8})", r"+22901\1", "Numbers in Benin have had ten digits after +229 since 2024."),
    Change(
        r"\+55(\d{2})([6-9]\d{7})",
        r"+55\g<1>9\2",
        "Mobile numbers in Brazil have had a 9 after the area code since 2016.",
    ),
    Change(
        r"\+5415\d{8}",
        "",
        "Mobile numbers in Argentina are written +54 9 and the area code, without 15.",
    ),
    Change(
        r"\+549(\d{2,4})15(\d{6,8})(?<=\+\d{15})",
        r"+549\1\2",
        "Mobile numbers in Argentina are written +54 9 and the area code, without 15.",
    ),
    Change(
        r"\+54((?!9)\d{2,4})15(\d{6,8})(?<=\+\d{14})",
        r"+549\1\2",
        "Mobile numbers in Argentina are written +54 9 and the area code, without 15.",
    ),
)


def change_of(number: str) -> tuple[str, str] | None:
    """Returns why a number is outdated, and its new form, which may be empty; None if it is not.

    The number is a plus and digits.
    """
    for change in CHANGES:
        if match := re.fullmatch(change.before, number):
            return change.sentence, match.expand(change.now)
    return None
