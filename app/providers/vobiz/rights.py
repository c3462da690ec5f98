"""The lists that Vobiz credentials may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from app.core.outbound.client import Outbound
from app.provider import Outcome, Verified, refused
from app.providers.vobiz.account import API, FORBIDDEN, UNKNOWN, refusal_of

LISTS = (
    ("/numbers", {"page": 1, "per_page": 1}, "phone numbers"),
    ("/Application/", {"limit": 1, "offset": 0}, "applications"),
)
"""The path of each list, the query for a page of one row, and its name."""


def lacking(http: Outbound, values: Mapping[str, Any]) -> Verified | None:
    """Returns the refusal that names the lists which may not be read; None if all may be read.

    Vobiz may also refuse a list because the account has no credit.
    """
    base = f"{API}/Account/{quote(values['auth_id'], safe='')}"
    headers = {"X-Auth-ID": values["auth_id"], "X-Auth-Token": values["auth_token"]}
    names = []
    for path, query, name in LISTS:
        answer = http.send("GET", base + path, headers=headers, query=query)
        result = refusal_of("GET", answer)
        if result.code == Outcome.NO_CREDIT:
            return result
        if result in (FORBIDDEN, UNKNOWN):
            names.append(name)
    if not names:
        return None
    sentence = (
        f"Vobiz accepts the auth ID and token, but does not let them read {' and '.join(names)}. Check their "
        "permissions in the Vobiz console."
    )
    return refused(Outcome.NO_PERMISSION, sentence)
