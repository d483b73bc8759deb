"""A caller of the REST API, and the rows that its requests leave."""

import json
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from activity.models import ActivityEvent
from activity.origin import Origin
from oauth_ext.client_metadata import parse_client_metadata
from oauth_ext.registration import register_client
from tests.oauth_client import CALLBACK

ALL_SCOPES = ("read", "draft", "actions")
Join = Callable[..., Any]


class ApiClient:
    """One caller; ``token`` None sends no credential."""

    def __init__(self, token: str | None = None) -> None:
        self.token = token
        self.http = Client(raise_request_exception=True)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> HttpResponse:
        """One request below ``/api/v1/``; ``body`` is sent as it is if bytes, else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        credential = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self.http.generic(
            method,
            f"/api/v1/{path}",
            b"" if body is None else content,
            content_type=content_type,
            headers=credential | dict(headers or {}),
        )

    def get(self, path: str, **headers: str) -> Any:
        """What a GET answers with that succeeds."""
        answer = self.send("GET", path, headers=headers)
        assert answer.status_code == 200, answer.content
        return answer.json()


@pytest.fixture
def join(connect: Any, origin: Origin) -> Join:
    """Connect a person through a client of its own."""
    numbers = count()

    def join(user: Any, organization: Any, scopes: tuple[str, ...] = ALL_SCOPES) -> Any:
        metadata = parse_client_metadata(
            {"client_name": f"Client {next(numbers)}", "redirect_uris": [CALLBACK]}
        )
        with transaction.atomic():
            client = register_client(metadata, origin=origin)
            return connect(user, organization, scopes, client=client)

    return join


@pytest.fixture
def alice_acme(world: Any, join: Join) -> Any:
    """Alice's connection for Acme with every scope."""
    return join(world.alice, world.acme)


@pytest.fixture
def api(alice_acme: Any) -> ApiClient:
    """Alice, who owns Acme, with every scope."""
    return ApiClient(alice_acme.access_token)


def rows_of(answer: HttpResponse) -> list[ActivityEvent]:
    """The rows of one request, oldest first."""
    return list(ActivityEvent.objects.with_reference(answer["Reference-Id"]).order_by("id"))


def problem_of(answer: HttpResponse, status: int, slug: str) -> dict[str, Any]:
    """The problem that an answer is, after what all of them have in common was checked."""
    assert answer.status_code == status, (answer.status_code, answer.content)
    assert answer["Content-Type"] == "application/problem+json"
    assert "no-store" in answer["Cache-Control"]
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["type"].endswith(f"/api/v1/docs#{slug}"), problem["type"]
    assert problem["title"] and problem["detail"].endswith(".")
    assert problem["reference"] == answer["Reference-Id"]
    return problem
