"""Every real client from the pasted URL to a call after a refresh, each with its own habits."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from activity.models import ActivityEvent
from activity.origin import Origin
from activity.references import new_reference
from oauth_ext.client_documents import parse_client_document
from oauth_ext.document_clients import store_document
from tests.live.client_habits import CLIENTS, Habits
from tests.live.conftest import Resident
from tests.live.server import LiveServer
from tests.live.strict_client import StrictClient
from tests.live.wire import Wire
from tests.oauth_ext.real_clients import REAL_CLIENTS, REAL_DOCUMENTS

WITH_DOCUMENT = [habits for habits in CLIENTS if habits.document_url]


def by_name(habits: Habits) -> str:
    """The test's id."""
    return habits.name


def keep_document(url: str) -> None:
    """Take the document in as if its host had just sent it: nothing fetches it again soon."""
    now = timezone.now()
    metadata = parse_client_document(json.dumps(REAL_DOCUMENTS[url]).encode(), url=url)
    origin = Origin(reference=new_reference(), ip="192.0.2.1", user_agent="tests")
    store_document(url, metadata, now + timedelta(hours=1), now, origin=origin)


def walk(client: StrictClient, resident: Resident) -> None:
    """Connect, call, refresh, call again."""
    location = resident.browser.allow(client.build_authorization_url(), resident.acme)
    client.redeem(client.read_code(location))
    first = client.use()
    assert (first["email"], first["organization"]) == (resident.user.email, resident.acme)
    assert (first["client_id"], first["scopes"]) == (client.client_id, ["read"])
    client.refresh()
    second = client.use()
    assert second.pop("token_expires_at") >= first.pop("token_expires_at")
    assert second.pop("reference") != first.pop("reference")
    assert second == first


@pytest.mark.parametrize("habits", CLIENTS, ids=by_name)
def test_real_client_registers_connects_calls_and_refreshes(
    server: LiveServer, resident: Resident, habits: Habits
) -> None:
    with Wire(server.address) as wire:
        client = StrictClient(habits, server.mcp_url, wire)
        client.discover()
        client.register()
        walk(client, resident)
    assert not refusals_of(resident)


@pytest.mark.parametrize("habits", WITH_DOCUMENT, ids=by_name)
def test_real_client_connects_by_the_url_of_its_document(
    server: LiveServer, resident: Resident, habits: Habits
) -> None:
    keep_document(habits.document_url)
    with Wire(server.address) as wire:
        client = StrictClient(habits, server.mcp_url, wire, client_id=habits.document_url)
        client.discover()
        # Real clients register otherwise, and so does whoever isn't told "none" (discover).
        assert client.found.server["client_id_metadata_document_supported"] is True
        walk(client, resident)
    assert not refusals_of(resident)


def refusals_of(resident: Resident) -> list[str]:
    """What the log says was refused on the way, but for the GET that every legacy client tries."""
    rows = ActivityEvent.objects.of_user(resident.user.id).filter(outcome="refused")
    return [f"{row.event} {row.reason}" for row in rows.exclude(reason="http_method")]


def test_every_registration_and_document_belongs_to_a_row() -> None:
    assert {habits.registration for habits in CLIENTS} == set(REAL_CLIENTS)
    assert {habits.document_url for habits in WITH_DOCUMENT} == set(REAL_DOCUMENTS)
    assert all(document["client_id"] == url for url, document in REAL_DOCUMENTS.items())
