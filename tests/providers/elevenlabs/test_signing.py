"""The inputs are those of ElevenLabs' own tests of their SDK."""

from __future__ import annotations

import pytest

from app.providers.elevenlabs.signing import header, receipt

SECRET = "test_secret"
AT = 1_600_000_000
BODY = b'{"event_type": "speech.completed", "id": "123456"}'
MAC = "f8a0d1dc33ee963cb54d2f31514555995e93313c9d2042c030adbb82b87fae13"
HEADER = f"t={AT},v0={MAC}"
OTHER = "0" * 64


def test_it_is_what_elevenlabs_computes():
    assert header(SECRET, BODY, AT) == HEADER
    assert receipt(SECRET, HEADER, BODY, AT)


@pytest.mark.parametrize(
    "told",
    [
        f"v0={MAC},t={AT}",
        f" t={AT} , v0={MAC} ",
        f"t={AT},v0={OTHER},v0={MAC}",
        f"v1={OTHER},t={AT},v0={MAC},v0=",
        f"t={AT},v0={MAC},",
    ],
)
def test_parts_come_in_any_order_and_it_is_the_same_message(told):
    assert receipt(SECRET, told, BODY, AT) == receipt(SECRET, HEADER, BODY, AT)


@pytest.mark.parametrize(
    "told",
    [
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
    ],
)
def test_anything_else_does_not_fit(told):
    assert receipt(SECRET, told, BODY, AT) is None


@pytest.mark.parametrize("away", [0, 1800, -1800, 1801, -1801])
def test_it_holds_for_half_an_hour_to_both_sides(away):
    assert bool(receipt(SECRET, HEADER, BODY, AT + away)) is (abs(away) <= 1800)


def test_another_secret_or_body_does_not_fit():
    assert receipt("test_secre", HEADER, BODY, AT) is None
    assert receipt(SECRET, HEADER, BODY + b" ", AT) is None
    assert receipt("", HEADER, BODY, AT) is None
