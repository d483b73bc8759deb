"""The mails about personal access tokens: each once, none with a secret, none lost."""

import secrets
import smtplib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Membership, Organization, User
from activity.origin import Origin
from oauth_ext.models import OrganizationPolicy, PersonalAccessToken
from oauth_ext.personal_token_expiry import warn_about_expiring_tokens
from tests.conftest import World
from tests.oauth_client import OAuthClient
from tests.oauth_ext.test_personal_tokens import MINT, fill_in, read_secret

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class FlakyBackend(EmailBackend):
    """A mail server that is away while ``is_away``."""

    is_away = False
    attempts = 0

    def send_messages(self, messages: Any) -> int:
        """Take them, or fail as a server that hangs up."""
        type(self).attempts += 1
        if self.is_away:
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        return int(super().send_messages(messages))


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> type[FlakyBackend]:
    """The mail server, for tests to take away."""
    settings.EMAIL_BACKEND = f"{__name__}.FlakyBackend"
    monkeypatch.setattr(FlakyBackend, "is_away", False)
    monkeypatch.setattr(FlakyBackend, "attempts", 0)
    return FlakyBackend


@pytest.fixture
def warn(origin: Origin) -> Callable[..., tuple[int, int]]:
    """Run the warnings so long before a token ends; (sent, failed)."""

    def warn(before_end: timedelta) -> tuple[int, int]:
        ends = PersonalAccessToken.objects.order_by("expires_at").values_list("expires_at")[0][0]
        warned = warn_about_expiring_tokens(ends - before_end, origin=origin)
        return warned.sent, warned.failed

    return warn


def test_a_new_token_is_told_to_its_owner_without_the_secret(
    sign_in: Any, world: World, django_capture_on_commit_callbacks: Any
) -> None:
    fields = fill_in(world, label="A & B's\nreport", scopes=["read", "draft"], tools=["whoami"])
    with django_capture_on_commit_callbacks(execute=True):
        secret = read_secret(sign_in(world.alice).post(MINT, fields))
    (message,) = mail.outbox
    assert message.to == ["alice@acme.example"]
    assert message.subject == "DocJacket: new token “A & B's report”"
    text = message.body
    assert "A & B's" in text and "Acme" in text and "Read, Draft, with whoami only" in text
    assert f"mcp_at_…{secret[-4:]}" in text and secret[7:-4] not in text
    ends = PersonalAccessToken.objects.get().expires_at
    assert f"{ends:%B %Y}" in text and "http://127.0.0.1:8000/settings/ai-access" in text


def test_a_replacement_is_told_with_the_end_of_the_old_token(
    sign_in: Any, mint: Any, world: World, django_capture_on_commit_callbacks: Any
) -> None:
    browser = sign_in(world.alice)
    for overlap, words in ((86_400, "works until"), (0, "has stopped working")):
        old = mint(world.alice, world.acme)
        token_id = PersonalAccessToken.objects.get(hint=old[-4:], replacement=None).id
        mail.outbox.clear()
        answer = {"nonce": secrets.token_hex(16), "overlap": str(overlap)}
        with django_capture_on_commit_callbacks(execute=True):
            new = read_secret(browser.post(f"{MINT}/{token_id}/replace", answer))
        (message,) = mail.outbox
        assert message.subject == "DocJacket: the token “Script” was replaced"
        assert f"The old one, mcp_at_…{old[-4:]}, {words}" in message.body
        assert f"mcp_at_…{new[-4:]}" in message.body
        assert new[7:-4] not in message.body and old[7:-4] not in message.body


def test_a_mail_server_that_is_away_loses_no_token(
    sign_in: Any,
    oauth: OAuthClient,
    world: World,
    server: type[FlakyBackend],
    django_capture_on_commit_callbacks: Any,
) -> None:
    server.is_away = True
    with django_capture_on_commit_callbacks(execute=True):
        page = sign_in(world.alice).post(MINT, fill_in(world))
    assert page.status_code == 200 and server.attempts == 1
    assert oauth.call(read_secret(page)).status_code == 200


def test_a_warning_is_sent_14_7_and_1_days_before_the_end_and_never_twice(
    mint: Any, world: World, warn: Any, log: Any
) -> None:
    mint(world.alice, world.acme)
    sent = []
    for hours in range(15 * 24, -3, -6):
        before = len(mail.outbox)
        assert warn(hours * HOUR)[1] == 0
        if len(mail.outbox) > before:
            sent.append(hours / 24)
    assert sent == [14, 7, 1]
    days = [row.details["days"] for row in log().filter(event="oauth.personal_token.expiry_warned")]
    assert sorted(days) == [1, 7, 14]
    ends = PersonalAccessToken.objects.get().expires_at
    message = mail.outbox[0]
    assert message.to == ["alice@acme.example"]
    assert message.subject == f"DocJacket: the token “Script” stops working on {ends:%-d %B}"
    for words in ("Acme", "Last used     never", "Replace", f"{ends:%H:%M} UTC"):
        assert words in message.body


@pytest.mark.parametrize(
    ("days_left", "and_then"), [(10, [7, 1]), (3, [1]), (0.5, []), (14.1, [14, 7, 1])]
)
def test_days_that_were_missed_are_caught_up_with_one_mail(
    mint: Any, world: World, warn: Any, days_left: float, and_then: list[int]
) -> None:
    mint(world.alice, world.acme)
    is_due = days_left <= 14
    assert warn(days_left * DAY) == (int(is_due), 0)
    later = [days for days in (14, 7, 1) if warn(days * DAY)[0]]
    assert later == and_then


@pytest.mark.parametrize(("days", "expected"), [(7, [1]), (30, [14, 7, 1])])
def test_a_short_lived_token_is_not_warned_of_on_its_first_day(
    sign_in: Any, world: World, warn: Any, days: int, expected: list[int]
) -> None:
    sign_in(world.alice).post(MINT, fill_in(world, expires_in_days=str(days)))
    assert [left for left in (30, 14, 7, 6, 1) if warn(left * DAY)[0]] == expected


@pytest.mark.parametrize(
    "end",
    [
        lambda world: PersonalAccessToken.objects.update(revoked_at=timezone.now()),
        lambda world: Membership.objects.filter(user=world.alice).delete(),
        lambda world: Organization.objects.update(is_active=False),
        lambda world: User.objects.update(is_active=False),
        lambda world: User.objects.update(tokens_valid_from=timezone.now()),
        lambda world: PersonalAccessToken.objects.create(
            user=world.alice,
            label="New",
            scope="read",
            token_hash="0" * 64,
            mint_nonce="n",
            hint="0000",
            expires_at=timezone.now() + 90 * DAY,
            replaces=PersonalAccessToken.objects.get(),
        ),
    ],
    ids=["revoked", "no member", "suspended", "inactive", "password reset", "replaced"],
)
def test_what_is_dead_or_replaced_is_not_warned_of(
    mint: Any, world: World, warn: Any, end: Callable[[World], Any]
) -> None:
    mint(world.alice, world.acme)
    end(world)
    assert warn(5 * DAY) == (0, 0)
    assert mail.outbox == []


def test_a_policy_that_ends_a_token_sooner_warns_sooner(
    mint: Any, world: World, origin: Origin
) -> None:
    mint(world.alice, world.acme)
    made = PersonalAccessToken.objects.get().created_at
    now = made + DAY
    assert warn_about_expiring_tokens(now, origin=origin).sent == 0
    OrganizationPolicy.objects.create(organization=world.acme, max_personal_token_days=5)
    assert warn_about_expiring_tokens(now, origin=origin).sent == 1
    assert f"stops working on {made + 5 * DAY:%-d %B}" in mail.outbox[0].subject
    assert warn_about_expiring_tokens(made + 6 * DAY, origin=origin).sent == 0


def test_a_mail_that_was_not_taken_is_tried_again_and_the_command_says_so(
    mint: Any, world: World, server: type[FlakyBackend], log: Any, capsys: Any
) -> None:
    mint(world.alice, world.acme)
    PersonalAccessToken.objects.update(expires_at=timezone.now() + 3 * DAY)
    server.is_away = True
    with pytest.raises(CommandError, match="1 warning could not be sent"):
        call_command("warn_expiring_tokens")
    assert PersonalAccessToken.objects.get().notified_days is None
    assert not log().filter(event="oauth.personal_token.expiry_warned").exists()
    server.is_away = False
    call_command("warn_expiring_tokens")
    call_command("warn_expiring_tokens")
    assert len(mail.outbox) == 1 and server.attempts == 2
    assert PersonalAccessToken.objects.get().notified_days == 7
    assert "Sent 1 warning." in capsys.readouterr().out


def test_a_server_that_stays_away_is_not_asked_for_every_token(
    mint: Any, world: World, server: type[FlakyBackend], warn: Any
) -> None:
    for _ in range(6):
        mint(world.alice, world.acme)
    server.is_away = True
    assert warn(5 * DAY) == (0, 3)
    server.is_away = False
    assert warn(5 * DAY) == (6, 0)


def test_switched_off_nobody_is_warned(mint: Any, world: World, settings: Any) -> None:
    mint(world.alice, world.acme)
    PersonalAccessToken.objects.update(expires_at=timezone.now() + DAY)
    settings.PERSONAL_TOKENS_ENABLED = False
    call_command("warn_expiring_tokens")
    assert mail.outbox == []
    settings.PERSONAL_TOKENS_ENABLED = True
    call_command("warn_expiring_tokens")
    assert len(mail.outbox) == 1
