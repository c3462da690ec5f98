from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from app.core import addresses
from app.core.outbound import Answer, Outbound
from app.core.remembered import Remembered
from app.provider import (
    Family,
    Outcome,
    Provider,
    Secret,
    Text,
    Verified,
    content,
    not_proven,
    proven,
    refused,
    unexpected,
)

TOKEN = "https://auth.sinch.com/oauth2/token"  # noqa: S105  an address
API = "https://elastic-trunking.api.sinch.com"
REFUSALS = {
    401: (
        Outcome.BAD_CREDENTIALS,
        "Sinch gives this key a token, but does not accept it for the project. Compare the project ID with "
        "the page of the access key in the dashboard.",
    ),
    403: (
        Outcome.NO_PERMISSION,
        "Sinch does not let this key read the project's trunks. Compare the project ID with the page of the "
        "access key in the dashboard.",
    ),
    404: (
        Outcome.NOT_FOUND,
        "Sinch finds no such trunk in this project. Compare the trunk ID and project ID with the trunk's "
        "page in the dashboard.",
    ),
}
tokens = Remembered(seconds=55 * 60)
"""Of this process, each for a key and its secret: getting one is tightly limited at Sinch."""


class SinchEst(Provider):
    key = "sinch_est"
    label = "Sinch EST"
    position = 60
    families = (Family.VOICE_AI,)
    summary = "Elastic SIP Trunking: carries Sinch numbers to the voice agents."

    key_id = Text("Key ID", help="Sinch dashboard, Access keys.", required=True)
    key_secret = Secret("Key secret", help="Sinch shows it once, when the key is made.", required=True)
    project_id = Text("Project ID", help="Sinch dashboard, Projects.", required=True)
    trunk_id = Text("Trunk ID", help="Of the SIP trunk that carries the numbers.", required=True)
    trunk_domain = Text("Trunk domain", help="As the trunk's page shows it.")

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Gets a token with the key, and reads the trunk."""
        if lacking := self.lacking(values):
            return lacking
        answer = _get_trunk(http, values)
        if isinstance(answer, Verified):
            return answer
        found = content(answer)
        if answer.status == 200 and str(found.get("id", "")).lower() == values["trunk_id"].lower():
            return _compared(found.get("domain"), values.get("trunk_domain"))
        if answer.status in REFUSALS and found:
            return refused(*REFUSALS[answer.status])
        return unexpected(answer)


def _cache_key(values: Mapping[str, Any]) -> tuple[str, bytes]:
    return values["key_id"], hashlib.sha256(values["key_secret"].encode()).digest()


def _get_trunk(http: Outbound, values: Mapping[str, Any]) -> Answer | Verified:
    """With the token at hand, and with a new one where that is no longer good; or why there is none."""
    project, trunk = (quote(values[name], safe="") for name in ("project_id", "trunk_id"))
    url = f"{API}/v1/projects/{project}/trunks/{trunk}"
    if known := tokens.get(_cache_key(values)):
        answer = http.send("GET", url, headers={"Authorization": f"Bearer {known}"})
        if answer.status != 401:
            return answer
        tokens.forget(_cache_key(values))
    token = _new_token(http, values)
    if isinstance(token, Verified):
        return token
    return http.send("GET", url, headers={"Authorization": f"Bearer {token}"})


def _new_token(http: Outbound, values: Mapping[str, Any]) -> str | Verified:
    answer = http.send(
        "POST",
        TOKEN,
        form={"grant_type": "client_credentials"},
        auth=(values["key_id"], values["key_secret"]),
    )
    found = content(answer)
    token = found.get("access_token")
    if answer.status == 200 and isinstance(token, str) and re.fullmatch(r"[!-~]+", token):
        tokens.keep(_cache_key(values), token, _life(found.get("expires_in")))
        return token
    if answer.status in (400, 401, 403) and found:
        return refused(
            Outcome.BAD_CREDENTIALS,
            "Sinch gives no token for this key ID and secret. Look under Access keys in the dashboard; a "
            "secret that is lost needs a new key.",
        )
    return unexpected(answer)


def _life(seconds: Any) -> float | None:
    """Five minutes less than Sinch says, so that none ends on its way."""
    return seconds - 300 if isinstance(seconds, int) else None


def _compared(actual: Any, stored: str | None) -> Verified:
    actual = actual.lower().rstrip(".") if isinstance(actual, str) else ""
    if not addresses.HOST.fullmatch(actual):
        return not_proven("Sinch accepts the key and has the trunk, but did not say what its domain is.")
    if stored and stored.lower().rstrip(".") != actual:
        return refused(
            Outcome.TRUNK_DOMAIN_DIFFERS,
            f"Sinch accepts the key and has the trunk, but its domain is {actual}, and here it is {stored}.",
        )
    return proven(f"Sinch accepts the key and has the trunk. Its domain is {actual}.")
