"""Rotation step by step: what signs, what is accepted, what is published, and the emergency."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from oauth_ext.key_rotation import Step, replace_at_once, rotate, write_key
from oauth_ext.keys import build_private_key, get_key_ring
from tests.conftest import World
from tests.oauth_client import OAuthClient
from tests.oauth_ext.test_database_faults import broken_from

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def keys(tmp_path: Path, settings: Any) -> Path:
    """A key directory of the test's own, with a current key."""
    write_key(tmp_path / "current.pem", build_private_key("ES256"))
    settings.SIGNING_KEYS_DIR = tmp_path
    return tmp_path


@pytest.fixture
def connected(oauth: OAuthClient, world: World, keys: Path) -> Callable[[], dict[str, Any]]:
    """A client that has gone the whole way; called, it refreshes."""
    oauth.register()
    held = oauth.exchange(oauth.obtain_code(world.alice, world.acme)).json()

    def refresh() -> dict[str, Any]:
        held.update(oauth.refresh(held["refresh_token"]).json())
        return held

    return refresh


def list_published(oauth: OAuthClient) -> list[str]:
    """The key ids in the key set."""
    document = oauth.http.get("/.well-known/jwks.json").json()
    return [key["kid"] for key in document["keys"]]


def find_kid(token: str) -> str:
    """The key that a token names."""
    kid: str = jwt.get_unverified_header(token)["kid"]
    return kid


@pytest.mark.case(230)
def test_a_whole_rotation_refuses_no_token_that_has_not_expired(
    oauth: OAuthClient, keys: Path, connected: Any
) -> None:
    now = timezone.now()
    old = connected()["access_token"]
    assert rotate(keys, now) is Step.PUBLISHED
    assert len(list_published(oauth)) == 2
    assert rotate(keys, now + DAY - HOUR) is Step.WAITING
    assert find_kid(connected()["access_token"]) == find_kid(old)

    assert rotate(keys, now + DAY + HOUR) is Step.ACTIVATED
    new = connected()["access_token"]
    assert find_kid(new) != find_kid(old)
    assert list_published(oauth) == [find_kid(new), find_kid(old)]
    assert [oauth.call(token).status_code for token in (old, new)] == [200, 200]

    assert rotate(keys, now + DAY + 2 * HOUR) is Step.WAITING
    assert rotate(keys, now + DAY + 4 * HOUR) is Step.RETIRED
    assert list_published(oauth) == [find_kid(new)]
    # By now it would have expired; remembered or not, its key is gone.
    assert [oauth.call(token).status_code for token in (old, new)] == [401, 200]


@pytest.mark.case(230)
def test_a_published_key_is_accepted_before_it_signs(oauth: OAuthClient, keys: Path) -> None:
    rotate(keys, timezone.now())
    current, upcoming = list_published(oauth)
    assert get_key_ring().current.kid == current
    assert rotate(keys, timezone.now(), at_once=True) is Step.ACTIVATED
    assert get_key_ring().current.kid == upcoming


def test_an_emergency_refuses_every_access_token_and_a_refresh_heals(
    oauth: OAuthClient, keys: Path, connected: Any
) -> None:
    rotate(keys, timezone.now())
    old = connected()["access_token"]
    assert oauth.call(old).status_code == 200
    assert replace_at_once(keys) is Step.REPLACED
    assert oauth.call(old).status_code == 401
    assert oauth.call(connected()["access_token"]).status_code == 200
    assert len(list_published(oauth)) == 1


@pytest.mark.case(8)
def test_rs256_can_be_rotated_to(oauth: OAuthClient, keys: Path, connected: Any) -> None:
    old = connected()["access_token"]
    rotate(keys, timezone.now(), algorithm="RS256")
    rotate(keys, timezone.now(), at_once=True)
    new = connected()["access_token"]
    assert jwt.get_unverified_header(new)["alg"] == "RS256"
    assert [oauth.call(token).status_code for token in (old, new)] == [200, 200]
    published = oauth.http.get("/.well-known/jwks.json").json()["keys"]
    assert {key["alg"] for key in published} == {"ES256", "RS256"}
    assert all(not {"d", "p", "q", "dp", "dq", "qi"} & set(key) for key in published)


def test_a_file_that_breaks_leaves_the_keys_in_force(
    oauth: OAuthClient, keys: Path, connected: Any
) -> None:
    token = connected()["access_token"]
    write_key(keys / "current.pem", "not a key")
    assert oauth.call(token).status_code == 200
    write_key(keys / "current.pem", build_private_key("ES256"))
    assert oauth.call(token).status_code == 401
    assert oauth.call(connected()["access_token"]).status_code == 200


def test_keys_are_for_their_owner_only(keys: Path) -> None:
    rotate(keys, timezone.now())
    rotate(keys, timezone.now(), at_once=True)
    assert {path.name for path in keys.iterdir()} == {"current.pem", "previous.pem"}
    assert {path.stat().st_mode & 0o777 for path in keys.iterdir()} == {0o600}


def test_the_command_says_what_comes_next_and_leaves_a_row(
    keys: Path, db: None, log: Any, capsys: Any
) -> None:
    call_command("rotate_signing_key")
    assert "Run this again in a day" in capsys.readouterr().out
    call_command("rotate_signing_key")
    signs_at = datetime.fromtimestamp((keys / "next.pem").stat().st_mtime, UTC) + DAY
    said = f"The new key may sign from {signs_at.day} {signs_at:%b %Y, %H:%M} UTC."
    assert said in capsys.readouterr().out
    call_command("rotate_signing_key", now=True)
    call_command("rotate_signing_key")
    assert "The old key may be retired from" in capsys.readouterr().out
    call_command("rotate_signing_key", emergency=True)
    steps = [row.reason for row in reversed(log().filter(event="oauth.signing_key.rotated"))]
    assert steps == ["published", "activated", "replaced"]


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("published", [False, True])
def test_without_a_database_no_step_is_taken(
    keys: Path, db: None, published: bool, nth: int
) -> None:
    if published:
        rotate(keys, timezone.now())
    before = {path.name: path.read_text() for path in keys.iterdir()}
    refused = pytest.raises(
        CommandError, match="Nothing was changed: the database cannot be reached"
    )
    with broken_from(nth), refused:
        call_command("rotate_signing_key", now=True)
    assert {path.name: path.read_text() for path in keys.iterdir()} == before


def test_an_emergency_does_not_wait_for_the_database_and_says_that_no_row_was_written(
    keys: Path, db: None, capsys: Any
) -> None:
    before = (keys / "current.pem").read_text()
    refused = pytest.raises(CommandError, match=r"No row could be written: .* Note it yourself")
    with broken_from(1), refused:
        call_command("rotate_signing_key", emergency=True)
    assert "replaced at once" in capsys.readouterr().out
    assert (keys / "current.pem").read_text() != before


def test_a_step_that_fails_leaves_no_row(keys: Path, db: None, log: Any) -> None:
    call_command("rotate_signing_key")
    (keys / "current.pem").unlink()
    with pytest.raises(FileNotFoundError):
        call_command("rotate_signing_key", now=True)
    assert [row.reason for row in log()] == ["published"]
