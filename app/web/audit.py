"""Who did what, newest first."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.services import audit as service
from app.services.scope import Scope
from app.web import render
from app.web.guard import Pages, Who

audit = Pages("audit", __name__)


@audit.page("/o/<slug>/audit", who=Who.SUPERADMIN)
def table(scope: Scope) -> ResponseReturnValue:
    text = request.args.get("before", "")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
    events = service.recent(scope, before=before)
    older = events[-1].id if len(events) == service.PAGE else None
    return render.page("audit/table.html", events=events, older=older, is_first=before is None)
