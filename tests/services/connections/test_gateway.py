"""What every call to a provider has: quota, deadline, stored credentials, and one kind of failure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.errors import Conflict, TooMany
from app.core.outbound import messages as outbound_messages
from app.core.outbound.answer import OutboundError
from app.core.outbound.client import Outbound
from app.provider import Outcome, Refusal, refused
from app.providers import PROVIDERS
from app.services.connections import gateway
from app.services.connections.gateway import ProviderCallFailed
from app.services.connections.proof import Evidence
from app.services.providers import credentials

VOBIZ = PROVIDERS["vobiz"]
VALUES = {"auth_id": "MA_SAMPLE01", "auth_token": "sample-token"}
FAILURES = [
    (
        Refusal(refused(Outcome.BAD_CREDENTIALS, "Check the Auth token.")),
        409,
        (gateway.REFUSED, Outcome.BAD_CREDENTIALS, "Check the Auth token."),
    ),
    (
        OutboundError("timeout", outbound_messages.timed_out("api.vobiz.ai")),
        409,
        (gateway.UNREACHABLE, Outcome.UNREACHABLE, outbound_messages.timed_out("api.vobiz.ai")),
    ),
    (
        OutboundError("busy", "api.vobiz.ai was not called."),
        503,
        (gateway.BUSY, Outcome.BUSY, "api.vobiz.ai was not called."),
    ),
]


def fails(error):
    def operation(*_args):
        raise error

    return operation


def connected(scope):
    credentials.save(scope, VOBIZ, VALUES)
    return gateway.configured(scope, VOBIZ)


def call(scope, operation, **options):
    connection = gateway.configured(scope, VOBIZ)
    return gateway.call(scope, Outbound(), connection, operation, evidence=Evidence.NUMBERS, **options)


def test_call_needs_every_value_holds_no_transaction_and_says_what_failed(acme):
    with pytest.raises(Conflict) as missing:
        gateway.configured(acme, VOBIZ)
    assert missing.value.code == gateway.NOT_CONFIGURED
    assert all(field.label in missing.value.message for field in VOBIZ.required)
    credentials.save(acme, VOBIZ, VALUES)
    values = gateway.configured(acme, VOBIZ).credentials
    assert VALUES.items() <= values.items()
    assert set(values) == {field.name for field in VOBIZ.fields}

    assert acme.session.in_transaction()

    def operation(_client, values):
        return acme.session.in_transaction(), values["auth_token"]

    assert call(acme, operation) == (False, VALUES["auth_token"])
    assert call(acme, operation, values={"auth_token": "typed"}) == (False, "typed")

    for error, status, expected in FAILURES:
        with pytest.raises(ProviderCallFailed) as failed:
            call(acme, fails(error))
        conflict = failed.value
        assert (conflict.code, conflict.result.code, conflict.message) == expected
        assert conflict.status == status
        assert conflict.__cause__ is None

    assert call(acme, lambda *_: [1, 2]) == [1, 2]
    with pytest.raises(ZeroDivisionError):
        call(acme, lambda *_: 1 / 0)


def test_call_counts_against_its_quota_and_shares_its_seconds(acme):
    credentials.save(acme, VOBIZ, VALUES)
    connection = gateway.configured(acme, VOBIZ)
    quota = replace(gateway.VERIFY, most=1, seconds=0)

    def operation(client, _values):
        return client.send("GET", "https://api.vobiz.ai/")

    away = Outbound({"api.vobiz.ai": "http://127.0.0.1:9"})
    with pytest.raises(ProviderCallFailed) as failed:
        gateway.call(acme, away, connection, operation, evidence=Evidence.NUMBERS, quota=quota)
    assert failed.value.code == gateway.UNREACHABLE
    with pytest.raises(TooMany):
        call(acme, operation, quota=quota)
    assert call(acme, lambda *_: "another purpose", quota=gateway.OBSERVE)
