from __future__ import annotations

from app.provider import Count, Family, PhoneNumber, Provider, Secret, Text


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
