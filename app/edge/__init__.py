"""The front of the server: buffers requests and sends responses, so that slow clients hold no thread.

granian calls `Edge` through ASGI. One event loop waits for everything that depends on a client: for the
body of a request to arrive, and for a response to be received. Flask runs in threads: a request is assigned
one when its body is complete, until its response is made. See docs/decisions/0009-slow-clients.md.
"""

from app.edge.asgi import Edge

__all__ = ["Edge"]
