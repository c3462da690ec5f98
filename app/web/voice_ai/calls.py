"""The calls that the voice AI reported, newest first."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import request
from flask.typing import ResponseReturnValue

from app.provider.voice_ai import CallEvent
from app.services.scope import Scope
from app.services.voice_ai import calls as voice_ai_calls
from app.services.voice_ai import webhook
from app.web.shell import render
from app.web.shell.guard import Pages, Who
from app.web.shell.registry import Link, Section

calls = Pages("calls", __name__)

TONES = {"success": "ok", "failure": "bad", "busy": "warn", "no-answer": "warn"}
OUTCOMES = {
    "success": "Success",
    "failure": "Failure",
    "unknown": "Unknown",
    "busy": "Busy",
    "no-answer": "No answer",
}


@calls.page("/o/<slug>/calls", who=Who.SUPERADMIN, title="Calls", link=Link(Section.CALLS, 60))
def table(scope: Scope) -> ResponseReturnValue:
    text = request.args.get("q", "").strip()[:100]
    before = request.args.get("before") or None
    page = voice_ai_calls.page(scope, text, before=before)
    return render.page(
        "voice_ai/calls.html",
        rows=page.rows,
        older=urlencode({"q": text, "before": page.next}) if page.next else None,
        text=text,
        is_first=before is None,
        tones=TONES,
        outcomes=OUTCOMES,
        ours=voice_ai_calls.endpoints_of(scope, page.rows),
        reporting=[provider.label for provider in webhook.providers()],
        reports=not page.rows
        and any(one.state in webhook.WORKING for one in webhook.statuses(scope).values()),
        failed=CallEvent.FAILED,
    )
