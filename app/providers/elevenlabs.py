from __future__ import annotations

from app.provider import Family, Origin, Provider, Secret, Text


class ElevenLabs(Provider):
    key = "elevenlabs"
    label = "ElevenLabs"
    position = 50
    families = (Family.VOICE_AI,)
    summary = "The voice agents."

    api_key = Secret("API key", help="ElevenLabs, Developers, API keys.", required=True)
    tool_secret = Secret(
        "Tool secret", help="Agents' tools show it to prove who calls.", origin=Origin.GENERATED
    )
    webhook_secret = Secret("Webhook secret", origin=Origin.PROVIDER)
    webhook_id = Text("Webhook ID", origin=Origin.PROVIDER)
