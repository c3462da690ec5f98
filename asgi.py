"""What granian serves: the application behind its edge."""

from app import limits
from app.edge import Edge
from wsgi import app as flask_app

app = Edge(flask_app, limits.limit_of(flask_app))
