"""The agent runtime of the demonstration, tested as Patchbay tests a webhook."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.outbound.client import Outbound
from app.providers import PROVIDERS
from app.services.endpoints import crud
from app.services.providers import credentials, telephony
from app.services.webhook_tests import runs
from simulators import SIMULATORS
from simulators.demo import MERIDIAN
from simulators.runtime import WORDS, AgentRuntime, Trouble
from tests.support.scopes import OFFLINE

EXPECTED = {
    None: ("refused", "connects"),
    Trouble.OPEN: ("open", "connects"),
    Trouble.OTHER_TOKEN: ("refused", "signature_refused"),
    Trouble.WEB_PAGE: ("html", "html"),
    Trouble.REJECTS: ("refused", "rejects"),
    Trouble.FAULT: ("server_error", "server_error"),
    Trouble.REDIRECT: ("redirects", "redirects"),
    Trouble.CLOSED: ("no_connection", None),
}


@pytest.fixture
def endpoints(acme):
    """An endpoint of each provider whose webhook is answered, with the demonstration's accounts."""
    telephony.update(acme, OFFLINE, {"public_base_url": MERIDIAN.base_url})
    endpoint_ids = {}
    for place, key in enumerate(("twilio", "vobiz", "exotel")):
        typed_names = {field.name for field in PROVIDERS[key].typed_fields} - {"phone_number"}
        values = {n: v for n, v in SIMULATORS[key].demo.credentials.items() if n in typed_names}
        credentials.save(acme, PROVIDERS[key], values)
        payload = {
            "phone_number": f"+1555123456{place}",
            "provider": key,
            "inbound_agent_name": "support-agent",
        }
        endpoint_ids[key] = crud.create(acme, payload).id
    return endpoint_ids


def test_runtime_misbehaves_as_its_buttons_say(acme, endpoints, monkeypatch):
    monkeypatch.setattr(runs, "MOST", 100)
    wrong: list[Any] = []
    with AgentRuntime() as runtime:
        http = Outbound(runtime.upstreams)
        for trouble, (unsigned, signed) in EXPECTED.items():
            runtime.trouble = trouble
            report = runs.run(acme, http, endpoints["twilio"], signed=True)
            result_codes = {str(result.name): str(result.verdict) for result in report.results}
            if (signed is None and result_codes["unsigned"] != unsigned) or (
                signed and (result_codes["unsigned"], result_codes["signed"]) != (unsigned, signed)
            ):
                wrong.append((trouble, result_codes))
        runtime.trouble = None
        for key in ("vobiz", "exotel"):
            report = runs.run(acme, http, endpoints[key], signed=True)
            if report.code != "connects" or not report.is_proof:
                wrong.append((key, report.code))
        assert runtime.started == []
    assert wrong == []
    assert set(WORDS.values()) - set(EXPECTED) == {Trouble.SLOW, Trouble.HANG}
