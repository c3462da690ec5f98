"""HTTP clients of a running Patchbay: for the API with a token, and for the portal with a session."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from devtools.html import Element, filled, parse
from devtools.scopes import PASSWORD

SECONDS = 60


class Unanswered(Exception):
    """The connection ended before a complete response: the request may have succeeded or not."""


@dataclass(frozen=True)
class Response:
    status: int
    headers: HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One keep-alive connection, which is reopened if it was lost."""

    def __init__(self, url: str, *, seconds: float = SECONDS) -> None:
        self._url = url
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=seconds)

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Returns the response, even if its status is an error. Raises Unanswered."""
        try:
            self._connection.request(method, path, body, dict(headers or {}))
            response = self._connection.getresponse()
            return Response(response.status, response.headers, response.read())
        except (OSError, HTTPException) as error:
            self.close()
            raise Unanswered(f"{method} {path}: {error!r}") from error

    def close(self) -> None:
        self._connection.close()


class ApiClient(Client):
    """Sends JSON with a bearer token."""

    def __init__(self, url: str, token: str, *, seconds: float = SECONDS) -> None:
        super().__init__(url, seconds=seconds)
        self._token = token

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """Sends JSON. The names of `headers` are Python's: `if_match` is If-Match."""
        all_headers = {"Authorization": f"Bearer {self._token}"}
        all_headers |= {name.replace("_", "-"): value for name, value in headers.items()}
        if body is None:
            return self.send(method, path, headers=all_headers)
        return self.send(
            method, path, json.dumps(body).encode(), all_headers | {"Content-Type": "application/json"}
        )


class PortalClient(Client):
    """A client like a browser without JavaScript: it stores cookies and submits the forms of pages."""

    def __init__(
        self, url: str, *, cookies: Mapping[str, str] | None = None, seconds: float = SECONDS
    ) -> None:
        super().__init__(url, seconds=seconds)
        self.cookies = dict(cookies or {})

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        answer = self.submit("/sign-in", "password", {"email": email, "password": password})
        assert answer.status == 303, f"signing in: {answer.status}"

    def get(self, path: str) -> Response:
        answer = self.send("GET", path, headers=self._headers())
        self._remember(answer)
        return answer

    def form(self, path: str, control: str = "", *, action: str = "") -> tuple[str, Element]:
        """Returns a form's address and element, found by a `control` or the end of its address.

        Raises Refused if the status of the page is not 200.
        """
        answer = self.get(path)
        if answer.status != 200:
            raise Refused(answer)
        page = parse(answer.body.decode())
        forms = [form for form in page.all("form") if form.get("method") == "post"]
        matching_forms = [
            form
            for form in forms
            if (not control or any(each.get("name") == control for each in form.walk()))
            and form.get("action").endswith(action)
        ]
        assert matching_forms, f"{path} has no form with {control or action!r}: {page.text}"
        return urljoin(path, matching_forms[0].get("action") or path), matching_forms[0]

    def submit(self, path: str, control: str, values: Mapping[str, Any]) -> Response:
        """Fills in the form with that control and submits it. Does not follow a redirect."""
        return self.post(*self.form(path, control), values)

    def post(self, address: str, form: Element, values: Mapping[str, Any]) -> Response:
        body = urlencode(filled(form, values)).encode()
        headers = self._headers() | {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self.send("POST", address, body, headers)
        self._remember(answer)
        assert "/sign-in?" not in answer.headers.get("Location", ""), f"POST {address}: the session has ended"
        return answer

    def _headers(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def _remember(self, answer: Response) -> None:
        for header in answer.headers.get_all("Set-Cookie", []):
            name, _, value = header.partition(";")[0].partition("=")
            self.cookies[name] = value


class Refused(Exception):
    """A page that is needed for a write could not be read."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"{response.status} {response.body[:300]!r}")
        self.response = response
