"""Asking a provider: the one place where what keeps it from answering becomes a refusal of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import structlog

from app.core.errors import Conflict
from app.core.outbound.answer import OutboundError
from app.provider import Outcome, Provider, Refusal, Verified
from app.services.connections import store
from app.services.scope import Scope

log = structlog.get_logger(__name__)

REFUSED = "PROVIDER_REFUSED"
UNREACHABLE = "PROVIDER_UNREACHABLE"

Answered = TypeVar("Answered")


class ProviderCallFailed(Conflict):
    """The provider refused, or gave no answer that can be used. `result` says why, for people."""

    def __init__(self, result: Verified, code: str) -> None:
        super().__init__(result.reason, code=code)
        self.result = result


def credentials(scope: Scope, provider: Provider) -> dict[str, Any]:
    """What is stored, by field name, secrets in the clear. Conflict that names what is missing."""
    state = store.load(scope, provider)
    if not state.is_configured:
        names = ", ".join(field.label for field in state.missing)
        message = f"{provider.label} is not configured. It needs {names}."
        raise Conflict(message, code="PROVIDER_NOT_CONFIGURED")
    return state.credentials


def ask(provider: Provider, call: Callable[[], Answered]) -> Answered:
    """What `call` answers, which talks to the provider; no transaction may be open.

    Raises NotAnswered, with the code that `code_of` has.
    What the provider tells page by page has to be read to its end in the call.
    """
    try:
        return call()
    except Refusal as refusal:
        raise _call_failed(provider, refusal.result) from None
    except OutboundError as error:
        unreachable = Verified(False, Outcome.UNREACHABLE, error.message)
        raise _call_failed(provider, unreachable) from None


def code_of(outcome: str | None) -> str:
    """`PROVIDER_UNREACHABLE` where there was no answer, `PROVIDER_REFUSED` for one of any other kind."""
    return UNREACHABLE if outcome == Outcome.UNREACHABLE else REFUSED


def _call_failed(provider: Provider, result: Verified) -> ProviderCallFailed:
    log.warning("provider.not_answered", provider=provider.key, code=str(result.code))
    return ProviderCallFailed(result, code_of(result.code))
