"""A new field of an endpoint is a column, a migration and one line, and a new action is one line.

One copy of the product shows both.
"""

from __future__ import annotations

import pytest

from tests.support.project_copy import ProjectCopy

MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9999", "{head}"
branch_labels = depends_on = None


def upgrade():
    op.add_column("endpoints", sa.Column("department", sa.String(100)))


def downgrade():
    op.drop_column("endpoints", "department")
"""

FIELD = """
    EndpointField(
        "department", "Team", Label, search_word="team", sort="team", bulk=True, csv_help="Who owns it."
    ),
"""

ACTION = """
    ENDPOINT_ARCHIVED = (
        "endpoint.archived",
        "Endpoint archived",
        Group.ENDPOINTS,
        Trait.UNDOABLE | Trait.STALES_FORMS | Trait.IN_PROVIDER_HISTORY | Trait.SETS_PASSWORD,
    )
"""

SCRIPT = """
from dataclasses import replace

from app.providers import PROVIDERS
from app.services.access import users
from app.services.audit import log, search
from app.services.audit.actions import Action
from app.services.endpoints import undo
from app.services.providers import history
from app.web.shell import conflicts
from tests.support.full_organization import scope_as
from tests.support.project_copy import install, report

PATH = "/o/acme-support/endpoints"
FIRST, SECOND = "+15551234567", "+15551234568"
own = install()
portal, api = own.portal, own.api
typed = {"phone_number": FIRST, "provider": "twilio", "department": "Sales"}
results = {}

twilio = PROVIDERS["twilio"]
with scope_as(own.app, own.cast.dana) as scope:
    user = users.get(scope, own.cast.dana.id)
    with scope.transaction():
        event = log.record(scope, Action.ENDPOINT_ARCHIVED, twilio.label, {"label": ["Desk", None]})
        by_mo = replace(scope, actor=replace(scope.actor, user_id=own.cast.mo.id))
        log.record(by_mo, Action.ENDPOINT_ARCHIVED, user.email)
    action = {
        "undoable": undo.can(event),
        "conflict": [one.action for one, _ in conflicts._events(scope, [twilio.label])],
        "history": [change.words for change in history.changes(scope, twilio)],
        "password": users.password_set_by_other(scope, user).action,
    }
page = portal.get("/o/acme-support/audit?action=endpoint.archived")
options = page.root.one("select", name="action").all("option")
results["action"] = action | {
    "option": [option.text for option in options if option["value"] == "endpoint.archived"],
    "rows": len(page.rows()),
    "group": len(portal.get("/o/acme-support/audit?action=endpoints").rows()),
    "label": "Endpoint archived" in page.rows()[0],
}


def teams():
    answer = api.get("/api/settings/endpoints").json
    return {endpoint["phone_number"]: endpoint["department"] for endpoint in answer}


def last_event():
    with scope_as(own.app, own.cast.dana) as scope:
        event = search.recent(scope)[0]
        return event.id, event.changes


def confirm(page, **typed):
    (form,) = page.root.all("form", css="pb-form")
    return page.press(form.all("button")[0].text, **typed)


page = portal.get(f"{PATH}/new").press("Add endpoint", **typed)
results["created"] = teams()
results["details"] = page.root.all("section", css="pb-side-card")[0].text
page = page.follow("Edit")
results["form"] = [page.value("department"), page.control("department")["maxlength"]]
page.press("Save", department="Support")
results["edited"] = teams()
event_id, results["event"] = last_event()
results["audit"] = portal.get(f"/o/acme-support/audit/{event_id}").text
confirm(portal.get(f"/o/acme-support/audit/{event_id}/undo"))
results["undone"] = teams()

answer = api.post(
    "/api/settings/endpoints", {"phone_number": SECOND, "provider": "twilio", "department": "Desk"}
)
results["api"] = [answer.status_code, answer.json["department"]]
refused = api.put(f"/api/settings/endpoints/{answer.json['id']}", {"department": 7})
results["refused"] = [refused.status_code, refused.json["error"]["details"][0]["field"]]
schemas = api.get("/api/openapi.json").json["components"]["schemas"]
names = ("Endpoint", "EndpointDraft", "EndpointEdit")
results["openapi"] = ["department" in schemas[name]["properties"] for name in names]

results["searched"] = len(portal.get(f"{PATH}?q=desk").rows())
results["sorted"] = [link.text for link in portal.get(f"{PATH}?sort=-team").root.all("a", css="pb-num")]

results["csv"] = portal.raw("GET", f"{PATH}.csv").text
results["help"] = portal.get(f"{PATH}/import").root.one("aside").text
rows = "phone_number,department\\n" + FIRST + ",Imported\\n"
page = portal.get(f"{PATH}/import").press("Preview import", rows=rows)
confirm_button = [b.text for b in page.root.one("main").all("button")][0]
page.press(confirm_button)
results["imported"] = teams()

page = portal.get(f"{PATH}/many?do=department&all=yes")
results["bulk_page"] = page.text
confirm(page, department="All")
results["bulk"] = teams()
event_id, _ = last_event()
confirm(portal.get(f"/o/acme-support/audit/{event_id}/undo"))
results["bulk_undone"] = teams()

deleted = portal.get(f"{PATH}/many?do=delete&all=yes")
confirm(deleted)
event_id, _ = last_event()
confirm(portal.get(f"/o/acme-support/audit/{event_id}/undo"))
results["restored"] = teams()
report(**results)
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory, shared, shared_keys, migrate):
    """Returns what the script reports from a copy, whose database had every revision but the new one."""
    project = ProjectCopy.at(tmp_path_factory.mktemp("field"))
    head = sorted(path.name for path in (project.folder / "migrations" / "versions").glob("*.py"))[-1]
    project.insert_after("app/models/endpoint.py", "label: Mapped", "    department: Mapped[str | None]")
    project.write("migrations/versions/9999_department.py", MIGRATION.format(head=head.split("_")[0]))
    project.insert_after("app/services/endpoints/fields.py", "FIELDS = (", FIELD.strip("\n"))
    project.insert_after("app/services/audit/actions.py", "ORGANIZATION_CREATED =", ACTION)
    return project.run(SCRIPT, DATABASE_URL=project.database(shared, migrate), **shared_keys)


FIRST, SECOND = "+15551234567", "+15551234568"


def test_a_new_field_is_in_every_form_list_file_and_document(results):
    assert results["created"] == {FIRST: "Sales"}
    assert "Team Sales" in results["details"]
    assert results["form"] == ["Sales", "200"]
    assert results["edited"] == {FIRST: "Support"}

    assert results["event"] == {"department": ["Sales", "Support"]}
    assert "Team" in results["audit"]
    assert results["undone"] == {FIRST: "Sales"}
    assert results["restored"] == results["bulk_undone"]

    assert results["api"] == [201, "Desk"]
    assert results["refused"] == [422, "department"]
    assert results["openapi"] == [True, True, True]

    assert results["searched"] == 1
    assert results["sorted"] == ["+1 555-123-4567", "+1 555-123-4568"]

    header, first, _ = results["csv"].lstrip("\ufeff").splitlines()
    row = dict(zip(header.split(","), first.split(","), strict=True))
    assert row["department"] == "Sales"
    assert "Who owns it." in results["help"]
    assert results["imported"] == {FIRST: "Imported", SECOND: "Desk"}

    assert "Set team of 2 endpoints?" in results["bulk_page"]
    assert results["bulk"] == {FIRST: "All", SECOND: "All"}
    assert results["bulk_undone"] == {FIRST: "Imported", SECOND: "Desk"}


def test_a_new_action_is_one_line(results):
    """The filter, the label, undo, conflicts and the histories derive from it."""
    assert results["action"] == {
        "option": ["Endpoint archived"],
        "rows": 2,
        "group": 2,
        "label": True,
        "undoable": True,
        "conflict": ["endpoint.archived"],
        "history": ["Endpoint archived"],
        "password": "endpoint.archived",
    }
