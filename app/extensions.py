"""Flask extensions, which `create_app` binds to the application."""

from __future__ import annotations

from flask import current_app
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from htmx_flask import Htmx
from sqlalchemy.exc import DBAPIError

from app.csrf_tokens import MaskedCSRFProtect
from app.models import Base


class PortalSession(Session):
    """Counts its commits, and ignores errors when it closes, since the response is made by then."""

    def commit(self) -> None:
        super().commit()
        current_app.extensions["patchbay_committed"]()

    def close(self) -> None:
        try:
            super().close()
        except DBAPIError:
            self.invalidate()


db = SQLAlchemy(
    metadata=Base.metadata,
    session_options={"expire_on_commit": False, "class_": PortalSession},
)
migrate = Migrate()
login = LoginManager()
csrf = MaskedCSRFProtect()
htmx = Htmx()
