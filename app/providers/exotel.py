from __future__ import annotations

from app.provider import Count, Family, PhoneNumber, Provider, Secret, ServiceHost, Text


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
