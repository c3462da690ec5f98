import sys

import click

from app import background, create_app
from app.backup import cli
from app.config import SettingsError
from app.core.errors import Unavailable
from app.provider import DeclarationError
from app.services.installation.keys import KeyMismatch

if cli.is_restore(sys.argv):
    app = cli.bare_app()
else:
    try:
        app = create_app()
    except (SettingsError, KeyMismatch, DeclarationError, Unavailable) as error:
        sys.exit(f"Patchbay cannot start: {error}")

    is_command = click.get_current_context(silent=True) is not None
    background.init_app(app, serves=not is_command)
