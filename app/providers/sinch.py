from __future__ import annotations

from app.provider import Family, PhoneNumber, Provider, Secret, Text


class Sinch(Provider):
    key = "sinch"
    label = "Sinch"
    position = 20
    families = (Family.VOICE,)
    summary = "Serves the dialer."

    application_key = Text("Application key", help="Sinch dashboard, Voice, Apps.", required=True)
    application_secret = Secret("Application secret", help="Beside the application key.", required=True)
    phone_number = PhoneNumber("Phone number", help="The default caller number.", group="Calls")
