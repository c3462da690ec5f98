"""What granian serves: the application behind its edge."""

from app import limits, postgresql
from app.edge import Edge
from app.extensions import db
from wsgi import app as flask_app

with flask_app.app_context():
    postgresql.limit_statements(db.engine)

app = Edge(flask_app, limits.limit_of(flask_app))
