from __future__ import annotations

import pytest
from sqlalchemy import func, select

from app.core.errors import Invalid, NotFound, Stale
from app.models import Organization
from app.services.audit import search
from app.services.endpoints import crud
from app.services.organizations import directory
from tests.support.scopes import OFFLINE

SLUGS = {
    "Initech": "initech",
    "  Initech & Sons, Ltd. ": "initech-sons-ltd",
    "Zoë's Café": "zoe-s-cafe",
    "北京": "organization",
    "---": "organization-2",
    "Acme": "acme",
    "Acme Support": "acme-support-2",
    "ACME support!": "acme-support-3",
    "x" * 59 + " yz": "x" * 59,
    "../../etc": "etc",
}


@pytest.mark.both_databases
def test_create_makes_a_slug_of_the_name_and_numbers_it_concurrently(acme, scopes):
    organizations_by_name = {name: directory.create(acme, {"name": name}) for name in SLUGS}
    assert {name: row.slug for name, row in organizations_by_name.items()} == SLUGS
    assert [row.name for row in organizations_by_name.values()] == [name.strip() for name in SLUGS]
    assert all(directory.by_slug(acme, slug) is organizations_by_name[name] for name, slug in SLUGS.items())
    event = search.recent(acme.for_organization(organizations_by_name["Initech"]))[0]
    assert (event.action, event.actor_name) == ("organization.created", "dana@acme.example")

    task = (
        "dana",
        lambda scope: directory.create(scope.for_organization(None), {"name": "Hooli"}).slug,
    )
    slugs = scopes.in_parallel(*[task] * 6)
    assert sorted(slugs) == ["hooli", *[f"hooli-{n}" for n in range(2, 7)]]


def test_create_and_update_refuse_bad_values_of_each_field(acme):
    before = acme.session.scalar(select(func.count()).select_from(Organization))
    for name in ("", "  ", "a\nb", "a\0", "x" * 121, None, 7):
        with pytest.raises(Invalid) as refused:
            directory.create(acme, {"name": name})
        assert [problem.field for problem in refused.value.problems] == ["name"], name
        with pytest.raises(Invalid):
            directory.update(acme, OFFLINE, {"name": name})
    assert acme.session.scalar(select(func.count()).select_from(Organization)) == before

    for country in ("", "XX", "USA", "us1", 7):
        with pytest.raises(Invalid) as refused:
            directory.update(acme, OFFLINE, {"country": country})
        assert [problem.field for problem in refused.value.problems] == ["country"], country

    with pytest.raises(Invalid):
        directory.update(acme, OFFLINE, {"public_base_url": "http://voice.example.com"})


def test_update_keeps_the_slug_clears_null_and_refuses_a_stale_version(acme):
    directory.update(acme, OFFLINE, {"name": "Acme Care", "country": "in"})
    assert (acme.organization.name, acme.organization.slug) == ("Acme Care", "acme-support")
    assert acme.organization.country == "IN"
    assert search.recent(acme)[0].changes == {
        "name": ["Acme Support", "Acme Care"],
        "country": [None, "IN"],
    }

    directory.update(acme, OFFLINE, {"country": "US", "public_base_url": "https://voice.example.com/"})
    directory.update(acme, OFFLINE, {"country": None})
    assert acme.organization.country is None
    assert acme.organization.public_base_url == "https://voice.example.com"
    with pytest.raises(Invalid):
        directory.update(acme, OFFLINE, {"name": None})

    version = acme.organization.version
    crud.create(acme, {"phone_number": "+15551234567", "provider": "twilio"})
    directory.update(acme, OFFLINE, {"name": "Mine"}, version=version)

    version = acme.organization.version
    directory.update(acme, OFFLINE, {"name": "Theirs"}, version=version)
    with pytest.raises(Stale) as refused:
        directory.update(acme, OFFLINE, {"name": "Mine"}, version=version)
    assert refused.value.current.name == "Theirs"


def test_every_sorts_by_name_and_an_unknown_one_is_not_found(acme, globex):
    directory.create(acme, {"name": "Initech"})
    assert [row.name for row in directory.every(acme)] == ["Acme Support", "Globex", "Initech"]
    for unknown in ("nowhere", "", "' OR 1=1 --", "x" * 5000):
        for find in (directory.by_slug, directory.by_id):
            with pytest.raises(NotFound):
                find(acme, unknown)


def test_planned_base_url_stores_nothing_and_base_urls_lists_changes(acme):
    payload = {"name": "Acme", "public_base_url": " https://VOICE.example.com/ "}
    assert directory.planned_base_url(acme, payload) == "https://voice.example.com"
    assert acme.organization.public_base_url is None
    with pytest.raises(Invalid):
        directory.planned_base_url(acme, payload | {"name": ""})
    with pytest.raises(Stale):
        directory.planned_base_url(acme, payload, version=99)

    for url, reason in (("https://a.example.com", None), ("https://b.example.com", "New machine")):
        directory.update(acme, OFFLINE, {"public_base_url": url}, reason=reason)
        directory.update(acme, OFFLINE, {"name": f"Acme of {url[8]}"})
    reported = [event.changes for event in directory.base_urls(directory.saves(acme))]
    assert reported == [
        {
            "public_base_url": ["https://a.example.com", "https://b.example.com"],
            "reason": [None, "New machine"],
        },
        {"public_base_url": [None, "https://a.example.com"]},
    ]
