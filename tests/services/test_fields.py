"""Names of agents: one spelling, nothing invisible, and which of them change in a URL."""

from __future__ import annotations

import unicodedata

from app.services import fields

USABLE = ["support", "Front desk", "Zoë", "agent-€", "קו תמיכה", "~a.b_c-d", "लीला", "🙂"]
UNUSABLE = [
    "",
    "a/b",
    "a\\b",
    ".",
    "..",
    "x" * 101,
    " support",
    "support ",
    "sup\u202eport",
    "sup\u2066port\u2069",
    "sup\u200bport",
    "sup\u200dport",
    "sup\u00adport",
    "sup\ufeffport",
    "sup\u2060port",
    "sup\u00a0port",
    "sup\u3000port",
    "sup\u3164port",
    "sup\ufe0fport",
    "sup\u034fport",
    "sup\U000e0041port",
    "sup\ue000port",
    "sup\x7fport",
    "sup\nport",
]


def refusal(name: str) -> str | None:
    try:
        fields.check_agent(name)
    except ValueError as error:
        return str(error)
    return None


def test_check_agent_returns_one_spelling_and_is_safe_agent_knows_urls():
    assert [name for name in USABLE if refusal(name)] == []
    assert [name for name in UNUSABLE if not refusal(name)] == []

    for name in ("Zoë", "Å", "한국"):
        decomposed = unicodedata.normalize("NFD", name)
        assert decomposed != name
        assert fields.check_agent(decomposed) == name

    assert all(map(fields.is_safe_agent, ("support", "A-z_0.9~")))
    assert not any(map(fields.is_safe_agent, ("front desk", "Zoë", "agent-€", "a+b", "a%b", "a!b", "")))
