"""What the clients were told, held against what the database says afterwards."""

import base64
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, F, Q

from activity.events import Event
from activity.models import ActivityEvent
from oauth_ext.models import AuthorizationCode, RefreshToken, TokenFamily
from tests.live.application import Application, Tokens, read_tokens
from tests.live.wire import Answer

ALARMS = (Event.REFRESH_TOKEN_REPLAYED, Event.CODE_REPLAYED)
# What a family is for: these claims are the same in all its access tokens (invariant I-6).
FIXED = ("aud", "client_id", "org_id", "scope", "sub")


def read_claims(access_token: str) -> dict[str, Any]:
    """The claims, unverified."""
    part = access_token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


@dataclass
class Ledger:
    """Every answer that the clients of one application got."""

    application: Application
    statuses: Counter[int] = field(default_factory=Counter)
    tokens: list[Tokens] = field(default_factory=list)

    def enter(self, answers: Iterable[Answer | None]) -> list[Tokens]:
        """Keep the answers that were heard; the tokens among them.

        A fault is one whatever else is true. 503 is refused here as well: nothing is broken.
        """
        heard = [answer for answer in answers if answer is not None]
        assert [answer for answer in heard if answer.status >= 500] == []
        self.statuses.update(answer.status for answer in heard)
        issued = [read_tokens(each) for each in heard if each.status == 200 and each.body]
        self.tokens += issued
        return issued

    def count_alarms(self) -> int:
        """How often theft was recorded for this client."""
        return ActivityEvent.objects.filter(
            client_id=self.application.client_id, event__in=ALARMS
        ).count()

    def check(self, *, mcp_url: str, alarms: int = 0) -> None:
        """The invariants, over everything that this client ever got."""
        families = TokenFamily.objects.filter(
            connection__client__client_id=self.application.client_id
        )
        check_families(families, mcp_url)
        check_codes(self.application.client_id, families.count())
        check_claims(self.tokens, {str(family.id): family for family in families})
        assert self.count_alarms() == alarms


def check_families(families: Any, mcp_url: str) -> None:
    """I-4: one current token each, whatever happened; I-6: nothing ever grows."""
    counted = families.annotate(
        current=Count("refresh_tokens", filter=Q(refresh_tokens__superseded_at__isnull=True)),
        generations=Count("refresh_tokens"),
    )
    assert list(counted.exclude(current=1)) == []
    assert list(families.exclude(resource=mcp_url)) == []
    tokens = RefreshToken.objects.filter(family__in=families)
    assert tokens.exclude(application_id=F("family__connection__client_id")).count() == 0
    assert tokens.exclude(user_id=F("family__connection__user_id")).count() == 0
    for family in counted:
        numbers = family.refresh_tokens.values_list("generation", flat=True)
        assert sorted(numbers) == list(range(family.generations))


def check_codes(client_id: str, families: int) -> None:
    """I-1: each family has the one code that it came from, and each used code one family."""
    codes = AuthorizationCode.objects.filter(application__client_id=client_id)
    used = codes.filter(consumed_at__isnull=False)
    assert used.filter(family__isnull=True).count() == 0
    assert codes.filter(family__isnull=False).count() == used.count() == families
    rows = ActivityEvent.objects.filter(client_id=client_id, event=Event.TOKEN_ISSUED)
    assert rows.count() == families


def check_claims(tokens: Sequence[Tokens], families: dict[str, TokenFamily]) -> None:
    """I-6, as the clients saw it."""
    fixed: dict[str, tuple[Any, ...]] = {}
    for pair in tokens:
        claims = read_claims(pair.access_token)
        [family_id] = [text for text in map(str, claims.values()) if text in families]
        said = tuple(claims[name] for name in FIXED)
        assert fixed.setdefault(family_id, said) == said
        family = families[family_id]
        assert (claims["aud"], claims["scope"]) == (family.resource, family.scope)
