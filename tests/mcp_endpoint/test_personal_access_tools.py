"""Listing and revoking personal access tokens by tool."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from oauth_ext.models import PersonalAccessToken
from tests.mcp_client import McpClient
from tests.mcp_endpoint.conftest import ALL_SCOPES, Join, rows_of

pytestmark = pytest.mark.django_db

WHOLE = {"whole_organization": True}
Mint = Callable[..., str]


@pytest.fixture
def alice(world: Any, join: Join) -> McpClient:
    """Alice, owner of Acme."""
    return McpClient(join(world.alice, world.acme).access_token)


@pytest.fixture
def ben(world: Any, join: Join) -> McpClient:
    """Ben, a member of Acme."""
    return McpClient(join(world.ben, world.acme).access_token)


def listed(mcp: McpClient, arguments: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    found = mcp.use("list_personal_access_tokens", arguments)
    assert found["total"] == len(found["personal_access_tokens"])
    entries: list[dict[str, Any]] = found["personal_access_tokens"]
    return entries


def id_of(secret: str) -> str:
    return str(PersonalAccessToken.objects.get(hint=secret[-4:]).id)


@pytest.mark.case(315)
def test_a_person_lists_their_own_tokens_of_this_organization_only(
    world: Any, mint: Mint, alice: McpClient, ben: McpClient
) -> None:
    own, bens = mint(world.alice, world.acme), mint(world.ben, world.acme)
    mint(world.alice, world.borealis)
    mint(world.cleo, world.borealis)
    (entry,) = listed(alice)
    assert (entry["personal_access_id"], entry["last_four"]) == (id_of(own), own[-4:])
    assert (entry["scopes"], entry["state"], entry["only_tools"]) == (["read"], "active", None)
    assert entry["is_this_token"] is False
    assert [each["personal_access_id"] for each in listed(ben)] == [id_of(bens)]
    assert {each["personal_access_id"] for each in listed(alice, WHOLE)} == {
        id_of(own),
        id_of(bens),
    }
    answer = ben.call("list_personal_access_tokens", WHOLE)
    assert "Only owners and admins" in answer.json()["result"]["content"][0]["text"]
    (row,) = rows_of(answer["Reference-Id"])
    assert (row.outcome, row.reason) == ("refused", "not_an_administrator")


def test_no_secret_is_told_and_the_token_knows_itself(world: Any, mint: Mint) -> None:
    secret = mint(world.alice, world.acme)
    answer = McpClient(secret).call("list_personal_access_tokens")
    assert secret[:-4] not in answer.content.decode()
    assert PersonalAccessToken.objects.get().token_hash not in answer.content.decode()
    (entry,) = answer.json()["result"]["structuredContent"]["personal_access_tokens"]
    assert entry["is_this_token"] is True


def test_the_list_tells_how_a_token_stands(
    world: Any, mint: Mint, alice: McpClient, settings: Any
) -> None:
    mint(world.alice, world.acme)
    token = PersonalAccessToken.objects.get()
    PersonalAccessToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert listed(alice)[0]["state"] == "expired"
    PersonalAccessToken.objects.update(allowed_tools=["whoami"], expires_at=token.expires_at)
    assert listed(alice)[0]["only_tools"] == ["whoami"]
    note = alice.use("list_personal_access_tokens")["note"]
    assert "/settings/ai-access" in note
    settings.PERSONAL_TOKENS_ENABLED = False
    assert "switched off" in alice.use("list_personal_access_tokens")["note"]
    PersonalAccessToken.objects.update(revoked_at=timezone.now())
    assert listed(alice) == []


@pytest.mark.case(247)
def test_a_revoked_token_is_refused_at_its_next_call_and_no_other_is(
    world: Any, mint: Mint, alice: McpClient
) -> None:
    doomed, spared = mint(world.alice, world.acme), mint(world.alice, world.acme)
    assert McpClient(doomed).call("whoami").status_code == 200
    answer = alice.call("revoke_personal_access_token", {"personal_access_id": id_of(doomed)})
    assert "refused from now on" in answer.json()["result"]["structuredContent"]["message"]
    rows = rows_of(answer["Reference-Id"])
    assert [row.event for row in rows] == ["oauth.personal_token.revoked", "mcp.tool.called"]
    assert rows[0].details["by_user"] == str(world.alice.id)
    assert rows[1].details["arguments"] == {"personal_access_id": id_of(doomed)}
    assert McpClient(doomed).call("whoami").status_code == 401
    assert McpClient(spared).call("whoami").status_code == 200


def test_a_token_may_revoke_itself_and_is_told_so(world: Any, mint: Mint) -> None:
    secret = mint(world.alice, world.acme, *ALL_SCOPES)
    mcp = McpClient(secret)
    told = mcp.use("revoke_personal_access_token", {"personal_access_id": id_of(secret)})
    assert "the token that made this call" in told["message"]
    assert mcp.call("whoami").status_code == 401


@pytest.mark.case(312)
def test_a_token_that_is_not_for_the_person_answers_as_one_that_does_not_exist(
    world: Any, mint: Mint, alice: McpClient, ben: McpClient
) -> None:
    alices, elsewhere = mint(world.alice, world.acme), mint(world.alice, world.borealis)
    cleos, bens = mint(world.cleo, world.borealis), mint(world.ben, world.acme)
    gone = mint(world.alice, world.acme)
    PersonalAccessToken.objects.filter(id=id_of(gone)).update(revoked_at=timezone.now())
    before = list(PersonalAccessToken.objects.order_by("id").values())
    tool = "revoke_personal_access_token"
    nonexistent = ben.fail(tool, {"personal_access_id": str(uuid4())})
    assert nonexistent.startswith("There is no such personal access token.")
    for who, target in (
        (ben, alices),
        (ben, cleos),
        (alice, elsewhere),
        (alice, cleos),
        (alice, gone),
    ):
        answer = who.call(tool, {"personal_access_id": id_of(target)})
        assert answer.json()["result"]["content"][0]["text"] == (
            f"{nonexistent} Reference: {answer['Reference-Id']}"
        )
        (row,) = rows_of(answer["Reference-Id"])
        assert (row.outcome, row.reason) == ("refused", "no_such_personal_token")
    assert list(PersonalAccessToken.objects.order_by("id").values()) == before
    told = alice.use(tool, {"personal_access_id": id_of(bens)})
    assert world.ben.email in told["message"]
    assert McpClient(bens).call("whoami").status_code == 401


def test_a_replaced_token_is_listed_while_it_works(
    world: Any, mint: Mint, alice: McpClient
) -> None:
    mint(world.alice, world.acme)
    old = PersonalAccessToken.objects.get()
    mint(world.alice, world.acme)
    PersonalAccessToken.objects.exclude(id=old.id).update(replaces=old)
    assert [entry["state"] for entry in listed(alice)] == ["active", "replaced"]
    PersonalAccessToken.objects.filter(id=old.id).update(expires_at=timezone.now())
    with time_machine.travel(timezone.now() + timedelta(seconds=1), tick=False):
        assert [entry["state"] for entry in listed(alice)] == ["active"]
