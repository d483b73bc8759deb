"""A good token whose permission has ended or is too small: the tool does not run at all."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Membership, Organization, User
from oauth_ext.models import Client, Connection, TokenFamily
from tests.mcp_client import McpClient
from tests.mcp_endpoint.conftest import AddTool, Join, ProbeResult, rows_of

pytestmark = pytest.mark.django_db

ENDED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "family revoked": (
        lambda world: TokenFamily.objects.update(revoked_at=timezone.now()),
        "token_revoked",
    ),
    "connection revoked": (
        lambda world: Connection.objects.update(revoked_at=timezone.now()),
        "connection_revoked",
    ),
    "connection paused": (
        lambda world: Connection.objects.update(paused_at=timezone.now()),
        "connection_paused",
    ),
    "user inactive": (lambda world: User.objects.update(is_active=False), "user_inactive"),
    "password reset": (
        lambda world: User.objects.update(tokens_valid_from=timezone.now()),
        "password_reset",
    ),
    "membership ended": (lambda world: Membership.objects.all().delete(), "membership_ended"),
    "organization suspended": (
        lambda world: Organization.objects.update(is_active=False),
        "organization_inactive",
    ),
    "client switched off": (
        lambda world: Client.objects.update(disabled_at=timezone.now()),
        "client_disabled",
    ),
}


@pytest.mark.case(237)
@pytest.mark.parametrize("what", ENDED)
@pytest.mark.parametrize("send", ["modern", "legacy"])
def test_a_tool_does_not_run_once_the_permission_has_ended(
    world: Any, join: Join, add_tool: AddTool, what: str, send: str
) -> None:
    runs: list[Any] = []

    def run(context: Any, arguments: Any) -> ProbeResult:
        runs.append(context)
        return ProbeResult(text="ran")

    name = add_tool(run, scope="draft", read_only=False)
    mcp = McpClient(join(world.alice, world.acme).access_token)
    assert getattr(mcp, send)("tools/call", {"name": name, "arguments": {}}).status_code == 200
    end, reason = ENDED[what]
    end(world)
    answer = getattr(mcp, send)("tools/call", {"name": name, "arguments": {}})
    assert answer.status_code == (403 if reason == "connection_paused" else 401)
    assert len(runs) == 1
    (row,) = rows_of(answer["Reference-Id"])
    assert (row.event, row.reason) == ("mcp.token.refused", reason)
    assert (row.user_id, row.organization_id) == (world.alice.id, world.acme.id)


@pytest.mark.case(238)
def test_a_tool_does_not_run_with_too_small_a_scope(
    world: Any, join: Join, add_tool: AddTool
) -> None:
    runs: list[Any] = []

    def run(context: Any, arguments: Any) -> ProbeResult:
        runs.append(context)
        return ProbeResult(text="ran")

    name = add_tool(run, scope="actions", read_only=False)
    answer = McpClient(join(world.alice, world.acme, ("read", "draft")).access_token).call(name)
    assert (answer.status_code, runs) == (403, [])
    assert McpClient(join(world.alice, world.acme).access_token).call(name).status_code == 200
    assert len(runs) == 1
