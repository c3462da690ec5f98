"""The command line for scripts and operators."""

from __future__ import annotations

import json
import secrets
import sys
from contextlib import suppress
from functools import partial
from typing import Any, TextIO

import click
import structlog
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy.exc import OperationalError

from app import context, disk, links, preflight, serving, startup
from app.config import Settings, SettingsError
from app.core import texts
from app.core.errors import Invalid, PatchbayError
from app.extensions import db
from app.models import LinkPurpose, Role, User
from app.services import jobs
from app.services.access import password_links, tokens
from app.services.access import users as access_users
from app.services.access.password_links import NewLink
from app.services.audit import integrity
from app.services.audit.integrity import Head
from app.services.drift import runs
from app.services.drift.runs import Report
from app.services.installation import keys, setup, signing_keys
from app.services.organizations import directory
from app.services.scope import SECRETS, Scope

log = structlog.get_logger(__name__)

ALREADY_RUNNING = 75
"""Exit code if another check is already running (EX_TEMPFAIL)."""


class Command(click.Command):
    """Reports an unusable database or a full disk as one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (OperationalError, OSError) as error:
            if disk.is_full(error, db.engine.url.database):
                raise click.ClickException("The disk is full. Free some space, then try again.") from None
            if isinstance(error, OperationalError):
                raise click.ClickException(f"Cannot use the database: {error.orig}") from None
            raise


class Group(AppGroup):
    command_class = Command


users = Group("users", help="Manage users.")
token_commands = Group("tokens", help="Manage API tokens.")
key_commands = Group("keys", help="Rotate and accept keys.")
audit_commands = Group("audit", help="Verify the audit log.")


def init_app(app: Flask) -> None:
    for group in (users, token_commands, key_commands, audit_commands):
        app.cli.add_command(group)
    app.cli.add_command(prepare)
    app.cli.add_command(check)
    app.cli.add_command(serve)
    app.cli.add_command(fill_demo)


def _fail(error: PatchbayError) -> click.ClickException:
    if isinstance(error, Invalid):
        return click.ClickException("\n".join(f"{p.field}: {p.message}" for p in error.problems))
    return click.ClickException(error.message)


@users.command("create")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--organization", "organization_name", required=True, help="Created if it does not exist.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create_user(email: str, name: str, role: str, organization_name: str, password_stdin: bool) -> None:
    """Creates a user and prints their id, and without a password an invitation link."""
    startup.prepare()
    scope = startup.console()
    submitted = {"email": email, "name": name, "role": role}
    if password_stdin:
        submitted["password"] = sys.stdin.readline().rstrip("\r\n")
    try:
        new = access_users.read_new(scope, submitted)
        with access_users.one_user_per_email(scope, new.email), scope.transaction():
            organization = directory.named(scope, organization_name)
            inside = scope.for_organization(organization)
            user = access_users.add(inside, new)
            link = None if password_stdin else password_links.add(inside, user, LinkPurpose.INVITATION)
    except PatchbayError as error:
        raise _fail(error) from None
    click.echo(user.id)
    if link:
        _print_link(link)


@users.command("reset")
@click.option("--email", required=True)
@click.option("--password-stdin", is_flag=True, help="Read the new password from standard input.")
@click.option("--keep-two-step", is_flag=True, help="With the link, keep two-step sign-in.")
def reset_user(email: str, password_stdin: bool, keep_two_step: bool) -> None:
    """Prints a link with which the user chooses a new password; their two-step sign-in, sessions and tokens
    end when they do. With --password-stdin sets the password now, and prints the user's id.
    """
    startup.prepare()
    user, scope = _user_and_scope(email)
    try:
        if not password_stdin:
            _print_link(password_links.create(scope, user, ends_two_step=not keep_two_step))
            return
        access_users.reset(scope, user, sys.stdin.readline().rstrip("\r\n"))
    except PatchbayError as error:
        raise _fail(error) from None
    click.echo(user.id)


def _print_link(link: NewLink) -> None:
    base = context.settings().public_url or _address(context.settings())
    click.echo(links.of_password(link.token, base))


def _user_and_scope(email: str) -> tuple[User, Scope]:
    scope = startup.console()
    user = access_users.by_email(scope, email)
    if user is None:
        raise click.ClickException(f"User {email} not found.")
    return user, scope.for_organization(directory.of_user(scope, user))


@token_commands.command("create")
@click.option("--email", required=True)
@click.option("--scope", "scopes", multiple=True, type=click.Choice([SECRETS]))
@click.option("--expires-days", type=int, default=tokens.USUAL_DAYS, show_default=True)
def create_token(email: str, scopes: tuple[str, ...], expires_days: int) -> None:
    """Creates an API token for a user and prints only that."""
    startup.prepare()
    user, scope = _user_and_scope(email)
    try:
        signing_keys.expect_same(scope.session, scope.keys)
        issued = tokens.issue(scope, user, name="Command line", scopes=scopes, days=expires_days)
    except PatchbayError as error:
        raise _fail(error) from None
    except keys.KeyMismatch as error:
        raise click.ClickException(str(error)) from None
    click.echo(issued.jwt)


@key_commands.command("rotate")
def rotate_keys() -> None:
    """Re-encrypts every secret with the newest key. Can be interrupted and run again."""
    startup.prepare()
    scope = startup.console()
    for done, total in keys.reseal(scope):
        if done % 100 == 0 or done == total:
            click.echo(f"{done} of {total} re-encrypted")
    unrotated = keys.unrotated_count(scope)
    if unrotated:
        raise click.ClickException(
            f"No key decrypts {texts.count_of(unrotated, 'secret')}. Keep the old key."
        )
    click.echo("Everything is encrypted with the newest key. The older keys can be removed.")


@key_commands.command("accept")
def accept_keys() -> None:
    """Accepts this machine's token and session keys after they were replaced.

    Tokens and sessions that other keys signed end. Not needed after a new key was added in front.
    """
    startup.prepare()
    signing_keys.adopt(startup.console(), replace=True)
    click.echo("Keys accepted. Restart every machine with the same keys.")


@audit_commands.command("verify")
@click.option("--organization", "name", help="Name of the only organization to check.")
@click.option("--noted", type=click.File(), help="Output of an earlier run, kept on another machine.")
def verify_audit(name: str | None, noted: TextIO | None) -> None:
    """Reports events that were changed, added or removed.

    Prints the head of each chain. Only the heads of an earlier run reveal that an older copy of the database
    was restored: keep the output on another machine. Exits with 1 if something is wrong.
    """
    startup.prepare()
    scope = startup.console()
    heads = integrity.heads_in(noted.read() if noted else "")
    chains: list[tuple[str | None, str]] = [
        (organization.id, organization.name) for organization in directory.every(scope)
    ]
    chains.append((None, "No organization"))
    if name:
        chains = [pair for pair in chains if pair[0] and pair[1] == name]
        if not chains:
            raise click.ClickException(f"Organization {name} not found.")
    is_whole = [_verify(scope, chain_id, shown, heads.pop(chain_id, None)) for chain_id, shown in chains]
    strays = [] if name else integrity.strays(scope.session)
    gone = [] if name else [f"Organization {one}, whose head was noted, does not exist." for one in heads]
    for sentence in strays + gone:
        click.echo(sentence, err=True)
    if strays or gone or not all(is_whole):
        raise SystemExit(1)


def _verify(scope: Scope, chain_id: str | None, shown: str, noted: Head | None) -> bool:
    """Prints the result of one chain, and returns whether it is intact."""
    result = integrity.verify(scope.session, scope.keys.sealer, chain_id, noted)
    holding = texts.count_of(result.head.count, "event holds", "events hold") + "."
    earlier = f" Older than the chain: {result.unchained}." if result.unchained else ""
    if result.fault:
        click.echo(f"{shown}: {holding}{earlier} {result.fault.text}", err=True)
        return False
    head = f" Head {integrity.format_head(chain_id, result.head)}" if result.head.count else ""
    click.echo(f"{shown}: {holding}{earlier}{head}")
    return True


@click.command("check", cls=Command)
@click.option("--organization", "name", help="Name of the only organization to check.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON document.")
def check(name: str | None, is_json: bool) -> None:
    """Checks every connection, call webhook and number with its provider, now.

    Exit codes: 0 all is well, 1 something could not be checked, 2 a number drifted or a connection or call
    webhook does not work, 75 another check is already running.
    """
    startup.prepare()
    scope = startup.console()
    try:
        chosen = directory.by_name(scope, name) if name else None
        if name and chosen is None:
            raise click.ClickException(f"Organization {name} not found.")
    except PatchbayError as error:
        raise _fail(error) from None
    ids = [chosen.id] if chosen else runs.organization_ids(scope)
    results = [_check(scope, organization_id, is_json=is_json) for organization_id in ids]
    code = _exit_code([report for _, report in results])
    if is_json:
        documents = [
            {"id": organization_id, "name": shown, **report.document()}
            for organization_id, (shown, report) in zip(ids, results, strict=True)
        ]
        click.echo(json.dumps({"exit_code": code, "organizations": documents}, ensure_ascii=False))
    raise SystemExit(code)


def _exit_code(reports: list[Report]) -> int:
    if any(report.failure for report in reports):
        return 1
    if any(report.drifted or report.problems for report in reports):
        return 2
    return ALREADY_RUNNING if any(report.already_running for report in reports) else 0


def _check(scope: Scope, organization_id: str, *, is_json: bool) -> tuple[str, Report]:
    """Checks an organization; returns its name and the report. A failure does not stop the others."""
    name = organization_id
    try:
        organization = directory.by_id(scope, organization_id)
        name = organization.name
        report = runs.run(scope.for_organization(organization), context.outbound(), everything=True)
    except Exception as error:
        scope.session.rollback()
        log.exception("check.failed", organization=organization_id)
        report = Report(failure=f"The check failed ({type(error).__name__}). See the log.")
    if not is_json:
        click.echo(f"{name}: {report.words()}", err=report.failure is not None)
    return name, report


@click.command("prepare", cls=Command)
def prepare() -> None:
    """Migrates the database, and saves the key check of a new one."""
    startup.prepare()


@click.command("serve", cls=Command)
def serve() -> None:
    """Migrates the database, prints the setup link if there is no user yet, and serves.

    Refuses to start if another server uses the same data folder or address.
    """
    settings = context.settings()
    try:
        claims = serving.claim(settings, partial(_print, err=True))
    except (serving.InUse, SettingsError) as error:
        raise click.ClickException(f"Patchbay cannot start: {error}") from None
    startup.prepare()
    if settings.is_sqlite:
        jobs.interrupt_running(startup.console())
    _adopt_keys(settings)
    for finding in preflight.warnings(settings):
        log.warning(finding.code, message=finding.message)
    address = _address(settings)
    _print(f"Patchbay serves on {address}")
    token = setup.new_setup_token(startup.console())
    if token:
        _print(f"\n  Open this link once to set up the first superadmin:\n  {address}/setup#{token}\n")
    db.session.remove()
    db.engine.dispose()
    serving.run_server(settings, claims)


def _print(text: str, *, err: bool = False) -> None:
    """Prints the text, and ignores errors: a full disk under the log must not stop the server."""
    with suppress(OSError):
        click.echo(text, err=err)


def _adopt_keys(settings: Settings) -> None:
    """Adopts this machine's keys, or raises ClickException if other machines have others.

    With SQLite there is only one machine, so that a restart may replace its keys.
    """
    try:
        signing_keys.adopt(startup.console(), replace=settings.is_sqlite)
    except keys.KeyMismatch as error:
        raise click.ClickException(f"Patchbay cannot start: {error}") from None


def _address(settings: Settings) -> str:
    """Returns the URL that a browser on this machine opens."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{settings.port}"


@click.command("demo", cls=Command)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def fill_demo(password_stdin: bool) -> None:
    """Fills an empty database with sample organizations, and prints the account to sign in with.

    Without --password-stdin it generates a password and prints it.
    """
    from app import demo_data as demo

    startup.prepare()
    generated = "-".join(secrets.token_hex(3) for _ in range(4))
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else generated
    try:
        organization = demo.fill(startup.console(), context.outbound(), password)
    except PatchbayError as error:
        raise _fail(error) from None
    with_password = "" if password_stdin else f" with the password {password}"
    click.echo(f"{organization.name}: sign in as {demo.EMAIL}{with_password}")
