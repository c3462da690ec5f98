"""Sentences about setup and keys."""

from __future__ import annotations

KEY_MISMATCH = (
    "PATCHBAY_FERNET_KEYS does not open this database: it was sealed with another key. "
    "Put that key back (several can be listed, newest first)."
)
SETUP_KEY_USED = "This setup key was used or replaced. The console shows the latest one."


def signing_key_missing(setting: str) -> str:
    return (
        f"{setting} here lacks the key that another machine signs with on this database: what it "
        "signs would be refused here. Give every machine the same keys. If you replaced the key on "
        "purpose, run: flask --app wsgi keys accept"
    )
