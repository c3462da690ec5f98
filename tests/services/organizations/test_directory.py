from __future__ import annotations

import pytest
from sqlalchemy import func, select

from app.core.errors import Invalid, NotFound, Stale
from app.models import Organization
from app.services.audit import search
from app.services.endpoints import crud
from app.services.organizations import directory
from tests.support.scopes import OFFLINE


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Initech", "initech"),
        ("  Initech & Sons, Ltd. ", "initech-sons-ltd"),
        ("Zoë's Café", "zoe-s-cafe"),
        ("北京", "organization"),
        ("---", "organization"),
        ("Acme", "acme"),
        ("Acme Support", "acme-support-2"),
        ("ACME support!", "acme-support-2"),
        ("x" * 59 + " yz", "x" * 59),
    ],
)
def test_a_slug_is_made_of_the_name(acme, name, slug):
    organization = directory.create(acme, {"name": name})
    assert organization.slug == slug
    assert organization.name == name.strip()
    assert directory.by_slug(acme, slug) is organization
    event = search.recent(acme.for_organization(organization))[0]
    assert (event.action, event.actor_name) == ("organization.created", "dana@acme.example")


def test_slugs_of_one_name_are_numbered(acme):
    slugs = [directory.create(acme, {"name": "Initech"}).slug for _ in range(4)]
    assert slugs == ["initech", "initech-2", "initech-3", "initech-4"]


def test_six_of_one_name_at_once_all_have_their_own_slug(scopes):
    task = (
        "dana",
        lambda scope: directory.create(scope.for_organization(None), {"name": "Initech"}).slug,
    )
    slugs = scopes.in_parallel(*[task] * 6)
    assert sorted(slugs) == ["initech", *[f"initech-{n}" for n in range(2, 7)]]


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\0", "x" * 121, None, 7])
def test_a_name_is_one_line(acme, name):
    before = acme.session.scalar(select(func.count()).select_from(Organization))
    with pytest.raises(Invalid) as refused:
        directory.create(acme, {"name": name})
    assert [problem.field for problem in refused.value.problems] == ["name"]
    with pytest.raises(Invalid):
        directory.update(acme, OFFLINE, {"name": name})
    assert acme.session.scalar(select(func.count()).select_from(Organization)) == before


def test_a_new_name_keeps_the_slug(acme):
    directory.update(acme, OFFLINE, {"name": "Acme Care", "country": "in"})
    assert (acme.organization.name, acme.organization.slug) == ("Acme Care", "acme-support")
    assert acme.organization.country == "IN"
    assert search.recent(acme)[0].changes == {
        "name": ["Acme Support", "Acme Care"],
        "country": [None, "IN"],
    }


@pytest.mark.parametrize("country", ["", "XX", "USA", "us1", 7])
def test_a_country_is_one_that_numbers_can_be_read_with(acme, country):
    with pytest.raises(Invalid) as refused:
        directory.update(acme, OFFLINE, {"country": country})
    assert [problem.field for problem in refused.value.problems] == ["country"]


def test_null_clears_and_absent_keeps(acme):
    directory.update(acme, OFFLINE, {"country": "US", "public_base_url": "https://voice.example.com/"})
    directory.update(acme, OFFLINE, {"country": None})
    assert acme.organization.country is None
    assert acme.organization.public_base_url == "https://voice.example.com"
    with pytest.raises(Invalid):
        directory.update(acme, OFFLINE, {"name": None})


def test_a_base_url_is_checked(acme):
    with pytest.raises(Invalid):
        directory.update(acme, OFFLINE, {"public_base_url": "http://voice.example.com"})


def test_a_stale_version_is_refused(acme):
    version = acme.organization.version
    directory.update(acme, OFFLINE, {"name": "Theirs"}, version=version)
    with pytest.raises(Stale) as refused:
        directory.update(acme, OFFLINE, {"name": "Mine"}, version=version)
    assert refused.value.current.name == "Theirs"


def test_what_happens_elsewhere_in_the_organization_does_not_make_a_version_stale(acme):
    version = acme.organization.version
    crud.create(acme, {"phone_number": "+15551234567", "provider": "twilio"})
    directory.update(acme, OFFLINE, {"name": "Mine"}, version=version)


@pytest.mark.parametrize("unknown", ["nowhere", "", "' OR 1=1 --", "x" * 5000])
def test_one_that_does_not_exist_is_not_found(acme, unknown):
    for find in (directory.by_slug, directory.by_id):
        with pytest.raises(NotFound):
            find(acme, unknown)


def test_every_organization_by_name(acme, globex):
    directory.create(acme, {"name": "Initech"})
    assert [row.name for row in directory.every(acme)] == ["Acme Support", "Globex", "Initech"]


def test_another_base_url_is_told_with_its_reason_and_the_ones_before_it(acme):
    for url, reason in (("https://a.example.com", None), ("https://b.example.com", "New machine")):
        directory.update(acme, OFFLINE, {"public_base_url": url}, reason=reason)
        directory.update(acme, OFFLINE, {"name": f"Acme of {url[8]}"})
    told = [event.changes for event in directory.base_urls(acme)]
    assert told == [
        {
            "public_base_url": ["https://a.example.com", "https://b.example.com"],
            "reason": [None, "New machine"],
        },
        {"public_base_url": [None, "https://a.example.com"]},
    ]


def test_what_would_be_stored_is_told_and_nothing_is(acme):
    sent = {"name": "Acme", "public_base_url": " https://VOICE.example.com/ "}
    assert directory.planned_base_url(acme, sent) == "https://voice.example.com"
    assert acme.organization.public_base_url is None
    with pytest.raises(Invalid):
        directory.planned_base_url(acme, sent | {"name": ""})
    with pytest.raises(Stale):
        directory.planned_base_url(acme, sent, version=99)
