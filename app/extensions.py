"""The extensions, unbound: `create_app` binds them."""

from __future__ import annotations

from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from htmx_flask import Htmx

from app.models import Base

db = SQLAlchemy(
    metadata=Base.metadata,
    session_options={"expire_on_commit": False},
)
migrate = Migrate()
login = LoginManager()
csrf = CSRFProtect()
htmx = Htmx()
