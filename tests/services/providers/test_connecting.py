"""Connecting a provider from its form: what is tested, and what becomes the default."""

from __future__ import annotations

import pytest

from app.core.outbound.client import Outbound
from app.provider import Family
from app.providers import PROVIDERS
from app.services.connections import gateway, proof
from app.services.providers import active, connecting
from simulators.vobiz import Vobiz

VOBIZ = PROVIDERS["vobiz"]


@pytest.fixture
def vobiz():
    with Vobiz() as upstream:
        yield upstream


@pytest.fixture
def connect(acme, vobiz):
    http = Outbound(vobiz.upstreams, deadline=2.0)
    own = {f"vobiz_{name}": vobiz.values[name] for name in ("auth_id", "auth_token")}

    def run(may_test=True, **changed):
        return connecting.connect(acme, http, VOBIZ, own | changed, may_test=may_test)

    return run


def test_connect_tests_new_credentials_once_and_leaves_a_removed_default(acme, vobiz, connect):
    done = connect()
    assert (done.tested.result.ok, done.became_default) == (True, True)
    last = proof.last(acme, VOBIZ)
    assert last
    assert (last.ok, active.active(acme, Family.TELEPHONY)) == (True, "vobiz")
    assert connect().tested is None
    assert connect(vobiz_max_concurrent=7).tested is None, "no credential"
    assert not connect(vobiz_auth_token="sample-and-wrong").tested.result.ok

    connect()
    active.make_active(acme, Family.TELEPHONY, None)
    assert not connect(vobiz_auth_token="sample-and-wrong").became_default
    done = connect()
    assert (done.tested.result.ok, done.became_default) == (True, False)
    assert active.active(acme, Family.TELEPHONY) is None


def test_connect_that_may_not_test_or_has_no_turn_saves_only(acme, vobiz, connect):
    done = connect(may_test=False)
    assert done.changed
    assert (done.tested, done.became_default, vobiz.requests) == (None, False, [])
    for _ in range(gateway.VERIFY.most):
        gateway.consume(acme, VOBIZ, gateway.VERIFY)
    assert connect(vobiz_auth_token="sample-and-other").tested is None
