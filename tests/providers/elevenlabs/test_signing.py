"""The inputs are those of ElevenLabs' own tests of their SDK."""

from __future__ import annotations

from app.providers.elevenlabs.signing import header, receipt

SECRET = "test_secret"
AT = 1_600_000_000
BODY = b'{"event_type": "speech.completed", "id": "123456"}'
MAC = "f8a0d1dc33ee963cb54d2f31514555995e93313c9d2042c030adbb82b87fae13"
HEADER = f"t={AT},v0={MAC}"
OTHER = "0" * 64


def test_receipt_accepts_the_documented_header_only_and_for_half_an_hour(subtests):
    assert header(SECRET, BODY, AT) == HEADER
    assert receipt(SECRET, HEADER, BODY, AT)

    for reported in [
        f"v0={MAC},t={AT}",
        f" t={AT} , v0={MAC} ",
        f"t={AT},v0={OTHER},v0={MAC}",
        f"v1={OTHER},t={AT},v0={MAC},v0=",
        f"t={AT},v0={MAC},",
    ]:
        with subtests.test(reported=reported):
            assert receipt(SECRET, reported, BODY, AT) == receipt(SECRET, HEADER, BODY, AT)

    for away in [0, 1800, -1800, 1801, -1801]:
        with subtests.test(away=away):
            assert bool(receipt(SECRET, HEADER, BODY, AT + away)) is (abs(away) <= 1800)

    for reported in [
        "",
        "t",
        f"t={AT}",
        f"v0={MAC}",
        f"t={AT},v0=",
        f"t={AT},v0={OTHER}",
        f"t={AT},v0={MAC[:-1]}",
        f"t={AT},v0={MAC}0",
        f"t={AT},v0={MAC.upper()}",
        f"t={AT},v1={MAC}",
        f"t={AT + 1},v0={MAC}",
        f"t={AT},t={AT},v0={MAC}",
        f"t=0{AT},v0={MAC}",
        f"t=+{AT},v0={MAC}",
        f"t=-{AT},v0={MAC}",
        f"t={AT}.0,v0={MAC}",
        f"t=,v0={MAC}",
        f"t={'9' * 400},v0={MAC}",
        f"t=١٦٠٠٠٠٠٠٠٠,v0={MAC}",
        f"t={AT};v0={MAC}",
        f"v0={MAC},{',' * 3000}t={AT}",
        "\x00\xff=,=,,",
    ]:
        with subtests.test(reported=reported):
            assert receipt(SECRET, reported, BODY, AT) is None

    assert receipt("test_secre", HEADER, BODY, AT) is None
    assert receipt(SECRET, HEADER, BODY + b" ", AT) is None
    assert receipt("", HEADER, BODY, AT) is None
