from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.outbound import Outbound
from app.provider import (
    Count,
    Family,
    Outcome,
    PhoneNumber,
    Provider,
    Secret,
    Text,
    Verified,
    content,
    proven,
    refused,
    unexpected,
)

ME = "https://api.vobiz.ai/api/v1/auth/me"


class Vobiz(Provider):
    key = "vobiz"
    label = "Vobiz"
    position = 40
    families = (Family.TELEPHONY,)
    summary = "Serves agent calls."
    webhook_steps = (
        "In the Vobiz console, open the application that the number is attached to.",
        "Paste the URL as its answer URL, method POST, and save.",
        "Every number attached to that application is answered by the same URL.",
    )

    auth_id = Text("Auth ID", help="Starts with MA_ or SA_. Vobiz console, account.", required=True)
    auth_token = Secret("Auth token", help="Beside the auth ID.", required=True)
    phone_number = PhoneNumber("Phone number", help="The default caller number.", group="Calls")
    max_concurrent = Count(
        "Calls at once",
        help="How many agent calls may run at the same time.",
        default=5,
        group="Calls",
    )

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Asks whose credentials they are. The answer has a secret in it: it is never passed on."""
        if lacking := self.lacking(values):
            return lacking
        headers = {"X-Auth-ID": values["auth_id"], "X-Auth-Token": values["auth_token"]}
        answer = http.send("GET", ME, headers=headers)
        found = content(answer)
        if answer.status == 200 and isinstance(found.get("auth_id"), str):
            return _account(found, values["auth_id"])
        if answer.status == 401 and _is_error(found):
            return refused(
                Outcome.BAD_CREDENTIALS,
                "Vobiz does not know this auth ID and token. Compare both with its console's account page.",
            )
        if answer.status == 403 and _is_error(found):
            return refused(
                Outcome.NO_PERMISSION,
                "Vobiz does not let these credentials read their account. Its console says what they may do.",
            )
        return unexpected(answer)


def _account(found: Mapping[str, Any], auth_id: str) -> Verified:
    if found["auth_id"] != auth_id:
        return refused(
            Outcome.WRONG_ACCOUNT,
            "Vobiz accepts the token, for another account than this auth ID. Copy both from the same page.",
        )
    if found.get("enabled") is False or found.get("is_active") is False:
        return refused(
            Outcome.SUSPENDED, "Vobiz knows the account, but it is not active. Its console says why."
        )
    return proven("Vobiz accepts the auth ID and token, and the account is active.")


def _is_error(found: Mapping[str, Any]) -> bool:
    """`error` is a word in two of Vobiz's shapes, and an object in the third."""
    return bool(found.get("error") or found.get("message"))
