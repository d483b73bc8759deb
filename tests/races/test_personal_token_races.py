"""Personal access tokens at the limit of twenty-five: many hands, one purse."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from accounts.models import Membership
from activity.events import Event
from activity.models import ActivityEvent
from activity.origin import Origin
from activity.references import new_reference
from oauth_ext.models import PersonalAccessToken
from oauth_ext.personal_tokens import MAX_ACTIVE, mint_personal_token
from tests.live.conftest import Resident, make_resident
from tests.live.server import LiveServer
from tests.live.wire import Answer, Prepared, Wire
from tests.races.crowd import race

HELD = MAX_ACTIVE - 5


@pytest.fixture
def holder(server: LiveServer) -> Iterator[Resident]:
    """Somebody with room for five more tokens."""
    made = make_resident(server)
    membership = Membership.objects.get(user=made.user, organization_id=made.acme_id)
    origin = Origin(reference=new_reference(), ip="192.0.2.1", user_agent="tests")
    for number in range(HELD):
        mint_personal_token(
            membership,
            label=f"Script {number}",
            scopes=("read",),
            days=30,
            nonce=new_reference(),
            origin=origin,
        )
    with made.browser:
        yield made


def prepare_mints(holder: Resident, organizations: int) -> list[Prepared]:
    """Thirty filled forms, each shown once, for one or for both of the person's organizations."""
    page = holder.browser.open("/settings/ai-access")
    form = page.find_form("label", "organization", "scopes", "expires_in_days")
    form.fill("label", "Racer")
    choices = form.find("organization").options[:organizations]
    prepared: list[Prepared] = []
    for number in range(30):
        form.fill("organization", choices[number % organizations])
        form.fill("nonce", new_reference())
        prepared.append(holder.browser.prepare(page, form, "Make the token"))
    return prepared


def assert_five_were_made(holder: Resident, answers: list[Answer]) -> None:
    """Five tokens, five rows, and everybody else was told why not."""
    assert Counter(answer.status for answer in answers) == {200: 5, 422: 25}
    assert PersonalAccessToken.objects.filter(user=holder.user).count() == MAX_ACTIVE
    rows = ActivityEvent.objects.of_user(holder.user.id).filter(event=Event.PERSONAL_TOKEN_MINTED)
    assert rows.count() == MAX_ACTIVE


@pytest.mark.parametrize("organizations", [1, 2])
def test_thirty_mints_at_once_stop_at_the_limit(
    server: LiveServer, holder: Resident, organizations: int
) -> None:
    prepared = prepare_mints(holder, organizations)
    answers = race(server, [partial(Wire.post, prepared=form) for form in prepared])
    assert_five_were_made(holder, answers)


def test_thirty_times_the_same_form_is_one_token(server: LiveServer, holder: Resident) -> None:
    prepared = prepare_mints(holder, 1)[0]
    answers = race(server, [partial(Wire.post, prepared=prepared)] * 30)
    assert Counter(answer.status for answer in answers) == {200: 1, 302: 29}
    assert PersonalAccessToken.objects.filter(user=holder.user).count() == HELD + 1


def test_thirty_replacements_of_one_token_are_one(server: LiveServer, holder: Resident) -> None:
    token = PersonalAccessToken.objects.filter(user=holder.user).first()
    assert token is not None
    page = holder.browser.open(f"/settings/ai-access/tokens/{token.id}/replace")
    form = page.find_form("nonce", "overlap")
    prepared: list[Prepared] = []
    for _ in range(30):
        form.fill("nonce", new_reference())
        prepared.append(holder.browser.prepare(page, form, "Replace"))
    answers = race(server, [partial(Wire.post, prepared=sent) for sent in prepared])
    assert Counter(answer.status for answer in answers) == {200: 1, 302: 29}
    assert PersonalAccessToken.objects.filter(replaces=token).count() == 1
    assert PersonalAccessToken.objects.filter(user=holder.user).count() == HELD + 1
