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
from app.web.voice_ai import messages


class AgentIdForm(Form):
    word = "agent"

    ai_agent_id = StringField("Agent ID", description="The provider's ID of the agent that answers.")


class AgentForm(Form):
    word = "agent"

    ai_agent_id = SelectField("Agent", description="The agent that answers.")


def agent_choice(agents: Iterable[tuple[str, str]], chosen: str | None, label: str) -> AgentForm:
    """Returns a choice of agents by id and name.

    A stored agent that the provider does not list is included.
    """
    form = AgentForm(formdata=None, ai_agent_id=chosen)
    choices = dict(agents)
    if not chosen:
        choices = {"": messages.CHOOSE_ONE} | choices
    elif chosen not in choices:
        choices = {chosen: messages.not_at_provider(chosen, label)} | choices
    form.ai_agent_id.choices = [SelectChoice(key, name) for key, name in choices.items()]
    return form


class ToolSecretForm(Form):
    your_password = PasswordField("Your password", description="Required because a secret is shown.")
    version = HiddenField()
