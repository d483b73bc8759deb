"""What is alive of a token family: in the tables, and as the server itself answers."""

from collections.abc import Iterable
from dataclasses import dataclass

from oauth_ext.models import RefreshToken, TokenFamily
from tests.live.application import Application, Tokens, read_tokens
from tests.live.wire import Answer


@dataclass(frozen=True, slots=True)
class Census:
    """The token families of a client."""

    families: int
    alive: int
    refresh_tokens: int
    current: int


def take_census(application: Application) -> Census:
    """Count everything that ever came from this client's codes."""
    families = TokenFamily.objects.filter(connection__client__client_id=application.client_id)
    tokens = RefreshToken.objects.filter(family__in=families)
    return Census(
        families=families.count(),
        alive=families.filter(revoked_at__isnull=True).count(),
        refresh_tokens=tokens.count(),
        current=tokens.filter(superseded_at__isnull=True).count(),
    )


def collect(*answers: Answer) -> list[Tokens]:
    """The tokens in those answers that carry any."""
    return [read_tokens(answer) for answer in answers if answer.status == 200 and answer.body]


def assert_all_refused(application: Application, tokens: Iterable[Tokens]) -> None:
    """Neither half of any pair opens anything."""
    with application.wire() as wire:
        for pair in tokens:
            called = application.call(wire, pair.access_token)
            assert called.status == 401, called
            refreshed = application.refresh(wire, pair.refresh_token)
            assert refreshed.status == 400, refreshed
            assert refreshed.document["error"] == "invalid_grant"


def assert_no_fault(answers: Iterable[Answer]) -> None:
    """Nothing the server could not handle."""
    assert [answer for answer in answers if answer.status >= 500] == []
