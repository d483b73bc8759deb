"""POST /leaked-tokens: what somebody found is dead, its owner knows, the finder learns nothing."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import TokenBucket
from activity.events import Event
from activity.narrative import TITLES
from activity.origin import Origin
from oauth_ext.client_secrets import is_secret_of
from oauth_ext.machine_secrets import SecretKind, compute_checksum, mint_secret
from oauth_ext.models import PersonalAccessToken, TokenFamily
from oauth_ext.operator_clients import renew_secret
from oauth_ext.personal_token_replacement import replace_personal_token
from tests.conftest import Connected, World
from tests.oauth_client import OAuthClient
from tests.oauth_ext.confidential import make_confidential
from tests.oauth_ext.conftest import photograph, refusal_of, row_behind

pytestmark = [pytest.mark.django_db, pytest.mark.case(252)]

UNKNOWN = "mcp_at_" + "0" * 43
UNKNOWN += compute_checksum(UNKNOWN)
URL = "https://github.example/acme/app/blob/1/config.py"

Report = Callable[..., HttpResponse]


@pytest.fixture
def report(django_capture_on_commit_callbacks: Any) -> Report:
    """Send a report as a scanner does; mails go out as if it were committed."""

    def report(*tokens: str, **changes: Any) -> HttpResponse:
        entries = [
            {"token": token, "type": "docjacket_token", "url": URL, "source": "content"}
            for token in tokens
        ]
        body = changes.pop("body", json.dumps(entries))
        with django_capture_on_commit_callbacks(execute=True):
            return Browser(enforce_csrf_checks=True).post(
                "/leaked-tokens",
                body,
                changes.pop("content_type", "application/json"),
                REMOTE_ADDR=changes.pop("ip", "198.51.100.7"),
            )

    return report


def described(answer: HttpResponse) -> tuple[Any, ...]:
    """All that the finder sees, but the reference."""
    headers = {name: value for name, value in answer.items() if name != "Reference-Id"}
    return answer.status_code, answer.content, headers


def test_a_personal_token_is_revoked_and_its_owner_told(
    report: Report, oauth: OAuthClient, mint: Any, world: World, log: Any
) -> None:
    secret, other = mint(world.alice, world.acme), mint(world.alice, world.acme)
    assert oauth.call(secret).status_code == 200
    answer = report(secret)
    assert (answer.status_code, answer.content) == (200, b"[]")
    assert answer["Cache-Control"] == "no-store"
    assert oauth.call(secret).status_code == 401
    assert oauth.call(other).status_code == 200
    row = log().get(event="oauth.personal_token.leaked")
    assert (row.user_id, row.organization_id) == (world.alice.id, world.acme.id)
    assert (row.reason, row.details["claimed_url"]) == ("leaked", URL)
    (message,) = mail.outbox
    assert message.to == ["alice@acme.example"]
    assert "we revoked the token “Script”" in message.subject
    assert f"mcp_at_…{secret[-4:]}" in message.body and "127.0.0.0/24" in message.body
    # A stranger's text has no place in a mail of ours.
    assert secret[7:-4] not in message.body and URL not in message.body


@pytest.mark.parametrize("overlap", [timedelta(hours=1), timedelta(0)])
def test_the_owner_is_told_of_a_predecessor_that_goes_on_working_and_of_no_other(
    report: Report, oauth: OAuthClient, mint: Any, world: World, origin: Any, overlap: timedelta
) -> None:
    old_secret = mint(world.alice, world.acme)
    old = PersonalAccessToken.objects.get()
    successor = replace_personal_token(
        token_id=old.id, user_id=world.alice.id, overlap=overlap, nonce="n" * 32, origin=origin
    )
    report(successor)
    (message,) = mail.outbox
    old.refresh_from_db()
    told = f"mcp_at_…{old.hint}, goes on working until\n{old.expires_at:%-d %B %Y, %H:%M} UTC."
    assert (told in message.body) is bool(overlap)
    assert ("goes on working" in message.body) is bool(overlap)
    assert oauth.call(old_secret).status_code == (200 if overlap else 401)
    # Where it was is a stranger's text: the mail says where to read it.
    assert TITLES[Event.PERSONAL_TOKEN_LEAKED] in " ".join(message.body.split())
    assert URL not in message.body


@pytest.mark.parametrize("which", ["access_token", "refresh_token", "retired"])
def test_a_sign_in_s_token_of_any_kind_ends_the_family(
    report: Report,
    oauth: OAuthClient,
    alice_acme: Connected,
    connect: Callable[..., Connected],
    world: World,
    log: Any,
    which: str,
) -> None:
    neighbour = connect(world.ben, world.acme)
    current = alice_acme.refresh_token
    if which == "retired":
        current = oauth.refresh(current).json()["refresh_token"]
        which = "refresh_token"
    assert report(getattr(alice_acme, which)).status_code == 200
    assert oauth.call(alice_acme.access_token).status_code == 401
    assert refusal_of(oauth.refresh(current), "invalid_grant").reason == "token_revoked"
    assert oauth.call(neighbour.access_token).status_code == 200
    row = log().get(event="oauth.sign_in.leaked")
    assert (row.user_id, row.connection_id) == (world.alice.id, alice_acme.connection.id)
    (message,) = mail.outbox
    assert message.to == ["alice@acme.example"] and "Test client" in message.body


def test_the_finder_cannot_tell_a_live_token_from_a_dead_or_made_up_one(
    report: Report, mint: Any, world: World, alice_acme: Connected, log: Any
) -> None:
    secret = mint(world.alice, world.acme)
    live = report(secret)
    before = photograph()
    others = [
        report(secret),
        report(UNKNOWN),
        report(UNKNOWN[:-1] + "x"),
        report("ghp_somebody_else_s"),
        report("mcp_ac_" + UNKNOWN[7:]),
        report(""),
        report(),
    ]
    assert {described(answer)[:2] for answer in [live, *others]} == {(200, b"[]")}
    assert all(described(answer) == described(live) for answer in others)
    assert photograph() == before
    assert len(mail.outbox) == 1
    row = row_behind(others[0])
    assert (row.event, row.reason, row.user_id) == (
        "oauth.leak_report.refused",
        "leak_unknown",
        None,
    )
    assert log().filter(event="oauth.personal_token.leaked").count() == 1


def test_one_report_may_name_many_tokens_and_one_token_twice(
    report: Report, mint: Any, world: World, alice_acme: Connected, log: Any
) -> None:
    first, second = mint(world.alice, world.acme), mint(world.ben, world.acme)
    assert report(first, UNKNOWN, second, first, alice_acme.access_token).status_code == 200
    assert not PersonalAccessToken.objects.filter(revoked_at=None).exists()
    assert TokenFamily.objects.get().revoke_reason == "leaked"
    assert log().filter(event="oauth.personal_token.leaked").count() == 2
    assert len(mail.outbox) == 3


def test_a_single_object_is_a_report_too(report: Report, mint: Any, world: World) -> None:
    secret = mint(world.alice, world.acme)
    assert report(body=json.dumps({"token": f" {secret}\n"})).status_code == 200
    assert PersonalAccessToken.objects.get().revoked_at is not None


def test_what_has_ended_by_itself_is_nobody_s_news(
    report: Report, alice_acme: Connected, world: World
) -> None:
    TokenFamily.objects.update(expires_at=timezone.now())
    assert report(alice_acme.refresh_token, alice_acme.access_token).status_code == 200
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"body": "[{"}, 400),
        ({"body": "null"}, 400),
        ({"body": '"mcp_at_x"'}, 400),
        ({"body": "[[]]"}, 400),
        ({"body": '[{"type": "x"}]'}, 400),
        ({"body": '[{"token": 1}]'}, 400),
        ({"body": '[{"token": null}]'}, 400),
        ({"body": '{"token": "a", "token": "b"}'}, 400),
        ({"body": json.dumps([{"token": "x"}] * 101)}, 400),
        ({"body": json.dumps([{"token": "x" * 16384}])}, 413),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_a_report_that_is_not_well_formed_is_refused_and_changes_nothing(
    report: Report, mint: Any, world: World, changes: dict[str, Any], status: int
) -> None:
    secret = mint(world.alice, world.acme)
    before = photograph()
    if "body" not in changes:
        changes["body"] = json.dumps([{"token": secret}])
    row = refusal_of(report(**changes), "invalid_request", status)
    assert row.event == "oauth.leak_report.refused"
    assert photograph() == before
    assert mail.outbox == []


def test_only_posts_are_taken(world: World) -> None:
    answer = Browser().get("/leaked-tokens")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_reports_are_limited_by_source(
    report: Report, oauth: OAuthClient, mint: Any, world: World
) -> None:
    secret = mint(world.alice, world.acme)
    assert report(UNKNOWN).status_code == 200
    # As after sixty of them within the minute.
    TokenBucket.objects.filter(policy="leak_report.source").update(tokens=-5)
    refused = report(secret)
    assert refusal_of(refused, "temporarily_unavailable", 429).reason == "leak_limit"
    assert refused["Retry-After"] == "1"
    assert oauth.call(secret).status_code == 200
    assert report(secret, ip="203.0.113.9").status_code == 200
    assert oauth.call(secret).status_code == 401


def test_a_token_in_the_claimed_address_does_not_enter_the_log(
    report: Report, mint: Any, world: World, log: Any
) -> None:
    secret = mint(world.alice, world.acme)
    entry = {"token": secret, "url": f"https://x.example/?t={secret}", "source": [secret]}
    assert report(body=json.dumps([entry])).status_code == 200
    row = log().get(event="oauth.personal_token.leaked")
    assert secret[7:20] not in str(row.details)
    assert "[redacted]" in row.details["claimed_url"]


def test_switched_off_a_leaked_personal_token_is_revoked_all_the_same(
    report: Report, mint: Any, world: World, settings: Any
) -> None:
    secret = mint(world.alice, world.acme)
    settings.PERSONAL_TOKENS_ENABLED = False
    assert report(secret).status_code == 200
    assert PersonalAccessToken.objects.get().revoked_at is not None


def test_a_client_s_secret_is_removed_and_the_operator_told(
    report: Report, oauth: OAuthClient, origin: Origin, world: World, log: Any, settings: Any
) -> None:
    client, secret = make_confidential(origin, name="O'Brien & Sons")
    neighbour, kept = make_confidential(origin)
    oauth.client_id = client.client_id
    code = oauth.obtain_code(world.alice, world.acme)
    tokens = oauth.exchange(code, client_secret=secret).json()
    answer = report(secret)
    assert (answer.status_code, answer.content) == (200, b"[]")
    refused = oauth.refresh(tokens["refresh_token"], client_secret=secret)
    assert refusal_of(refused, "invalid_client", 401).reason == "client_auth"
    assert oauth.refresh(tokens["refresh_token"]).status_code == 401
    client.refresh_from_db()
    assert (client.client_secret, client.secret_hint, client.secret_pepper_id) == ("", "", "")
    row = log().get(event="oauth.client_secret.leaked")
    assert (row.client_id, row.reason, row.user_id) == (client.client_id, "leaked", None)
    assert (row.details["claimed_url"], row.details["hint"]) == (URL, secret[-4:])
    (message,) = mail.outbox
    assert message.to == [settings.SUPPORT_EMAIL]
    assert "O'Brien & Sons" in message.body and client.client_id in message.body
    assert f"/admin/oauth_ext/client/{client.pk}/change/" in message.body
    assert secret[7:-4] not in message.body and URL not in message.body
    # What is connected goes on with a new secret; other clients never noticed.
    assert oauth.call(tokens["access_token"]).status_code == 200
    new = renew_secret(client.pk, replacing="", by_user_id=world.alice.pk, origin=origin)
    assert oauth.refresh(tokens["refresh_token"], client_secret=new).status_code == 200
    neighbour.refresh_from_db()
    assert is_secret_of(neighbour, kept)


def test_the_finder_cannot_tell_a_live_client_secret_from_a_dead_or_made_up_one(
    report: Report, origin: Origin, log: Any
) -> None:
    _, secret = make_confidential(origin)
    live = report(secret)
    before = photograph()
    made_up = mint_secret(SecretKind.CLIENT_SECRET)
    others = [report(secret), report(made_up), report(secret[:-1] + "x"), report("mcp_cs_")]
    assert all(described(answer) == described(live) for answer in others)
    assert photograph() == before
    assert len(mail.outbox) == 1
    assert {row_behind(answer).reason for answer in others} == {"leak_unknown"}


def test_a_client_secret_under_a_former_pepper_is_found_too(
    report: Report, origin: Origin, settings: Any
) -> None:
    client, secret = make_confidential(origin)
    settings.TOKEN_PEPPER_FALLBACKS = [settings.TOKEN_PEPPER]
    settings.TOKEN_PEPPER = "a-new-pepper-of-more-than-thirty-two-characters"
    report(secret)
    client.refresh_from_db()
    assert client.client_secret == ""
