from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from app.core import clock
from app.core.outbound import Answer, Outbound
from app.core.sinch_signing import signature
from app.provider import (
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

API = "https://callingapi.sinch.com"
LATE = (40101, 40105)
NO_SUCH_KEY = (40003, 40004)


class Sinch(Provider):
    key = "sinch"
    label = "Sinch"
    position = 20
    families = (Family.VOICE,)
    summary = "Serves the dialer."

    application_key = Text("Application key", help="Sinch dashboard, Voice, Apps.", required=True)
    application_secret = Secret("Application secret", help="Beside the application key.", required=True)
    phone_number = PhoneNumber("Phone number", help="The default caller number.", group="Calls")

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Reads the callback addresses of the application, signed with its secret."""
        if lacking := self.lacking(values):
            return lacking
        path = f"/v1/configuration/callbacks/applications/{quote(values['application_key'], safe='')}"
        answer = signed_get(http, path, values)
        found = content(answer)
        if answer.status == 200 and found and "errorCode" not in found:
            return proven("Sinch accepts the application key and its secret.")
        return _refusal(answer.status, found.get("errorCode")) or unexpected(answer)


def signed_get(http: Outbound, path: str, values: Mapping[str, Any]) -> Answer:
    timestamp = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    signed = signature(
        values["application_secret"],
        method="GET",
        path=path,
        timestamp=timestamp,
        content_type="application/json",
    )
    headers = {
        "Authorization": f"Application {values['application_key']}:{signed}",
        "x-timestamp": timestamp,
        "Content-Type": "application/json",
    }
    return http.send("GET", API + path, headers=headers)


def _refusal(status: int, code: Any) -> Verified | None:
    """What an error says of the values; None where it says nothing."""
    if not isinstance(code, int):
        return None
    if status == 401 and code in LATE:
        return refused(
            Outcome.UNEXPECTED_ANSWER,
            "Sinch finds the time of the request wrong (status 401). Check the clock of this server.",
        )
    if status == 401:
        return refused(
            Outcome.BAD_CREDENTIALS,
            "Sinch does not accept this application key and secret. Compare both with the app's page in the "
            "dashboard, under Voice, Apps.",
        )
    if status == 400 and code in NO_SUCH_KEY:
        return refused(
            Outcome.BAD_CREDENTIALS,
            "Sinch does not take this for an application key. Copy it from the dashboard, under Voice, Apps.",
        )
    if status == 403:
        return refused(
            Outcome.NO_PERMISSION,
            "Sinch knows the application, but does not let it read its configuration. See its page in the "
            "dashboard, under Voice, Apps.",
        )
    if status == 404:
        return refused(
            Outcome.NOT_FOUND,
            "Sinch has no such application. Look it up in the dashboard, under Voice, Apps.",
        )
    return None
