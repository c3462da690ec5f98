from __future__ import annotations

import pytest

from app.models import RecoveryCode
from app.services.access import recovery_codes


@pytest.fixture
def codes(acme, cast):
    with acme.transaction():
        return recovery_codes.renew(acme, cast.mo)


def _accept(scope, user, code):
    with scope.transaction():
        return recovery_codes.accept(scope, user, code)


def test_codes_are_stored_as_hashes_and_each_is_accepted_once(acme, codes, cast):
    assert len(set(codes)) == recovery_codes.COUNT
    assert len(recovery_codes._ALPHABET) == 32
    assert {len(code.replace("-", "")) for code in codes} == {recovery_codes.LENGTH}
    assert not set(recovery_codes._ALPHABET) & set("ilou")
    stored = {row.code_hash for row in acme.session.query(RecoveryCode)}
    assert len(stored) == recovery_codes.COUNT
    assert not any(code in text or code.replace("-", "") in text for code in codes for text in stored)

    assert not _accept(acme, cast.dana, codes[0])
    assert recovery_codes.filter_valid(acme, cast.dana, codes) == []
    assert recovery_codes.remaining(acme, cast.dana) == 0
    assert _accept(acme, cast.mo, codes[0])
    assert not _accept(acme, cast.mo, codes[0])
    assert _accept(acme, cast.mo, codes[1])
    assert recovery_codes.remaining(acme, cast.mo) == recovery_codes.COUNT - 2
    with pytest.raises(RuntimeError):
        recovery_codes.renew(acme, cast.mo)
    with acme.transaction():
        fresh = recovery_codes.renew(acme, cast.mo)
    assert not _accept(acme, cast.mo, codes[2])
    assert recovery_codes.filter_valid(acme, cast.mo, codes + fresh) == fresh

    for code, typed in zip(
        fresh,
        (
            str.upper,
            lambda code: f" {code.replace('-', ' ')} ",
            lambda code: code.replace("0", "o").replace("1", "l"),
        ),
        strict=False,
    ):
        assert _accept(acme, cast.mo, typed(code))

    malformed = ("", "0", "000000", "0" * 15, "0" * 17, "é" * 16, "x" * 100_000)
    assert [code[:20] for code in malformed if _accept(acme, cast.mo, code)] == []


@pytest.mark.both_databases
def test_accept_of_one_code_concurrently_succeeds_once(scopes, acme, cast, codes):
    def accept(scope):
        return _accept(scope, scope.session.get_one(type(cast.mo), cast.mo.id), codes[0])

    assert sorted(scopes.in_parallel(*[("dana", accept)] * 6)) == [False] * 5 + [True]
