"""Prints words that this project does not use, with their places: `python -m devtools.wording app/services`.

Without paths it searches everything; `--count` prints one number per folder instead.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PLACES = (
    "app",
    "templates",
    "static/js",
    "docs",
    "README.md",
    "CHANGELOG.md",
    "tests",
    "simulators",
    "devtools",
    "bench",
    "Makefile",
)
INSTEAD = {
    "whoever": "user, caller",
    "nobody|somebody|anybody": "user, caller, none, someone else",
    "anew": "again, re-",
    "strangers?": "anonymous, unauthenticated",
    "lets? go": "release, roll back",
    "made-?up": "sample, test",
    "stand-?ins?": "simulator, fake",
    r"(?<!\.)(tells?|told|telling)": "return, report, notify",
    "(is|are|was|were) due": "is pending, is queued",
    "at once": "immediately, in one transaction, at a time, concurrently",
    "(is|are|was|were) to be": "must be, is",
    "by hand": "manually",
    '(?<!")(?<!pb-)(asks|asked|asking)(?! for| to)': "call, request, query, check",
    "spoken for": "claimed",
    "puts? back": "restore",
    "agrees": "is verified, matches",
    "(is|are|was) no such": "… not found",
    r"(?<![./])forg(et|ets|etting|otten)": "disconnect, delete, remove",
    r"(?<!trunk_)(?<!application_)in the way": "overriding, takes precedence",
    r"(?<!/)who[_\-]answers": "trace, the path of a call",
    "(?<!how )(?<!as )(?<!know )any ?more": "no longer",
    "switch(es|ed|ing)? AI (on|off)|AI switched": "turn AI on, turn AI off",
    "too many tries": "too many attempts",
    "(none|nothing|empty|raises [a-z]+) where": "if, when",
    "where (nothing|nobody|there is (no|none|nothing))": "if, when",
    "(console|dashboard) says why": "see the console",
    "(twilio|sinch|exotel|vobiz|elevenlabs|patchbay) (knows|does not know|lets|does not let|finds)": (
        "the act: rejects, has, may not"
    ),
    "tak(e|es|en|ing) away": "unassign, remove",
}
"""Patterns and their replacements. A space stands for a space, a hyphen or an underscore."""
_FORBIDDEN = [
    (re.compile(rf"(?<![a-z])(?:{words.replace(' ', '[ _-]')})(?![a-z])", re.IGNORECASE), instead)
    for words, instead in INSTEAD.items()
]
_ANY = re.compile(
    rf"(?<![a-z])(?:{'|'.join(f'(?:{words})' for words in INSTEAD).lower().replace(' ', '[ _-]')})(?![a-z])"
)
"""Matches any pattern in lower-case text. It is searched first, because that is far quicker."""
_ITSELF = "devtools/wording.py"


class Offender(NamedTuple):
    path: str
    line: int
    word: str
    instead: str
    text: str


def offenders(places: Iterable[str] = PLACES) -> Iterator[Offender]:
    """Yields the forbidden words in files below `places` that git has or does not ignore."""
    for path in _files(places):
        text = (ROOT / path).read_text()
        for number, line in enumerate(text.splitlines() if _ANY.search(text.lower()) else (), 1):
            for pattern, instead in _FORBIDDEN:
                for match in pattern.finditer(line):
                    yield Offender(path, number, match[0], instead, line.strip())


def folder_of(path: str) -> str:
    """Returns the folder of a file, at most three levels deep: `app/services/endpoints`."""
    return "/".join(path.split("/")[:-1][:3]) or path


def _files(places: Iterable[str]) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *places],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        path
        for path in sorted(set(listed.stdout.splitlines()))
        if path != _ITSELF and (ROOT / path).is_file() and not path.endswith((".png", ".woff2", ".ico"))
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("places", nargs="*", default=PLACES)
    parser.add_argument("--count", action="store_true")
    arguments = parser.parse_args()
    all_offenders = list(offenders(arguments.places))
    if arguments.count:
        for folder, count in sorted(Counter(folder_of(offender.path) for offender in all_offenders).items()):
            sys.stdout.write(f"{count:5} {folder}\n")
    else:
        for offender in all_offenders:
            sys.stdout.write(
                f"{offender.path}:{offender.line}: {offender.word} ({offender.instead}): {offender.text}\n"
            )
    return 1 if all_offenders else 0


if __name__ == "__main__":
    sys.exit(main())
