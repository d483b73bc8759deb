"""Bent requests: whatever comes, an answer of ours with a row, never a fault, nothing changed."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activity.models import ActivityEvent
from oauth_ext.models import Connection, PersonalAccessToken
from tests.rest_api.conftest import ApiClient

pytestmark = pytest.mark.django_db

JUNK = st.text(max_size=20) | st.sampled_from(
    ["../me", "%00", "..%2f", "\x00", "\ud7ff", "0", "-1"]
)
PARTS = JUNK | st.sampled_from(
    ["me", "connections", "personal-access-tokens", "activity", "pause", "resume", "{own}", "1"]
)
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
NAMES = JUNK | st.sampled_from(
    ["limit", "cursor", "since", "until", "event", "tool", "state", "whole_organization", "page"]
)
VALUES = JUNK | st.sampled_from(
    ["true", "999999999999999999999", "1e9", "NaN", "9999-12-31T23:59Z"]
)
QUERIES = st.lists(st.tuples(NAMES, VALUES), max_size=3)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
BODIES = st.binary(max_size=40) | DOCUMENTS.map(lambda document: json.dumps(document).encode())
TYPES = st.sampled_from(["application/json", "text/plain", "", "application/json; charset=utf-16"])
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS", "X"])


def test_no_request_is_a_fault_and_each_leaves_a_row(api: ApiClient, alice_acme: Any) -> None:
    own = str(alice_acme.connection.id)
    statuses = set()

    @settings(
        max_examples=200,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(METHODS, PATHS, QUERIES, BODIES, TYPES)
    def try_it(
        method: str, path: str, query: list[tuple[str, str]], body: bytes, content_type: str
    ) -> None:
        pairs = "&".join(f"{quote(name)}={quote(value)}" for name, value in query)
        target = quote(path.replace("{own}", own), safe="/%") + f"?{pairs}"
        with transaction.atomic():
            answer = api.send(method, target, body, content_type=content_type)
            rows = ActivityEvent.objects.with_reference(answer["Reference-Id"])
            assert answer.status_code < 500, answer.content
            is_page = answer.get("Content-Type", "").startswith("text/html")
            assert rows.exists() or (is_page and answer.status_code == 200)
            if answer.status_code >= 400 and method != "HEAD":
                assert answer["Content-Type"] == "application/problem+json"
                assert not rows.filter(outcome="succeeded").exists()
                assert PersonalAccessToken.objects.filter(revoked_at__isnull=False).count() == 0
                assert Connection.objects.filter(id=own, revoked_at__isnull=True, label="").exists()
            transaction.set_rollback(True)
        statuses.add(answer.status_code)

    try_it()
    assert statuses >= {200, 400, 404, 405}
