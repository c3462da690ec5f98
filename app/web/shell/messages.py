"""Sentences of the pages that belong to no noun."""

from __future__ import annotations

from app.services.jobs import Kind

TOO_MANY_JOBS = "Several imports are running. Nothing was changed. Try again in a moment."

JOB_FIRST_STEPS = {Kind.CHECK_IMPORT: "Reading the file", Kind.APPLY_IMPORT: "Preparing"}

ABOUT_JOBS = {
    Kind.CHECK_IMPORT: "Nothing is changed yet. The check continues if you leave this page.",
    Kind.APPLY_IMPORT: "All rows are imported, or none. The import continues if you leave this page.",
}

JOB_INTERRUPTED = {
    Kind.CHECK_IMPORT: "The server stopped during the check. Nothing was imported. Upload the file again.",
    Kind.APPLY_IMPORT: "The server stopped. Either all rows were imported or none: go back to see.",
}


def job_failed(request_id: str) -> str:
    return f"Unexpected error. Search the log for {request_id}."
