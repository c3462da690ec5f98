"""Who needs two-step sign-in once an installation requires it."""

from __future__ import annotations

from sqlalchemy import update

from app.models import Installation
from app.services.access import two_step_policy
from app.services.installation import keys


def test_is_missing_for_superadmins_without_it_only(acme, cast):
    keys.prepare(acme)
    assert not two_step_policy.is_missing(acme, cast.dana)
    with acme.transaction():
        acme.session.execute(update(Installation).values(superadmins_need_two_step=True))
    people = (cast.dana, cast.mo, cast.gus)
    assert [two_step_policy.is_missing(acme, user) for user in people] == [True, False, True]
