"""A page registers once: a new folder in app/web and templates is in the navigation, palette and tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project_copy import ProjectCopy

VIEW = '''"""When an organization's lines are open."""

from app.services.connections.health import Health
from app.web.shell import render
from app.web.shell.guard import Pages, Who
from app.web.shell.registry import Link, Section

schedules = Pages("schedules", __name__)


@schedules.page(
    "/o/<slug>/schedules",
    who=Who.SUPERADMIN,
    title="Schedules",
    link=Link(Section.CALLS, 70, badge=lambda scope: "2 open", state=lambda scope: Health.WORKS),
)
def table(scope):
    return render.page("schedules/table.html", organizations=[scope.organization.name])
'''
TEMPLATE = """{% extends "shell/portal.html" %}
{% block content %}<p id="schedules">{{ organizations|join }}</p>{% endblock %}
"""
SCRIPT = """
from tests.support.full_organization import furnish
from tests.support.project_copy import install, report
from tests.support.routes import portal_pages

there = install()
here = furnish(there.app, there.cast)
pages = {page.endpoint: here.page(page) for page in portal_pages()}
page = there.portal.get(pages["schedules.table"])
(link,) = [link for link in page.navigation.all("a") if link["href"] == page.path]
found = there.portal.get("/find?in=acme-support&q=sched").root.one("div", id="found")
report(
    path=page.path,
    title=page.title,
    content=page.root.one("p", id="schedules").text,
    link=link.text,
    current=link.get("aria-current"),
    palette=[link["href"] for link in found.all("a")],
)
"""


@pytest.mark.thorough(
    "test_breadcrumbs_lead_to_the_pages_above_and_each_has_its_own_key",
    "test_find_returns_pages_organizations_people_settings_and_help",
    "test_every_page_passes_the_page_checks",
)
def test_new_page_is_in_navigation_palette_and_tests(tmp_path: Path) -> None:
    copy = ProjectCopy.at(tmp_path / "patchbay")
    copy.write("app/web/schedules/__init__.py", '"""Pages for schedules."""\n')
    copy.write("app/web/schedules/views.py", VIEW)
    copy.write("templates/schedules/table.html", TEMPLATE)
    page = copy.run(SCRIPT)
    assert page["path"] == "/o/acme-support/schedules"
    assert page["title"] == "Schedules"
    assert page["content"] == "Acme Support"
    assert page["link"].split(", ") == ["Schedules", "2 open", "Connection OK"]
    assert page["current"] == "page"
    assert page["palette"] == [page["path"]]
