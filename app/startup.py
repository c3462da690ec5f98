"""Prepares every command: a current database that the keys open."""

from __future__ import annotations

import click

from app import context, logs
from app.database import migrate
from app.extensions import db
from app.services.installation import keys
from app.services.scope import Actor, Scope


def prepare() -> None:
    """Migrates the database, and saves the key check of a new one. Raises ClickException."""
    logs.to_stderr()
    migrate.upgrade(db.engine, context.settings().data)
    try:
        keys.check_keys(context.session(), context.keys().sealer)
    except keys.KeyMismatch as error:
        raise click.ClickException(str(error)) from None
    keys.prepare(console())


def console() -> Scope:
    """Returns the scope of the command line, without an organization."""
    return Scope(context.session(), None, Actor(name="command line"), context.keys())
