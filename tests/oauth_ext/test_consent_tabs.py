"""Several consent pages at once: each counts for what it was sent with, and for nothing else."""

import pytest

from oauth_ext.models import Client, Connection
from tests.conftest import World
from tests.oauth_client import OAuthClient, read_redirect

pytestmark = pytest.mark.django_db


@pytest.mark.case(317)
def test_a_choice_in_another_tab_changes_nothing_in_this_one(
    oauth: OAuthClient, client_row: Client, world: World
) -> None:
    oauth.client_id = client_row.client_id
    oauth.sign_in(world.alice)
    first = oauth.open_consent(state="first")
    second = oauth.open_consent(state="second", scope="read draft")
    in_second = read_redirect(oauth.decide(second, world.borealis, scopes=("read", "draft")))
    in_first = read_redirect(oauth.decide(first, world.acme))
    assert (in_first["state"], in_second["state"]) == ("first", "second")
    for answer, organization, scope in (
        (in_first, world.acme, "read"),
        (in_second, world.borealis, "read draft"),
    ):
        tokens = oauth.exchange(answer["code"]).json()
        assert tokens["scope"] == scope
        told = oauth.call(tokens["access_token"]).json()["result"]["structuredContent"]
        assert told["organization_id"] == str(organization.id)
    connections = Connection.objects.values_list("organization_id", "scope")
    assert set(connections) == {(world.acme.id, "read"), (world.borealis.id, "read draft")}
