"""The extensions, unbound: `create_app` binds them."""

from __future__ import annotations

from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from flask_wtf import CSRFProtect
from htmx_flask import Htmx
from sqlalchemy.exc import DBAPIError

from app.models import Base


class ClosableSession(Session):
    """Closes also when its database has gone: the response of the request is made by then."""

    def close(self) -> None:
        try:
            super().close()
        except DBAPIError:
            self.invalidate()


db = SQLAlchemy(
    metadata=Base.metadata,
    session_options={"expire_on_commit": False, "class_": ClosableSession},
)
migrate = Migrate()
login = LoginManager()
csrf = CSRFProtect()
htmx = Htmx()
