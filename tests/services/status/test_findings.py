"""What has to be done in an organization: one case for each kind of finding."""

from __future__ import annotations

from collections import Counter

from app.core import clock
from app.models import CheckRun, DriftCheck, Secret, WebhookSetup
from app.provider import Family
from app.provider.numbers import ProviderNumber, Reason
from app.providers import PROVIDERS
from app.services.connections import store
from app.services.drift.verdicts import ProbeResult
from app.services.endpoints import crud
from app.services.numbers import assignments
from app.services.organizations import directory
from app.services.providers import active, credentials, history
from app.services.status import facts, findings
from app.services.status.findings import Kind, Level
from app.services.status.places import Place
from tests.support.scopes import OFFLINE
from tests.support.statuses import (
    BASE,
    TWILIO,
    TWILIO_VALUES,
    clear,
    drifted,
    edit,
    in_sync,
    save_result,
    save_test,
)

EXOTEL = PROVIDERS["exotel"]
EXOTEL_VALUES = {
    "account_sid": "example1",
    "api_key": "sample-key-of-exotel",
    "api_token": "sample-token-of-exotel",
}


def _findings(scope):
    every = facts.load(scope, "")
    own = next(each for each in every if each.organization.id == scope.organization.id)
    return findings.of(own)


def _kinds(scope):
    return [finding.kind for finding in _findings(scope)]


def test_of_a_new_organization_a_live_one_and_one_with_a_drifted_dialer(live, globex, cast):
    assert [(finding.kind, finding.place) for finding in _findings(globex)] == [
        (Kind.NO_BASE_URL, Place.SETTINGS),
        (Kind.NO_PROVIDER, Place.HOME),
    ]
    assert _findings(live) == []
    save_result(live, ProbeResult(trouble=Reason.NOT_SHOWN))
    assert _findings(live) == []

    sinch, number = PROVIDERS["sinch"], "+15557654321"
    values = {"application_key": "sample-key", "application_secret": "sample-secret-of-sinch"}
    credentials.save(live, sinch, values)
    with live.transaction():
        store.row_for(live, sinch).callback_url = "https://calls.example.com/sinch"
    assignments.assign(live, {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": number})
    wrong = ProbeResult(ProviderNumber(number, webhook_url="https://old.example/x"))
    save_result(live, wrong, number, "sinch")
    (finding,) = _findings(live)
    assert (finding.kind, finding.place, finding.provider, finding.count) == (
        Kind.DIALER_DRIFTED,
        Place.CALLBACK,
        "sinch",
        1,
    )


def test_of_drift_comes_first_and_counts_since_the_first_number(live):
    crud.create(live, {"phone_number": "+15551234568", "provider": "twilio", "inbound_agent_name": "a"})
    save_result(live, drifted())
    save_result(live, drifted("+15551234568"), "+15551234568")
    directory.update(live, OFFLINE, {"public_base_url": None})
    finding, *rest = _findings(live)
    assert (finding.kind, finding.place, finding.count) == (Kind.NO_BASE_URL, Place.SETTINGS, 2)
    assert finding.level is Level.BROKEN, "numbers are not answered"
    directory.update(live, OFFLINE, {"public_base_url": BASE})
    save_result(live, drifted())
    save_result(live, drifted("+15551234568"), "+15551234568")
    with live.transaction():
        one = live.session.scalars(live.select(DriftCheck).order_by(DriftCheck.phone_number)).first()
        one.since = first = clock.now().replace(year=2020)
    credentials.save(live, TWILIO, {"auth_token": "sample-and-new"})
    finding, *rest = _findings(live)
    assert (finding.kind, finding.place, finding.count) == (Kind.DRIFTED, Place.DRIFTED, 2)
    assert finding.since == first
    assert [finding.kind for finding in rest] == [Kind.UNTESTED]


def test_of_a_connection_follows_its_test_and_its_values(live):
    save_test(live, ok=False)
    (finding,) = _findings(live)
    assert (finding.kind, finding.place, finding.provider) == (Kind.TEST_FAILED, Place.PROVIDER, "twilio")
    assert finding.since
    credentials.save(live, TWILIO, {"auth_token": "sample-and-new"})
    assert _kinds(live) == [Kind.UNTESTED]
    with live.transaction():
        live.session.scalar(live.select(Secret)).key_fingerprint = "of another key"
    assert Kind.INCOMPLETE in _kinds(live)
    credentials.save(live, TWILIO, TWILIO_VALUES)
    save_test(live)
    save_result(live, in_sync())

    for number in ("+918047112345", "+918047112346"):
        crud.create(live, {"phone_number": number, "provider": "exotel"})
    (finding,) = _findings(live)
    assert (finding.kind, finding.provider, finding.count) == (Kind.NOT_CONNECTED, "exotel", 2)
    credentials.save(live, EXOTEL, EXOTEL_VALUES)
    assert _kinds(live) == [Kind.UNTESTED]
    save_test(live, EXOTEL, ok=False)
    assert _kinds(live) == [Kind.TEST_FAILED]
    credentials.save(live, EXOTEL, {}, enabled=False)
    assert _kinds(live) == [Kind.DISABLED]


def test_of_changed_numbers_is_unchecked_until_their_next_check(live):
    edit(live, inbound_agent_name="another")
    assert [(finding.kind, finding.count) for finding in _findings(live)] == [(Kind.UNCHECKED, 1)]
    edit(live, inbound_agent_name="support")
    save_result(live, in_sync())
    with live.transaction():
        now = clock.now()
        run = {"leased_until": now, "finished_at": now, "failure": "Twilio has trouble."}
        live.session.add(CheckRun(organization_id=live.organization.id, provider="twilio", **run))
    assert _kinds(live) == [Kind.CHECK_FAILED]

    clear(live, "auth_token")
    assert Kind.INCOMPLETE in _kinds(live)


def test_of_no_default_provider_and_of_a_failed_call_webhook(live):
    active.make_active(live, Family.TELEPHONY, None)
    (finding,) = _findings(live)
    assert (finding.kind, finding.place, finding.provider) == (Kind.NO_PROVIDER, Place.PROVIDER, "twilio")
    assert finding.since == history.history(live, TWILIO)[0].created_at
    active.make_active(live, Family.TELEPHONY, "twilio")

    with live.transaction():
        live.session.scalar(live.select(WebhookSetup)).state = "failed"
    assert _findings(live) == []
    credentials.save(live, PROVIDERS["elevenlabs"], {"api_key": "sample-key-of-elevenlabs"})
    assert _kinds(live) == [Kind.NO_WEBHOOK]
    with live.transaction():
        live.session.scalar(live.select(WebhookSetup)).state = "impaired"
    assert _kinds(live) == [Kind.WEBHOOK_IMPAIRED]


def test_every_kind_has_a_label_and_a_level(live):
    assert Counter(kind.level for kind in Kind).keys() == {Level.UNSURE, Level.MISSING, Level.BROKEN}
    for kind in Kind:
        finding = findings.Finding(kind, Place.PROVIDER, "twilio", count=1)
        words = (finding.text, finding.hint, finding.action)
        assert all(words)
        assert "{" not in "".join(words)
