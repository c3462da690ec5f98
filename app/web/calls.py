"""The calls that the voice AI reported, newest first."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import request
from flask.typing import ResponseReturnValue

from app.services import calls as services_calls
from app.services import workspace_webhook
from app.services.scope import Scope
from app.services.workspace_webhook import State as WebhookState
from app.web import render
from app.web.guard import Pages, Who

calls = Pages("calls", __name__)

TONES = {"success": "ok", "failure": "bad", "busy": "warn", "no-answer": "warn"}
OUTCOMES = {
    "success": "Success",
    "failure": "Failure",
    "unknown": "Unknown",
    "busy": "Busy",
    "no-answer": "No answer",
}


@calls.page("/o/<slug>/calls", who=Who.SUPERADMIN)
def table(scope: Scope) -> ResponseReturnValue:
    text = request.args.get("q", "").strip()[:100]
    before = request.args.get("before") or None
    page = services_calls.page(scope, text, before=before)
    return render.page(
        "calls/table.html",
        rows=page.rows,
        older=urlencode({"q": text, "before": page.older}) if page.older else None,
        text=text,
        is_first=before is None,
        tones=TONES,
        outcomes=OUTCOMES,
        ours=services_calls.endpoints_of(scope, page.rows),
        reports=not page.rows and workspace_webhook.status(scope).state is WebhookState.WORKING,
        failed=services_calls.FAILED,
    )
