"""Random keys that every worker of one test session shares."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from cryptography.fernet import Fernet

from devtools.locks import locked


def shared_keys(folder: Path) -> dict[str, str]:
    """As settings. A copied database needs the keys that its template was made with."""
    path = folder / "keys.json"
    with locked(folder / "keys.lock"):
        if not path.exists():
            path.write_text(json.dumps(_new_keys()))
        keys: dict[str, str] = json.loads(path.read_text())
    return keys


def _new_keys() -> dict[str, str]:
    return {
        "PATCHBAY_SECRET_KEY": secrets.token_urlsafe(48),
        "PATCHBAY_JWT_KEYS": secrets.token_urlsafe(48),
        "PATCHBAY_FERNET_KEYS": Fernet.generate_key().decode(),
    }
