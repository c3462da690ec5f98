"""What a kind of destination is: a declaration of its fields, and how it sends a message.

To add one, write a file `app/destinations/<key>.py` with one subclass of `Kind`:

    class Pager(Kind):
        key = "pager"
        label = "Pager"
        summary = "Pages the team that is on call."

        token = Secret("Token", required=True)

        def send(self, post, values, message):
            return accepted_status(post.http.send("POST", URL, json={"text": message.title}))

It is found, not listed. The form, the sealing of secrets, the API and its document derive from the fields.
`send` returns the status of the response, and raises `NotSent` with a sentence if the message was refused.
"""

from app.destination.base import Kind, NotSent, Post, accepted_status
from app.destination.fields import MailAddress, ReceiverUrl
from app.destination.message import Message, Tone

__all__ = [
    "Kind",
    "MailAddress",
    "Message",
    "NotSent",
    "Post",
    "ReceiverUrl",
    "Tone",
    "accepted_status",
]
