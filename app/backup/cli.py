"""`flask backup`, `flask restore` and `flask move-database`.

`flask restore` starts no other part of an installation.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from flask import Flask
from flask.cli import cli as flask_group

from app import context, logs, serving, startup
from app.backup import make, move, restore
from app.backup.restore import Findings
from app.cli import Command
from app.config import SettingsError
from app.core import texts
from app.core.archive import ArchiveError

FILE = click.argument("file", type=click.Path(path_type=Path))


def init_app(app: Flask) -> None:
    app.cli.add_command(backup)
    app.cli.add_command(restore_backup)
    app.cli.add_command(move_database)


@click.command("backup", cls=Command)
@FILE
@click.option(
    "--with-keys",
    is_flag=True,
    help="Include the three keys: anyone with the file can then decrypt every secret.",
)
@click.option("--replace", "replaces", is_flag=True, help="Overwrite FILE if it exists.")
def backup(file: Path, with_keys: bool, replaces: bool) -> None:
    """Writes a backup to FILE, one zip archive. Works while the portal serves."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    logs.to_stderr()
    try:
        manifest = make.make(startup.console(), file.absolute(), with_keys=with_keys, replaces=replaces)
    except ArchiveError as error:
        raise click.ClickException(f"{error} No backup was made.") from None
    click.echo(f"{file}: {_contents(manifest.database.kind, with_keys=with_keys)}, {manifest.created_at} UTC")
    if manifest.database.kind == "postgresql":
        click.echo(
            "The database is not included. Back it up with PostgreSQL's own tool, which reads the password "
            f"from PGPASSWORD or ~/.pgpass:\n  {make.dump_command(context.settings())}"
        )
    if not with_keys:
        click.echo(
            "The keys are not included: without them the backup is useless. Keep a copy in another place."
        )
    if manifest.secrets.unopened:
        click.echo(
            f"The current keys cannot decrypt {texts.count_of(manifest.secrets.unopened, 'secret')}.",
            err=True,
        )


def _contents(kind: str, *, with_keys: bool) -> str:
    parts = {"the database": kind == "sqlite", "the keys": with_keys, "the settings": True}
    return ", ".join(name for name, is_in in parts.items() if is_in)


@click.command("restore")
@FILE
@click.option("--check", "is_check", is_flag=True, help="Verify the backup only.")
@click.option(
    "--replace", "replaces", is_flag=True, help="Replace existing data, which is moved to another folder."
)
def restore_backup(file: Path, is_check: bool, replaces: bool) -> None:
    """Restores the database and keys from the backup FILE. No server may use the data folder."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if is_check:
            _report_check(file, restore.check(file, os.environ))
        else:
            done = restore.restore(file, os.environ, replaces=replaces)
            _report(done.findings)
            click.echo(
                f"{file} was restored." + (f" The previous data is in {done.aside}." if done.aside else "")
            )
    except (ArchiveError, SettingsError, serving.InUse) as error:
        raise click.ClickException(str(error)) from None


def _report(findings: Findings) -> None:
    for note in findings.notes:
        click.echo(note, err=True)
    if findings.unopened:
        click.echo(
            f"No key decrypts {texts.count_of(findings.unopened, 'secret')}: enter them again.", err=True
        )
    if findings.manifest.database.kind == "postgresql":
        click.echo(
            "The database is not in this backup. Restore its dump into an empty database with PostgreSQL's "
            "own tool:\n  pg_restore --no-owner --dbname='postgresql://user@host/name' patchbay.dump"
        )


def _report_check(file: Path, findings: Findings) -> None:
    _report(findings)
    for problem in findings.problems:
        click.echo(problem, err=True)
    if findings.problems or findings.unopened:
        raise SystemExit(1)
    rows = sum(findings.manifest.database.rows.values())
    click.echo(f"{file} can be restored: {rows:,} rows, {findings.manifest.created_at} UTC.")


@click.command("move-database", cls=Command)
def move_database() -> None:
    """Copies everything from SQLite to an empty PostgreSQL database.

    Its URL comes from TARGET_DATABASE_URL, so that the password is not visible in the process list.
    """
    url = os.environ.get("TARGET_DATABASE_URL", "")
    try:
        contents, state = move.move(context.settings(), url)
    except (move.MoveError, serving.InUse) as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"{len(contents.tables)} tables with {contents.rows:,} rows were copied and verified. "
        f"{state.sealed - state.unopened} of {state.sealed} secrets can be decrypted."
    )
    for problem in state.audit_problems:
        click.echo(f"As before: {problem}", err=True)
    click.echo("Set DATABASE_URL to the new database, and start Patchbay. The SQLite file stays unchanged.")


def is_restore(arguments: Sequence[str]) -> bool:
    """Whether these command-line arguments of `flask` restore a backup."""
    try:
        with click.Context(flask_group, resilient_parsing=True) as parsing:
            _, rest, _ = flask_group.make_parser(parsing).parse_args(list(arguments[1:]))
    except click.ClickException:
        return False
    return rest[:1] == [restore_backup.name]


def bare_app() -> Flask:
    """Returns an application without settings that can only restore.

    The installation itself may be broken.
    """
    app = Flask("patchbay")
    app.cli.add_command(restore_backup)
    return app
