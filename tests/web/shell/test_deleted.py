"""A row that another request deletes while this one is using it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import delete, event
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from app.extensions import db
from app.models import User
from tests.support.caller import Caller
from tests.support.cast import Cast, issue
from tests.support.pages import Portal


@contextmanager
def deleted_meanwhile(user_id: str) -> Iterator[list[str]]:
    """Deletes the user in a session of its own, when a request that has read it ends its read."""
    done: list[str] = []

    def remove(session: Session) -> None:
        if not done and identity_key(User, user_id) in session.identity_map:
            done.append(user_id)
            with Session(db.engine) as other:
                other.execute(delete(User).where(User.id == user_id))
                other.commit()

    event.listen(db.session, "after_rollback", remove)
    try:
        yield done
    finally:
        event.remove(db.session, "after_rollback", remove)


@pytest.mark.both_databases
def test_row_deleted_by_another_request_is_404(app: Flask, cast: Cast, dana: Portal) -> None:
    api, csrf = Caller(app, issue(app, cast.dana, is_sign_in=True).jwt), {"csrf_token": dana.token()}
    with deleted_meanwhile(cast.mo.id) as done:
        dana.post(f"/o/acme-support/people/{cast.mo.id}/link/cancel", csrf, 404)
        assert done
    with deleted_meanwhile(cast.gus.id) as done:
        answer = api.post(f"/api/organizations/{cast.globex}/users/{cast.gus.id}/password-link", {})
        assert done
    assert (answer.status_code, answer.json["code"]) == (404, "NOT_FOUND")  # type: ignore[index]
