from __future__ import annotations

from app.provider import Family, Provider, Secret, Text


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
