"""What keeps a provider from answering is told in one way."""

from __future__ import annotations

import pytest

from app.core.errors import Conflict
from app.core.outbound.answer import OutboundError
from app.provider import Outcome, Refusal, refused
from app.providers import PROVIDERS
from app.services.connections import gateway
from app.services.connections.gateway import ProviderCallFailed
from app.services.providers import credentials

VOBIZ = PROVIDERS["vobiz"]
UNREACHABLE = OutboundError("timeout", "api.vobiz.ai did not answer in time.")
REFUSED = Refusal(refused(Outcome.BAD_CREDENTIALS, "Vobiz does not know this Auth Token."))


@pytest.mark.parametrize(
    ("error", "code", "outcome", "sentence"),
    [
        (REFUSED, "PROVIDER_REFUSED", Outcome.BAD_CREDENTIALS, "Vobiz does not know this Auth Token."),
        (
            UNREACHABLE,
            "PROVIDER_UNREACHABLE",
            Outcome.UNREACHABLE,
            "api.vobiz.ai did not answer in time.",
        ),
    ],
)
def test_a_call_that_is_not_answered_is_a_conflict(error, code, outcome, sentence):
    def call() -> None:
        raise error

    with pytest.raises(ProviderCallFailed) as told:
        gateway.ask(VOBIZ, call)
    assert (told.value.status, told.value.code, told.value.message) == (409, code, sentence)
    assert told.value.result.code == outcome
    assert told.value.__cause__ is None


def test_what_is_answered_is_handed_on():
    assert gateway.ask(VOBIZ, lambda: [1, 2]) == [1, 2]


def test_a_fault_of_ours_stays_one():
    with pytest.raises(ZeroDivisionError):
        gateway.ask(VOBIZ, lambda: 1 / 0)


def test_the_stored_values_are_all_there_or_what_is_missing_is_named(acme):
    with pytest.raises(Conflict, match="It needs Auth ID, Auth token") as told:
        gateway.credentials(acme, VOBIZ)
    assert told.value.code == "PROVIDER_NOT_CONFIGURED"
    credentials.save(acme, VOBIZ, {"auth_id": "MA_MADEUP01", "auth_token": "made-up-token"})
    values = gateway.credentials(acme, VOBIZ)
    assert (values["auth_id"], values["auth_token"]) == ("MA_MADEUP01", "made-up-token")
    assert set(values) == {field.name for field in VOBIZ.fields}
