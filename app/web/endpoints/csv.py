"""Endpoints as CSV: export, and import with a preview."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from app.core import clock, phone
from app.core.errors import Conflict, Invalid, Stale
from app.models import EndpointImport
from app.services.endpoints import csv_format, csv_import, undo
from app.services.endpoints.fields import FIELDS
from app.services.jobs import Kind, Running
from app.services.progress import OnProgress, ignore
from app.services.scope import Scope
from app.web.endpoints.forms import SheetForm
from app.web.endpoints.query import filter_from_request
from app.web.shell import jobs, render
from app.web.shell.forms import ConfirmForm
from app.web.shell.guard import Pages, Who

endpoint_imports = Pages("endpoint_imports", __name__)

MAX_BYTES = 50_000_000


@endpoint_imports.page("/o/<slug>/endpoints.csv", who=Who.SUPERADMIN)
def export(scope: Scope) -> ResponseReturnValue:
    """Exports the selected endpoints; with `all`, every one that matches the filter."""
    organization, filters = scope.organization, filter_from_request()
    if request.args.get("all") != "yes":
        filters = replace(filters, ids=tuple(request.args.getlist("id")))
    name = f"endpoints-{organization.slug}-{clock.now():%Y-%m-%d}.csv"
    return render.file(scope, name, csv_format.written(scope, filters))


@endpoint_imports.page("/o/<slug>/endpoints/template.csv", who=Who.SUPERADMIN)
def template(scope: Scope) -> ResponseReturnValue:
    return render.file(scope, "endpoints-template.csv", csv_format.template())


@endpoint_imports.page(
    "/o/<slug>/endpoints/import",
    who=Who.SUPERADMIN,
    title="Import endpoints",
    guide="import-numbers",
)
def new(scope: Scope) -> ResponseReturnValue:
    """Shows the form.

    `rows` is the preview of pasted rows, which are filled in again to be corrected.
    """
    pasted = request.args.get("rows", "")
    return _new(scope, SheetForm(rows=csv_import.pasted(scope, pasted)) if pasted else SheetForm())


def _new(scope: Scope, form: SheetForm, status: int = 200) -> Response:
    return render.page(
        "endpoints/import.html",
        status,
        form=form,
        country=phone.country_names().get(scope.organization.country or ""),
        fields=FIELDS,
        most_rows=csv_format.MOST_ROWS,
        most_megabytes=MAX_BYTES // 1_000_000,
    )


@endpoint_imports.page(
    "/o/<slug>/endpoints/import", who=Who.SUPERADMIN, methods=["POST"], largest_body=MAX_BYTES
)
def check(scope: Scope) -> ResponseReturnValue:
    form = SheetForm()
    file = request.files.get("file")
    name = (file and file.filename) or ""
    try:
        table = csv_format.open_table(file.read() if file and name else (form.rows.data or "").encode())
    except Invalid as error:
        form.add_errors(error if name else Invalid([replace(it, field="rows") for it in error.problems]))
        return _new(scope, form, 422)
    here = url_for("endpoint_imports.new")

    def run(inside: Scope, on_progress: OnProgress) -> str:
        return f"{here}/{csv_import.check(inside, table, name, on_progress=on_progress).id}"

    def run_as_job(inside: Scope, job: Running) -> str:
        return run(inside, job.report)

    if len(table.rows) < jobs.MANY:
        return render.redirect_to(run(scope, ignore))
    return jobs.begin(scope, Kind.CHECK_IMPORT, run_as_job, back=here)


@endpoint_imports.page("/o/<slug>/endpoints/import/<import_id>", who=Who.SUPERADMIN, title="Import preview")
def show(scope: Scope, import_id: str) -> ResponseReturnValue:
    return _show(scope, csv_import.get(scope, import_id))


def _show(scope: Scope, preview: EndpointImport, status: int = 200, problem: str = "") -> Response:
    event = csv_import.event(scope, preview)
    return render.page(
        "endpoints/import_preview.html",
        status,
        preview=preview,
        is_pasted=preview.file_name == csv_import.PASTED,
        totals=preview.shown["totals"],
        rows=preview.shown["rows"],
        notes=preview.shown["notes"],
        stopped=preview.shown.get("stopped", {}),
        moved=preview.shown.get("moved"),
        moved_count=preview.shown.get("moved_count", 0),
        expires_at=preview.created_at + csv_import.KEPT,
        form=ConfirmForm(formdata=None, version=str(preview.version)),
        problem=problem,
        just_imported="imported" in request.args,
        undo=url_for("audit_events.confirm_undo", event_id=event.id) if event and undo.can(event) else None,
        shown_most=csv_import.SHOWN,
    )


@endpoint_imports.page("/o/<slug>/endpoints/import/<import_id>/apply", who=Who.SUPERADMIN, methods=["POST"])
def apply(scope: Scope, import_id: str) -> ResponseReturnValue:
    form = ConfirmForm()
    version, reason = form.submitted_version, form.why
    here = url_for("endpoint_imports.show", import_id=import_id)

    def run(inside: Scope, on_progress: OnProgress) -> str:
        preview = csv_import.apply(inside, import_id, reason=reason, version=version, on_progress=on_progress)
        return f"{here}?imported=1" if preview.applied_at else here

    def run_as_job(inside: Scope, job: Running) -> str:
        """Applies the import in a job. A conflict is shown on the page of the import."""
        with suppress(Conflict, Stale):
            return run(inside, job.report)
        return here

    try:
        preview = csv_import.to_apply(scope, import_id, version=version)
        if sum(preview.shown["totals"].values()) >= jobs.MANY:
            return jobs.begin(scope, Kind.APPLY_IMPORT, run_as_job, back=here)
        address = run(scope, ignore)
    except (Conflict, Stale) as error:
        return _show(scope, csv_import.get(scope, import_id), error.status, error.message)
    if address == here:
        return _show(scope, csv_import.get(scope, import_id), 409)
    return render.redirect_to(address)


@endpoint_imports.page("/o/<slug>/endpoints/import/<import_id>/report.csv", who=Who.SUPERADMIN)
def report(scope: Scope, import_id: str) -> ResponseReturnValue:
    return render.file(scope, f"import-{import_id[:8]}.csv", csv_import.report(scope, import_id))
