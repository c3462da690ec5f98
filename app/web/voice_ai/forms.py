"""Forms for voice AI."""

from __future__ import annotations

from collections.abc import Iterable

from wtforms import (  # type: ignore[attr-defined]
    HiddenField,
    PasswordField,
    SelectChoice,
    SelectField,
    StringField,
)

from app.web.shell.forms import Form


class AgentIdForm(Form):
    word = "agent"

    ai_agent_id = StringField("Agent ID", description="Of the agent at ElevenLabs that answers.")


class AgentForm(Form):
    word = "agent"

    ai_agent_id = SelectField("Agent", description="Who answers, of the agents at ElevenLabs.")


def agent_choice(agents: Iterable[tuple[str, str]], chosen: str | None) -> AgentForm:
    """Of ids and names. One that was chosen and is not among them stays to be seen."""
    form = AgentForm(formdata=None, ai_agent_id=chosen)
    known = dict(agents)
    if not chosen:
        known = {"": "Choose one"} | known
    elif chosen not in known:
        known = {chosen: f"{chosen}, not at ElevenLabs"} | known
    form.ai_agent_id.choices = [SelectChoice(key, name) for key, name in known.items()]
    return form


class ToolSecretForm(Form):
    your_password = PasswordField("Your password", description="Again, because a secret is shown.")
    version = HiddenField()
