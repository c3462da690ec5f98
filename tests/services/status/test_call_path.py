"""Looking up a number: its paths, its dialers, and the account that has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.errors import Invalid, TooMany
from app.models import VoicePhoneNumber
from app.provider import Family
from app.provider.numbers import ProviderNumber
from app.providers import PROVIDERS
from app.services.connections import gateway, store
from app.services.drift import queue
from app.services.drift.verdicts import ProbeResult
from app.services.numbers import assignments
from app.services.providers import active, credentials
from app.services.status import call_path
from app.services.status.hops import HopState
from simulators.base import Trouble
from tests.support import statuses
from tests.support.accounts import typed
from tests.support.scopes import open_during_requests
from tests.support.statuses import NUMBER, OLD_URL, TWILIO, URL

SINCH = PROVIDERS["sinch"]


@pytest.fixture
def live(acme, twilio):
    """A live organization whose credentials the simulator accepts."""
    statuses.go_live(acme, typed("twilio", twilio.values))
    return acme


def test_find_reads_any_format_and_lists_the_dialers_of_a_number(live, globex, cast):
    for text in (NUMBER, "555-123-4567", "(555) 123 4567", " 15551234567", "+1.555.123.4567"):
        assert call_path.find(live, text).number == NUMBER, text
    for text in ("", "12", "unknown", "+1555123456789012345"):
        with pytest.raises(Invalid) as refused:
            call_path.find(live, text)
        assert [problem.field for problem in refused.value.problems] == ["phone_number"], text

    answer = call_path.find(live, "+15557654321")
    assert (answer.is_known, answer.is_elsewhere, answer.paths) == (False, False, {})
    there = call_path.find(globex, NUMBER)
    assert (there.is_known, there.is_elsewhere) == (False, True)

    values = {"application_key": "sample-key", "application_secret": "sample-secret-of-sinch"}
    credentials.save(live, SINCH, values)
    number = "+15557654321"
    assignments.assign(live, {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": number})
    (dialer,) = call_path.find(live, number).dialers
    assert (dialer.user.name, dialer.number.is_default, dialer.is_live) == ("Mo", True, False)
    assert dialer.check is None
    active.make_active(live, Family.VOICE, "sinch")
    with live.transaction():
        store.row_for(live, SINCH).callback_url = "https://calls.example.com/sinch"
        queue.mark_due(live)
        queue.save_results(live, "sinch", {number: ProbeResult(ProviderNumber(number, webhook_url=OLD_URL))})
    answer = call_path.find(live, number)
    (dialer,) = answer.dialers
    assert (answer.is_known, dialer.is_live) == (True, True)
    assert dialer.check
    assert dialer.check.in_sync is False
    with live.transaction():
        live.session.scalar(live.select(VoicePhoneNumber)).ai_enabled = True
        live.session.flush()
        queue.mark_due(live)
    (dialer,) = call_path.find(live, number).dialers
    assert dialer.check
    assert (dialer.check.provider, dialer.check.due) == ("sinch_est", True)


def test_find_with_http_and_owners_show_what_the_provider_has(live, twilio, http, monkeypatch):
    twilio.numbers[NUMBER].voice_url = OLD_URL
    path = call_path.find(live, NUMBER, http=http).paths["inbound"]
    hop = path.hop("at_provider")
    assert (path.problem, hop.state, hop.text) == (hop, HopState.DRIFTED, OLD_URL)
    twilio.numbers[NUMBER].voice_url = URL
    path = call_path.find(live, NUMBER, http=http).paths["inbound"]
    assert (path.problem, path.hop("at_provider").state) == (None, HopState.IN_SYNC)
    twilio.trouble = Trouble.FAULT
    path = call_path.find(live, NUMBER, http=http).paths["inbound"]
    hop = path.hop("at_provider")
    assert (path.problem, hop.state) == (hop, HopState.NO_RESPONSE)
    assert hop.problem

    twilio.trouble = None
    in_transaction = open_during_requests(live, monkeypatch)
    call_path.find(live, NUMBER, http=http)
    call_path.owners(live, http, "+15557654321")
    assert in_transaction == [False] * 4
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "OBSERVE", replace(gateway.OBSERVE, most=1))
        with pytest.raises(TooMany):
            call_path.find(live, NUMBER, http=http)

    twilio.add("+15557654321")
    owners = call_path.owners(live, http, "+15557654321")
    assert ([one.key for one in owners.providers], owners.silent) == (["twilio"], [])
    assert call_path.owners(live, http, "+15550000000").providers == []
    twilio.trouble = Trouble.FAULT
    owners = call_path.owners(live, http, "+15557654321")
    assert (owners.providers, [one.key for one in owners.silent]) == ([], ["twilio"])

    credentials.save(live, TWILIO, {}, enabled=False)
    before = len(twilio.requests)
    assert call_path.owners(live, http, NUMBER).providers == []
    assert len(twilio.requests) == before
