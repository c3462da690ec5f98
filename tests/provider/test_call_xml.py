"""Reading the XML of a runtime: what it does to a call, and documents that are refused."""

from __future__ import annotations

import pytest

from app.provider import call_xml
from app.provider.webhooks import Effect, Unreadable

CONNECTING = ("Connect", "Dial")
STREAM = '<Response><Connect><Stream url="{}"/></Connect></Response>'
BOMB = "<!DOCTYPE r [{}]><Response>&h;</Response>".format(
    '<!ENTITY a "ha">' + "".join(f'<!ENTITY {new} "{f"&{old};" * 100}">' for old, new in ("ab", "bc", "ch"))
)

READ = {
    "<Response><Say>Hi</Say><Connect/></Response>": (Effect.CONNECTS, ("Say", "Connect")),
    "<Response><Dial>+15551234567</Dial></Response>": (Effect.CONNECTS, ("Dial",)),
    "<?xml version='1.0'?><Response><Say>Hi</Say><Hangup/></Response>": (Effect.SPEAKS, ("Say", "Hangup")),
    "<Response><Reject/><Connect/></Response>": (Effect.REJECTS, ("Reject", "Connect")),
    "<Response><Pause/><Hangup/></Response>": (Effect.REJECTS, ("Pause", "Hangup")),
    "<Response><connect/></Response>": (Effect.SPEAKS, ("connect",)),
    "<Response/>": (Effect.NOTHING, ()),
    "<Response><a1-sk_live_token/></Response>": (Effect.SPEAKS, ("…",)),
}
REFUSED = {
    "": "",
    "{}": "",
    "  <?xml version='1.0'?><Response/>": "",
    "<Response>": "",
    "<Response/><Response/>": "",
    "<html><body/></html>": "html",
    "<sk_live_token/>": "…",
    BOMB: "",
    "<!DOCTYPE Response SYSTEM 'file:///etc/passwd'><Response/>": "",
    "<?xml version='1.0' encoding='no-such'?><Response/>": "",
    "<Response>" + "<a>" * 50 + "</a>" * 50 + "</Response>": "",
    "<Response>" + "<Say/>" * 1000 + "</Response>": "",
}


def test_read_returns_the_effect_and_the_names_of_verbs() -> None:
    wrong = []
    for document, expected in READ.items():
        reading = call_xml.read(document.encode(), CONNECTING)
        if (reading.effect, reading.verbs) != expected:
            wrong.append((document, reading))
    assert wrong == []


def test_read_refuses_what_no_provider_takes() -> None:
    wrong = []
    for document, root in REFUSED.items():
        with pytest.raises(Unreadable) as refused:
            call_xml.read(document.encode(), CONNECTING)
        if refused.value.root != root:
            wrong.append((document[:60], refused.value.root))
    assert wrong == []


def test_read_finds_streams_that_no_provider_can_open() -> None:
    addresses = {
        "wss://agents.example/live": (False, False),
        "wss://agents.example/live?token=1": (False, True),
        "ws://agents.example/live": (True, True),
        "https://agents.example/live": (True, True),
        "wss:///live": (True, True),
        "": (True, True),
    }
    wrong = []
    for address, expected in addresses.items():
        body = STREAM.format(address).encode()
        has_bad_stream = tuple(
            call_xml.read(body, CONNECTING, allows_query=it).has_bad_stream for it in (True, False)
        )
        if has_bad_stream != expected:
            wrong.append((address, has_bad_stream))
    assert wrong == []
    as_text = b"<Response><Dial/><Stream>wss://agents.example/live</Stream></Response>"
    assert not call_xml.read(as_text, CONNECTING).has_bad_stream
