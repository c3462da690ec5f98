"""An organization with a SIP trunk, a voice AI provider, and a number that an agent can answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.core.outbound.client import Outbound
from app.models import AuditEvent, User, VoicePhoneNumber
from app.services.numbers import assignments
from app.services.scope import Scope
from app.services.voice_ai import numbers
from simulators.elevenlabs import ElevenLabs
from simulators.elevenlabs.numbers import RECEPTION
from simulators.sinch_est import NUMBER, SinchEst
from tests.support.cast import Rows

OFF = (False, None, None)
"""A number's row without AI, as `Here.row` returns it."""


def give(scope: Scope, user: User, number: str = NUMBER, provider: str = "sinch") -> VoicePhoneNumber:
    return assignments.assign(scope, {"userId": user.id, "provider": provider, "phoneNumber": number})[0]


@dataclass
class Here:
    """Both are connected, without the trunk's domain, so that every step is taken. Mo has the number."""

    scope: Scope
    cast: Rows
    est: SinchEst
    labs: ElevenLabs
    http: Outbound
    number_id: str

    def on(self, agent: str = RECEPTION, number_id: str | None = None) -> VoicePhoneNumber:
        return numbers.enable(self.scope, self.http, self.cast.mo, number_id or self.number_id, agent)

    def off(self, **more: Any) -> VoicePhoneNumber:
        return numbers.disable(self.scope, self.http, self.cast.mo, self.number_id, **more)

    def rows(self) -> dict[str, tuple[bool, str | None, str | None]]:
        """By user: whether AI is on, the agent, and the provider's id of the number."""
        self.scope.session.expire_all()
        return {
            row.user_id: (row.ai_enabled, row.ai_agent_id, row.ai_phone_number_id)
            for row in self.scope.session.scalars(self.scope.select(VoicePhoneNumber))
        }

    def row(self) -> tuple[bool, str | None, str | None]:
        return self.rows()[self.cast.mo.id]

    def events(self) -> list[tuple[str, str, Any]]:
        condition = AuditEvent.action.like("number.ai%")
        query = self.scope.select(AuditEvent).where(condition).order_by(AuditEvent.id)
        return [(row.action, row.subject, row.changes) for row in self.scope.session.scalars(query)]
