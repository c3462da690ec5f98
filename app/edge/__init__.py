"""The front of the server: it takes requests whole and sends responses, so that slow clients hold no thread.

granian calls `Edge` through ASGI. One event loop waits for everything that depends on a client: for the
body of a request, and for a response to be taken. Flask runs in threads, and a thread is given to a request
when its body is there, and back when the response is made. See docs/decisions/0009-slow-clients.md.
"""

from app.edge.asgi import Edge

__all__ = ["Edge"]
