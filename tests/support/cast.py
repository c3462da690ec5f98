"""The people of every test: Dana and Mo at Acme Support, Gus at Globex."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import context
from app.models import Organization, Role, User
from app.services.access import passwords, tokens
from app.services.access.tokens import Issued
from app.services.scope import SECRETS, Actor, Scope
from devtools import scopes


@dataclass(frozen=True)
class Person:
    id: str
    email: str
    name: str
    organization_id: str


@dataclass(frozen=True)
class Cast:
    """Two organizations by id, and who is in them; Dana and Gus are superadmins, Mo is a member."""

    acme: str
    globex: str
    dana: Person
    mo: Person
    gus: Person


@dataclass(frozen=True)
class Rows:
    """The same people as rows of one session."""

    acme: Organization
    globex: Organization
    dana: User
    mo: User
    gus: User


def assemble(app: Flask) -> Cast:
    """Writes them into the app's database."""
    with app.app_context():
        rows = write(context.session())
        people = (_person(rows.dana), _person(rows.mo), _person(rows.gus))
        return Cast(rows.acme.id, rows.globex.id, *people)


def write(session: Session) -> Rows:
    acme = Organization(name="Acme Support", slug="acme-support")
    globex = Organization(name="Globex", slug="globex")
    session.add_all([acme, globex])
    session.flush()
    dana = user(acme, "dana@acme.example", "Dana", Role.SUPERADMIN)
    mo = user(acme, "mo@acme.example", "Mo", Role.MEMBER)
    gus = user(globex, "gus@globex.example", "Gus", Role.SUPERADMIN)
    session.add_all([dana, mo, gus])
    session.commit()
    return Rows(acme, globex, dana, mo, gus)


def find(session: Session) -> Rows:
    """Those of a database that they are written in already."""
    organizations = {row.slug: row for row in session.scalars(select(Organization))}
    users = {row.email: row for row in session.scalars(select(User))}
    return Rows(
        organizations["acme-support"],
        organizations["globex"],
        users["dana@acme.example"],
        users["mo@acme.example"],
        users["gus@globex.example"],
    )


def user(organization: Organization, email: str, name: str, role: Role) -> User:
    return User(
        organization_id=organization.id,
        email=email,
        name=name,
        role=role.value,
        password_hash=hashed_password(),
    )


def _person(user: User) -> Person:
    return Person(user.id, user.email, user.name, user.organization_id)


@cache
def hashed_password() -> str:
    """Made once, for all that sign in with it."""
    return passwords.hash_password(scopes.PASSWORD)


def issue(
    app: Flask, person: Person, *, secrets: bool = False, days: int = 1, is_sign_in: bool = False
) -> Issued:
    """A token that works, as the portal would issue it, or as signing in does."""
    with app.app_context():
        session = context.session()
        organization = session.get_one(Organization, person.organization_id)
        scope = Scope(session, organization, Actor(name="tests"), context.keys())
        user = session.get_one(User, person.id)
        with scope.transaction():
            return tokens.create(
                scope,
                user,
                name="Tests",
                scopes=(SECRETS,) if secrets else (),
                life=timedelta(days=days),
                is_sign_in=is_sign_in,
            )
