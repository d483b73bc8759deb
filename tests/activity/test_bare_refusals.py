"""Refusals that Django or the server of static files would leave without a word."""

from typing import Any

import pytest
from django.test import Client as Browser

pytestmark = pytest.mark.django_db
STYLES = "/static/docjacket.css"


def test_a_static_file_is_served() -> None:
    answer = Browser().get(STYLES)
    assert answer.status_code == 200
    assert answer.getvalue()


@pytest.mark.parametrize(
    ("method", "headers", "status", "reason"),
    [
        ("POST", {}, 405, "method_not_allowed"),
        ("GET", {"Range": "bytes=99999999-"}, 416, "bad_request"),
    ],
)
def test_what_a_static_file_cannot_do_is_refused_in_our_own_words(
    log: Any, method: str, headers: dict[str, str], status: int, reason: str
) -> None:
    answer = Browser().generic(method, STYLES, headers=headers)
    assert answer.status_code == status
    assert answer.get("Allow") == ("GET, HEAD" if status == 405 else None)
    row = log().get()
    assert answer.json()["reference"] == answer["Reference-Id"] == row.reference
    assert (row.event, row.reason, row.http_status) == ("http.request.refused", reason, status)


@pytest.mark.parametrize(("path", "kind"), [("/token", "application/json"), ("/", "text/html")])
def test_endpoints_of_programs_answer_in_json_whatever_is_accepted(path: str, kind: str) -> None:
    answer = Browser().post(path, headers={"Host": "evil.example", "Accept": "text/html"})
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith(kind)
    assert answer["Reference-Id"] in answer.content.decode()
