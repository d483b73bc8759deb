"""Django admin: operators see and cut, and never see a secret; everybody else sees nothing."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client as Browser
from django.urls import NoReverseMatch, reverse

from accounts.models import User
from activity.models import ActivityEvent
from oauth_ext.models import (
    AuthorizationCode,
    Client,
    Connection,
    OrganizationPolicy,
    PersonalAccessToken,
    RefreshToken,
)
from tests.conftest import Connected, World
from tests.factories import UserFactory
from tests.oauth_client import OAuthClient

pytestmark = pytest.mark.django_db

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
WATCHED = ("connection", "tokenfamily", "personalaccesstoken", "activityevent")


def url_of(model: type[Model], page: str, *arguments: Any) -> str:
    """An admin page of a model."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


@pytest.fixture
def operator(world: World) -> Browser:
    """Somebody whose the whole admin is."""
    browser = Browser(raise_request_exception=False, headers={"Accept": "text/html"})
    browser.force_login(
        UserFactory(email="operator@host.example", is_staff=True, is_superuser=True)
    )
    return browser


@pytest.fixture
def full(
    oauth: OAuthClient,
    alice_acme: Connected,
    obtain_code: Callable[..., str],
    mint: Callable[..., str],
    world: World,
    operator: Browser,
) -> list[str]:
    """A row of every kind; the secrets that belong to them, and what is stored of those."""
    secrets = [alice_acme.access_token, alice_acme.refresh_token, obtain_code()]
    secrets += [mint(world.alice, world.acme)]
    OrganizationPolicy.objects.create(organization=world.acme, max_idle_days=7)
    oauth.refresh(alice_acme.refresh_token)
    oauth.call(alice_acme.access_token)
    operator.get("/settings/ai-access")
    secrets += AuthorizationCode.objects.values_list("code", flat=True)
    secrets += RefreshToken.objects.values_list("token_checksum", flat=True)
    secrets += PersonalAccessToken.objects.values_list("token_hash", flat=True)
    secrets += User.objects.values_list("password", flat=True)
    return secrets


def test_what_admin_shows_is_a_known_list() -> None:
    assert {model._meta.label_lower for model in MODELS} == {
        "accounts.user",
        "accounts.organization",
        "accounts.membership",
        "activity.activityevent",
        "oauth_ext.client",
        "oauth_ext.connection",
        "oauth_ext.organizationpolicy",
        "oauth_ext.tokenfamily",
        "oauth_ext.personalaccesstoken",
    }


@pytest.mark.case(244)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)
def test_lists_and_details_load_without_any_secret(
    operator: Browser, full: list[str], model: type[Model]
) -> None:
    pages = [operator.get(url_of(model, "changelist"))]
    pages += [operator.get(url_of(model, "changelist"), {"q": "alice"})]
    pages += [operator.get(url_of(model, "change", row.pk)) for row in model.objects.all()[:3]]
    assert len(pages) > 2
    for page in pages:
        assert page.status_code == 200, page.wsgi_request.path
        source = page.content.decode()
        assert [secret for secret in full if secret in source] == []
        assert page["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in page["Content-Security-Policy"]


@pytest.mark.case(318)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)
@pytest.mark.parametrize("who", ["nobody", "owner", "staff without permissions"])
def test_everybody_else_sees_nothing(
    full: list[str], world: World, model: type[Model], who: str
) -> None:
    browser = Browser(raise_request_exception=False, headers={"Accept": "text/html"})
    if who == "owner":
        browser.force_login(world.alice)
    elif who != "nobody":
        browser.force_login(UserFactory(is_staff=True))
    row = model.objects.first()
    urls = [url_of(model, page) for page in ("changelist", "add")]
    urls += [url_of(model, page, row.pk) for page in ("change", "delete", "history")]
    for url in ["/admin/", *urls]:
        if url == "/admin/" and who.startswith("staff"):
            continue
        answers = [browser.get(url), browser.post(url, {"action": "disconnect"})]
        for answer in answers:
            assert answer.status_code in (302, 403), (url, answer.status_code)
            if answer.status_code == 302:
                assert answer["Location"].startswith(("/admin/login", "/accounts/login"))
            assert b"alice@acme.example" not in answer.content.replace(
                b'aria-label="Your account, alice@acme.example"', b""
            ).replace(b"<bdi>alice@acme.example</bdi>", b"")


@pytest.mark.parametrize("name", WATCHED)
def test_rows_of_the_protocol_can_only_be_watched(
    operator: Browser, full: list[str], name: str
) -> None:
    (model,) = (model for model in MODELS if model._meta.model_name == name)
    row = model.objects.first()
    before = list(model.objects.order_by("pk").values())
    for page, arguments in (("add", ()), ("delete", (row.pk,))):
        try:
            url = url_of(model, page, *arguments)
        except NoReverseMatch:
            continue
        assert operator.get(url).status_code == 403
        assert operator.post(url, {"post": "yes"}).status_code == 403
    assert operator.post(url_of(model, "change", row.pk), {"scope": "actions"}).status_code == 403
    operator.post(
        url_of(model, "changelist"),
        {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"},
    )
    kept = list(model.objects.order_by("pk").values())
    assert [r for r in kept if r in before] == before


def test_disconnecting_and_revoking_from_the_lists(
    operator: Browser, oauth: OAuthClient, full: list[str], alice_acme: Connected, log
) -> None:
    personal = full[3]
    assert oauth.call(alice_acme.access_token).status_code == 200
    assert oauth.call(personal).status_code == 200
    connection, token = Connection.objects.get(), PersonalAccessToken.objects.get()
    for model, action, row in (
        (Connection, "disconnect", connection),
        (PersonalAccessToken, "revoke", token),
    ):
        url = url_of(model, "changelist")
        for _ in range(2):
            answer = operator.post(url, {"action": action, "_selected_action": [row.pk]})
            assert answer.status_code == 302
    for secret in (alice_acme.access_token, personal):
        assert oauth.call(secret).status_code == 401
    operator_id = str(User.objects.get(email="operator@host.example").id)
    cut = log().get(event="oauth.connection.revoked")
    assert (cut.reason, cut.details) == ("disconnected_by_operator", {"by_user": operator_id})
    ended = log().get(event="oauth.personal_token.revoked")
    assert ended.details["by_user"] == operator_id


@pytest.mark.case(262)
def test_pausing_and_resuming_from_the_list(
    operator: Browser, oauth: OAuthClient, alice_acme: Connected, log
) -> None:
    url = url_of(Connection, "changelist")

    def act(action: str) -> None:
        selected = {"action": action, "_selected_action": [alice_acme.connection.pk]}
        assert operator.post(url, selected).status_code == 302

    operator_id = str(User.objects.get(email="operator@host.example").id)
    for action, status, event in (
        ("pause", 403, "oauth.connection.paused"),
        ("resume", 200, "oauth.connection.resumed"),
    ):
        for _ in range(2):
            act(action)
            assert oauth.call(alice_acme.access_token).status_code == status
        assert log().get(event=event).details == {"by_user": operator_id}


@pytest.mark.case(267)
def test_switching_a_client_off_refuses_everything_of_it(
    operator: Browser, oauth: OAuthClient, alice_acme: Connected
) -> None:
    url = url_of(type(alice_acme.client), "change", alice_acme.client.pk)
    operator.post(url, {"switched_off": "on"})
    assert oauth.call(alice_acme.access_token).status_code == 401
    assert oauth.refresh(alice_acme.refresh_token).status_code == 401
    operator.post(url, {"name": "Renamed"})
    assert oauth.call(alice_acme.access_token).status_code == 200
    alice_acme.client.refresh_from_db()
    assert alice_acme.client.name == "Test client"


def test_a_reference_leads_to_its_row_and_the_story_around_it(
    operator: Browser, oauth: OAuthClient, alice_acme: Connected
) -> None:
    Connection.objects.update(paused_at="2026-01-01T00:00:00Z")
    reference = oauth.call(alice_acme.access_token)["Reference-Id"]
    url = url_of(ActivityEvent, "changelist")
    for typed in (reference, reference.lower(), f"{reference[:4]}-{reference[4:]}"):
        found = operator.get(url, {"q": typed}).context["cl"].queryset
        assert [row.reason for row in found] == ["connection_paused"]
    assert not operator.get(url, {"q": "nonsense"}).context["cl"].queryset.exists()
    row = ActivityEvent.objects.with_reference(reference).get()
    story = operator.get(url_of(ActivityEvent, "change", row.pk)).content.decode()
    for event in ("oauth.consent.granted", "oauth.token.issued", "mcp.token.refused"):
        assert event in story


def test_a_successful_call_is_found_by_its_reference_too(
    operator: Browser, oauth: OAuthClient, alice_acme: Connected
) -> None:
    reference = oauth.call(alice_acme.access_token)["Reference-Id"]
    page = operator.get(url_of(ActivityEvent, "changelist"), {"q": reference})
    assert [row.event for row in page.context["cl"].queryset] == ["mcp.tool.called"]


def test_a_secret_cannot_be_looked_up_through_a_filter(operator: Browser, full: list[str]) -> None:
    for model, lookup in (
        (Connection, "user__password__startswith"),
        (User, "password__startswith"),
        (PersonalAccessToken, "user__password__startswith"),
    ):
        answer = operator.get(url_of(model, "changelist"), {lookup: "argon2"})
        assert answer.status_code in (302, 400)


def test_markup_of_strangers_is_text_in_admin(
    operator: Browser, oauth: OAuthClient, world: World
) -> None:
    bad = "<script>alert(1)</script>"
    oauth.register(client_name=bad, software_id=bad)
    oauth.http.post("/mcp", "{}", "application/json", headers={"User-Agent": bad})
    oauth.open_consent(client_id=bad)
    for model in MODELS:
        assert bad not in operator.get(url_of(model, "changelist")).content.decode()
        for row in model.objects.all()[:5]:
            assert bad not in operator.get(url_of(model, "change", row.pk)).content.decode()


@pytest.mark.case(264, 320)
def test_deleting_people_clients_and_organizations_leaves_the_log(
    operator: Browser, oauth: OAuthClient, alice_acme: Connected, world: World
) -> None:
    oauth.call(alice_acme.access_token)
    rows = set(ActivityEvent.objects.values_list("id", flat=True))
    for row in (alice_acme.client, world.alice, world.acme):
        # Admin may refuse it because of what hangs on the row; it may not half do it.
        answer = operator.post(url_of(type(row), "delete", row.pk), {"post": "yes"})
        assert answer.status_code in (302, 403)
        assert type(row).objects.filter(pk=row.pk).exists() == (answer.status_code == 403)
        type(row).objects.filter(pk=row.pk).delete()
    assert rows <= set(ActivityEvent.objects.values_list("id", flat=True))
    assert oauth.call(alice_acme.access_token).status_code == 401


STORED = re.compile(r"(?:secret|hash|checksum|digest|nonce|password|sealed_successor|code)$")


@pytest.mark.case(334)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_no_list_can_be_filtered_by_what_is_stored_of_a_secret(
    operator: Browser, full: list[str], model: type[Model]
) -> None:
    columns = [field.name for field in model._meta.concrete_fields]
    columns += [
        f"{relation.name}__{field.name}"
        for relation in model._meta.get_fields()
        if relation.related_model
        for field in relation.related_model._meta.concrete_fields
    ]
    stored = [name for name in columns if STORED.search(name) and not name.startswith("hash_")]
    expected = {Client: "client_secret", PersonalAccessToken: "token_hash", User: "password"}
    assert model not in expected or expected[model] in stored
    for name in stored:
        for lookup in (name, f"{name}__startswith", f"{name}__gt"):
            answer = operator.get(url_of(model, "changelist"), {lookup: "0"})
            assert answer.status_code in (302, 400), lookup
            assert answer.status_code == 400 or "e=1" in answer["Location"], lookup
