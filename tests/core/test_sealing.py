from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from cryptography.fernet import Fernet

from app.core import sealing
from app.core.sealing import Place, SealBroken, Sealer

PLACE = Place("organization-1", "twilio", "auth_token")
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_seal_differs_each_time_and_opens_with_any_of_its_keys(subtests):
    for secret in ["sample-token", "x", "ключ", "🔑" * 500, '"\\', "a" * 500]:
        with subtests.test(secret=secret):
            sealer = Sealer([NEW])
            assert sealer.open(sealer.seal(secret, PLACE), PLACE) == secret

    assert len(Sealer([NEW]).seal("🔑" * 500, PLACE)) <= 4000

    sealer = Sealer([NEW])
    assert sealer.seal("sample-token", PLACE) != sealer.seal("sample-token", PLACE)

    by_old = Sealer([OLD]).seal("sample-token", PLACE)
    both = Sealer([NEW, OLD])
    assert both.open(by_old, PLACE) == "sample-token"
    assert not both.is_current(by_old)

    again = both.seal("sample-token", PLACE)
    assert both.is_current(again)
    assert Sealer([NEW]).open(again, PLACE) == "sample-token"
    with pytest.raises(SealBroken):
        Sealer([OLD]).open(again, PLACE)


def test_open_rejects_every_token_but_its_own(subtests):
    for part in ["organization_id", "provider", "field"]:
        with subtests.test(part=part):
            sealer = Sealer([NEW])
            token = sealer.seal("sample-token", PLACE)
            with pytest.raises(SealBroken, match="another place"):
                sealer.open(token, replace(PLACE, **{part: "elsewhere"}))

    sealer = Sealer([NEW])
    raw = base64.urlsafe_b64decode(sealer.seal("sample-token", PLACE))
    for position in range(len(raw)):
        flipped = bytes(b ^ (i == position) for i, b in enumerate(raw))
        with pytest.raises(SealBroken):
            sealer.open(base64.urlsafe_b64encode(flipped).decode(), PLACE)

    for token in ["", "junk", "gAAAA", "\N{KEY}"]:
        with subtests.test(token=token), pytest.raises(SealBroken):
            Sealer([NEW]).open(token, PLACE)


def test_fingerprints_and_hints_reveal_little_and_patterns_are_no_keys(subtests):
    sealer = Sealer([NEW, OLD])
    assert sealer.fingerprints == (sealing.fingerprint(NEW), sealing.fingerprint(OLD))
    assert sealer.current == sealing.fingerprint(NEW) != sealing.fingerprint(OLD)
    assert len(sealer.current) == 16
    assert sealer.current not in NEW

    for secret, hint in [
        ("0123456789abcdef", "cdef"),
        ("0123456789abcde", ""),
        ("", ""),
        ("a" * 20 + "wxyz", "wxyz"),
    ]:
        with subtests.test(secret=secret, hint=hint):
            assert sealing.hint(secret) == hint

    for key in ["", "short", "A" * 44, base64.urlsafe_b64encode(b"0123" * 8).decode(), "ключ" * 11]:
        with subtests.test(key=key):
            assert not sealing.is_fernet_key(key)

    assert sealing.is_fernet_key(NEW)
    assert not sealing.is_fernet_key(NEW[:-4])
