"""What proves a connection: any response to its stored credentials, until a credential changes."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.core import clock
from app.models import Check
from app.provider import Outcome, Refusal, Verified, refused
from app.providers import PROVIDERS
from app.services.connections import gateway, proof, verification
from app.services.connections.gateway import ProviderCallFailed
from app.services.connections.proof import Evidence
from app.services.numbers import inventory
from app.services.providers import credentials
from simulators.base import Trouble

pytestmark = pytest.mark.usefixtures("connected")

TWILIO: Any = PROVIDERS["twilio"]


def state(scope):
    check = proof.last(scope, TWILIO)
    return check and (check.ok, check.code, check.evidence)


def store(scope, code, evidence=Evidence.TEST, *, ok=False):
    """Makes this the last proof."""
    with scope.transaction():
        proof.remove(scope, TWILIO)
        proof.record(scope, TWILIO, evidence, Verified(ok, code, "Look there."))


def call(scope, http, operation, evidence=Evidence.NUMBERS):
    return gateway.call(scope, http, gateway.configured(scope, TWILIO), operation, evidence=evidence)


def refuses(code):
    def operation(*_args):
        raise Refusal(refused(code, "Look there."))

    return operation


def test_list_of_numbers_ends_a_refusal_but_not_what_a_test_concluded(acme, twilio, http):
    """A suspended account still lists its numbers."""
    twilio.status, twilio.hides_status = "suspended", True
    with pytest.raises(ProviderCallFailed):
        inventory.list_owned(acme, http, TWILIO)
    assert state(acme) == (False, Outcome.BAD_CREDENTIALS, Evidence.NUMBERS)
    twilio.status, twilio.hides_status = "active", False
    inventory.list_owned(acme, http, TWILIO)
    assert state(acme) == (True, Outcome.OK, Evidence.NUMBERS)

    with pytest.raises(ProviderCallFailed):
        call(acme, http, refuses(Outcome.NO_PERMISSION))
    assert state(acme) == (False, Outcome.NO_PERMISSION, Evidence.NUMBERS)
    with pytest.raises(ProviderCallFailed):
        call(acme, http, refuses(Outcome.NOT_FOUND))
    assert state(acme)[1] == Outcome.NO_PERMISSION

    twilio.status = "suspended"
    verification.verify(acme, http, TWILIO, {})
    inventory.list_owned(acme, http, TWILIO)
    assert state(acme) == (False, Outcome.SUSPENDED, Evidence.TEST)
    with acme.transaction():
        assert not proof.record(acme, TWILIO, Evidence.NUMBERS, None)
    assert state(acme) == (False, Outcome.SUSPENDED, Evidence.TEST), "a test that ended meanwhile counts"
    twilio.status = "active"
    verification.verify(acme, http, TWILIO, {})
    assert state(acme) == (True, Outcome.OK, Evidence.TEST)


def test_other_values_an_unsent_call_and_an_outage_prove_nothing(acme, twilio, http):
    assert call(acme, http, lambda *_: "known already") == "known already"
    verification.verify(acme, http, TWILIO, {"twilio_auth_token": "sample-and-wrong"})
    assert state(acme) is None

    def replaced_meanwhile(client, values):
        numbers = list(TWILIO.numbers(client, values))
        credentials.save(acme, TWILIO, {"auth_token": "sample-and-new"})
        return numbers

    call(acme, http, replaced_meanwhile)
    assert state(acme) is None

    wrong = []
    for before in [None, (True, Outcome.OK), (False, Outcome.BAD_CREDENTIALS)]:
        if before:
            store(acme, before[1], ok=before[0])
        was = state(acme)
        for twilio.trouble in (Trouble.FAULT, Trouble.RATE_LIMITED, Trouble.HTML, Trouble.ODD):
            with pytest.raises(ProviderCallFailed):
                inventory.list_owned(acme, http, TWILIO)
            verification.verify(acme, http, TWILIO, {})
            if state(acme) != was:
                wrong.append((before, twilio.trouble, state(acme)))
    assert wrong == []


def test_success_or_refusal_changes_what_it_disproves(acme, twilio, http):
    """A test that failed for another value, or another permission, stands."""
    cases = [
        (Outcome.BAD_CREDENTIALS, Evidence.TEST, Outcome.OK),
        (Outcome.SUSPENDED, Evidence.NUMBER, Outcome.OK),
        (Outcome.SUSPENDED, Evidence.TEST, Outcome.SUSPENDED),
        (Outcome.WRONG_ACCOUNT, Evidence.TEST, Outcome.WRONG_ACCOUNT),
        (Outcome.TEST_CREDENTIALS, Evidence.TEST, Outcome.OK),
        (Outcome.NO_PERMISSION, Evidence.NUMBERS, Outcome.OK),
        (Outcome.NO_PERMISSION, Evidence.TEST, Outcome.NO_PERMISSION),
        (Outcome.NO_CREDIT, Evidence.NUMBERS, Outcome.OK),
        (Outcome.NO_CREDIT, Evidence.TEST, Outcome.NO_CREDIT),
        (Outcome.NOT_FOUND, Evidence.TEST, Outcome.NOT_FOUND),
    ]
    wrong: list[object] = []
    for code, evidence, expected in cases:
        store(acme, code, evidence)
        inventory.list_owned(acme, http, TWILIO)
        if state(acme)[1] != expected:
            wrong.append((code, evidence, state(acme)))
    store(acme, Outcome.NOT_PROVEN, ok=True)
    inventory.list_owned(acme, http, TWILIO)
    assert state(acme) == (True, Outcome.NOT_PROVEN, Evidence.TEST), "what a test could not prove stays so"
    assert wrong == []

    refusals = [
        (Outcome.SUSPENDED, Outcome.BAD_CREDENTIALS, Evidence.NUMBERS, Outcome.SUSPENDED),
        (Outcome.WRONG_ACCOUNT, Outcome.BAD_CREDENTIALS, Evidence.NUMBER, Outcome.WRONG_ACCOUNT),
        (Outcome.TEST_CREDENTIALS, Outcome.BAD_CREDENTIALS, Evidence.NUMBERS, Outcome.TEST_CREDENTIALS),
        (Outcome.SUSPENDED, Outcome.TEST_CREDENTIALS, Evidence.NUMBERS, Outcome.TEST_CREDENTIALS),
        (Outcome.SUSPENDED, Outcome.BAD_CREDENTIALS, Evidence.TEST, Outcome.BAD_CREDENTIALS),
        (Outcome.NO_PERMISSION, Outcome.BAD_CREDENTIALS, Evidence.NUMBERS, Outcome.BAD_CREDENTIALS),
        (Outcome.NO_PERMISSION, Outcome.SUSPENDED, Evidence.NUMBERS, Outcome.NO_PERMISSION),
        (Outcome.NO_PERMISSION, Outcome.SUSPENDED, Evidence.TEST, Outcome.SUSPENDED),
    ]
    for stored, code, evidence, expected in refusals:
        store(acme, stored)
        with suppress(ProviderCallFailed):
            call(acme, http, refuses(code), evidence)
        current_state = state(acme)
        if current_state[1] != expected:
            wrong.append((stored, code, evidence, current_state))
    store(acme, Outcome.OK, ok=True)
    with suppress(ProviderCallFailed):
        call(acme, http, refuses(Outcome.BAD_CREDENTIALS))
    assert state(acme)[:2] == (False, Outcome.BAD_CREDENTIALS)
    assert wrong == []


def test_success_moves_the_time_once_a_minute(acme, twilio, http):
    earlier = clock.now() - 2 * proof.FRESH
    store(acme, Outcome.OK, ok=True)
    with acme.transaction():
        acme.session.execute(update(Check).values(checked_at=earlier))
    times = []
    for _ in range(2):
        inventory.list_owned(acme, http, TWILIO)
        times += acme.session.scalars(select(Check.checked_at))
    assert times[0] == times[1] > earlier + timedelta(seconds=60)


def test_only_a_changed_credential_voids_a_proof(acme, twilio):
    """Another value of what a test includes leaves the rest proven."""
    sid, ok, bad = "AP" + "0" * 32, (True, "ok"), (False, "bad_credentials")
    cases = [
        (ok, {"max_concurrent": 3}, ok),
        (ok, {"auth_token": twilio.values["auth_token"]}, ok),
        (ok, {"twiml_app_sid": sid}, (True, "not_proven")),
        (ok, {"auth_token": "sample-and-new"}, None),
        (ok, {"account_sid": "AC" + "1" * 32}, None),
        (bad, {"twiml_app_sid": sid}, bad),
        (bad, {"max_concurrent": 4}, bad),
        ((False, "not_found"), {"twiml_app_sid": sid}, None),
    ]
    wrong = []
    for (was_ok, code), changes, expected in cases:
        credentials.save(acme, TWILIO, {**twilio.values, "twiml_app_sid": None})
        store(acme, code, ok=was_ok)
        credentials.save(acme, TWILIO, changes)
        current_state = state(acme)
        if (current_state and current_state[:2]) != expected:
            wrong.append((code, changes, current_state))
    credentials.disconnect(acme, TWILIO)
    assert acme.session.scalars(acme.select(Check)).all() == []
    assert wrong == []
