from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from app.core.outbound import Answer, Outbound
from app.provider import (
    Count,
    Family,
    Outcome,
    PhoneNumber,
    Provider,
    Secret,
    ServiceHost,
    Text,
    Verified,
    content,
    proven,
    refused,
    unexpected,
)

REFUSALS = {
    401: (
        Outcome.BAD_CREDENTIALS,
        "Exotel does not know this API key and token. Compare both with the dashboard's API settings, and "
        "the API base with the account's region.",
    ),
    403: (
        Outcome.SUSPENDED,
        "Exotel refuses this account: it is suspended, or may not use the API. The dashboard says why.",
    ),
    404: (
        Outcome.NOT_FOUND,
        "Exotel finds no account with this SID there. Compare the account SID with the dashboard's API "
        "settings, and the API base with the account's region.",
    ),
}


class Exotel(Provider):
    key = "exotel"
    label = "Exotel"
    position = 30
    families = (Family.TELEPHONY,)
    summary = "Serves agent calls."
    webhook_steps = (
        "In the Exotel dashboard, open the flow that the number is assigned to.",
        "Paste the URL into the flow's Voicebot or Passthru applet, and save the flow.",
        "Exotel's API cannot set this URL: a number there points to a flow, not to a webhook.",
    )

    account_sid = Text("Account SID", help="Dashboard, API settings.", required=True)
    api_key = Secret("API key", help="Dashboard, API settings.", required=True)
    api_token = Secret("API token", help="Beside the API key.", required=True)
    phone_number = PhoneNumber("Phone number", help="The default ExoPhone.", group="Calls")
    api_base = ServiceHost(
        "API base",
        help="The region of the account. Changing it asks for the key and token again.",
        hosts=("api.exotel.com", "api.in.exotel.com"),
    )
    max_concurrent = Count(
        "Calls at once",
        help="How many agent calls may run at the same time.",
        default=5,
        group="Calls",
    )

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Reads one call of the account: Exotel has no call for the account itself."""
        if lacking := self.lacking(values):
            return lacking
        base = self.api_base.in_force(values.get("api_base"))
        answer = http.send(
            "GET",
            f"{base}/v1/Accounts/{quote(values['account_sid'], safe='')}/Calls.json",
            query={"PageSize": 1},
            auth=(values["api_key"], values["api_token"]),
        )
        if answer.status == 200 and content(answer) and not _is_refusal(answer):
            return proven("Exotel accepts the API key and token for this account.")
        if answer.status in REFUSALS and _is_refusal(answer):
            return refused(*REFUSALS[answer.status])
        return unexpected(answer)


def _is_refusal(answer: Answer) -> bool:
    """Its errors are JSON or XML, and have this name in either."""
    return b"RestException" in answer.body
