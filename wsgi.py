"""The application of `flask` commands and of the server's workers."""

import gc
import sys

import click

gc.disable()  # most of what the imports make stays for good: looking through it takes a fifth of the start

from app import background, create_app  # noqa: E402
from app.backup import cli  # noqa: E402
from app.config import SettingsError  # noqa: E402
from app.core.errors import Unavailable  # noqa: E402
from app.provider import DeclarationError  # noqa: E402
from app.services.installation.keys import KeyMismatch  # noqa: E402

if cli.is_restore(sys.argv):
    app = cli.bare_app()
else:
    try:
        app = create_app()
    except (SettingsError, KeyMismatch, DeclarationError, Unavailable) as error:
        sys.exit(f"Patchbay cannot start: {error}")

    is_command = click.get_current_context(silent=True) is not None
    background.init_app(app, serves=not is_command)

gc.freeze()
gc.enable()
