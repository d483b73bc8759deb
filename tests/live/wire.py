"""HTTP by hand: one connection, open before a race starts, one answer, nothing clever.

Only ``Host``, ``Content-Length`` and ``Accept-Encoding: identity`` are sent unasked.
"""

import http.client
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

FORM = "application/x-www-form-urlencoded"
SECONDS = 30
NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; ``headers`` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that is ready to be sent, from any connection, any number of times."""

    path: str
    body: bytes
    headers: Mapping[str, str]
    method: str = "POST"


class Wire:
    """One persistent connection to a server, connected at once."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._connection = http.client.HTTPConnection(*address, timeout=SECONDS)
        self._connection.connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up, whether or not an answer is due."""
        self._connection.close()

    def send(self, prepared: Prepared) -> None:
        """Send the request, without waiting for the answer."""
        self._connection.request(
            prepared.method, prepared.path, prepared.body, dict(prepared.headers)
        )

    def receive(self) -> Answer:
        """The answer to what was sent last."""
        response = self._connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())

    def post(self, prepared: Prepared) -> Answer:
        """Send it and wait for the answer."""
        self.send(prepared)
        return self.receive()


def prepare_form(
    path: str, fields: Iterable[tuple[str, str]], headers: Mapping[str, str] = NO_HEADERS
) -> Prepared:
    """A form."""
    return Prepared(path, urlencode(list(fields)).encode(), {"Content-Type": FORM, **headers})


def prepare_json(path: str, document: Any, headers: Mapping[str, str] = NO_HEADERS) -> Prepared:
    """JSON."""
    return Prepared(
        path, json.dumps(document).encode(), {"Content-Type": "application/json", **headers}
    )
