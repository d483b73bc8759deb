"""Clients in Django admin: registering one, its secret, editing, and switching any of them off."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from activity.origin import Origin
from oauth_ext.machine_secrets import SecretKind, hash_secret, is_well_formed, name_pepper
from oauth_ext.models import Client, Connection
from oauth_ext.operator_clients import switch_client
from tests.conftest import Connected, World
from tests.factories import PASSWORD, UserFactory
from tests.oauth_client import CALLBACK, OAuthClient
from tests.oauth_ext.confidential import basic, make_confidential
from tests.oauth_ext.conftest import page_refusal_of, photograph, refusal_of
from tests.oauth_ext.test_client_canaries import dump_database

pytestmark = pytest.mark.django_db

LIST = "/admin/oauth_ext/client/"
ADD = f"{LIST}add/"
SECRET = re.compile(r"mcp_cs_[A-Za-z0-9]+")
FIELDS = {
    "name": "Back office",
    "redirect_uris": CALLBACK,
    "client_type": "confidential",
    "nonce": "0123456789abcdef",
}


@pytest.fixture
def operator(sign_in: Callable[[User], Browser], world: World) -> Browser:
    """Somebody whose the whole admin is, who gave the password just now."""
    person = UserFactory(email="operator@host.example", is_staff=True, is_superuser=True)
    browser = sign_in(person)
    browser.defaults["HTTP_ACCEPT"] = "text/html"
    return browser


@pytest.fixture
def staff(sign_in: Callable[[User], Browser], world: World) -> Callable[..., Browser]:
    """A member of staff with just these permissions on clients."""

    def staff(*permissions: str) -> Browser:
        person = UserFactory(is_staff=True)
        for name in permissions:
            person.user_permissions.add(Permission.objects.get(codename=f"{name}_client"))
        browser = sign_in(person)
        browser.defaults["HTTP_ACCEPT"] = "text/html"
        return browser

    return staff


def page_of(client: Client, page: str = "change") -> str:
    """An admin page of a client."""
    return reverse(f"admin:oauth_ext_client_{page}", args=(client.pk,))


def read_secret(page: Any) -> str:
    """The one secret on a page."""
    assert page.status_code == 200
    (secret,) = set(SECRET.findall(page.content.decode()))
    return secret


@pytest.mark.case(328)
def test_a_confidential_client_s_secret_is_shown_once_and_stored_nowhere(
    operator: Browser, log: Any
) -> None:
    page = operator.post(ADD, FIELDS)
    secret = read_secret(page)
    assert "no-store" in page["Cache-Control"]
    assert is_well_formed(secret, SecretKind.CLIENT_SECRET)
    client = Client.objects.get()
    assert client.client_id.startswith("pre_")
    assert len(bytes.fromhex(client.client_id.removeprefix("pre_"))) == 16
    assert client.client_id in page.content.decode()
    assert (client.registration_source, client.client_type) == ("manual", "confidential")
    assert (client.client_secret, client.secret_hint) == (hash_secret(secret), secret[-4:])
    assert client.secret_pepper_id == name_pepper()
    assert (client.skip_authorization, client.hash_client_secret) == (False, False)
    for url in (LIST, page_of(client), page_of(client, "history"), page_of(client, "new_secret")):
        later = operator.get(url)
        assert later.status_code == 200
        assert not SECRET.search(later.content.decode())
        assert client.client_secret not in later.content.decode()
    kept = dump_database() + "".join(str(row.get_decoded()) for row in Session.objects.all())
    assert secret not in kept
    assert secret not in str(page.headers) + str(operator.cookies)
    renewed, added = log()
    assert (added.event, renewed.event) == ("oauth.client.added", "oauth.client_secret.renewed")
    for row in (added, renewed):
        assert row.client_id == client.client_id
        assert row.user_id == User.objects.get(email="operator@host.example").pk
    assert added.details == {
        "client_type": "confidential",
        "client_name": "Back office",
        "redirect_uris": [CALLBACK],
    }


def test_a_form_sent_twice_makes_one_client_and_one_secret(
    operator: Browser, oauth: OAuthClient, log: Any
) -> None:
    page = operator.get(ADD)
    nonce = page.context["adminform"].form["nonce"].value()
    assert nonce in page.content.decode()
    assert nonce != operator.get(ADD).context["adminform"].form["nonce"].value()
    fields = FIELDS | {"nonce": nonce}
    secret = read_secret(operator.post(ADD, fields))
    client = Client.objects.get()
    assert nonce not in client.client_id
    again = operator.post(ADD, fields)
    assert again["Location"] == page_of(client)
    assert Client.objects.get() == client
    assert is_let_in(oauth, client, secret)
    assert log().count() == 2
    assert "registered already" in operator.get(page_of(client)).content.decode()
    read_secret(operator.post(ADD, FIELDS))
    assert Client.objects.count() == 2


def test_a_form_without_a_nonce_makes_nothing(operator: Browser) -> None:
    assert operator.post(ADD, FIELDS | {"nonce": ""}).status_code == 200
    assert not Client.objects.exists()


def test_a_public_client_has_no_secret(operator: Browser, log: Any) -> None:
    answer = operator.post(ADD, FIELDS | {"client_type": "public"}, follow=True)
    assert not SECRET.search(answer.content.decode())
    client = Client.objects.get()
    assert (client.client_type, client.client_secret, client.secret_hint) == ("public", "", "")
    assert log().get().event == "oauth.client.added"
    assert operator.get(page_of(client, "new_secret")).status_code == 404
    assert operator.post(page_of(client, "new_secret")).status_code == 404


def test_what_admin_made_walks_the_whole_way(
    operator: Browser, oauth: OAuthClient, world: World
) -> None:
    secret = read_secret(operator.post(ADD, FIELDS))
    oauth.client_id = Client.objects.get().client_id
    code = oauth.obtain_code(world.alice, world.acme)
    assert oauth.exchange(code).status_code == 401
    tokens = oauth.exchange(code, client_secret=secret)
    assert tokens.status_code == 200
    assert oauth.call(tokens.json()["access_token"]).status_code == 200


@pytest.mark.case(20, 21, 22, 24, 25)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "required"),
        ({"name": "\u200b\u202e"}, "nothing to see"),
        ({"name": "x" * 121}, "at most 120"),
        ({"redirect_uris": ""}, "required"),
        ({"redirect_uris": "https://*.client.example/"}, "cannot be used"),
        ({"redirect_uris": f"{CALLBACK}\njavascript:alert(1)"}, "javascript:alert(1) cannot"),
        ({"redirect_uris": "http://client.example/"}, "cannot be used"),
        ({"redirect_uris": f"{CALLBACK}#x"}, "cannot be used"),
        ({"redirect_uris": f"{CALLBACK}\nsomeapp://callback"}, "PRIVATE_USE_REDIRECT_URIS"),
        (
            {"redirect_uris": "\n".join(f"https://client.example/{n}" for n in range(11))},
            "At most 10",
        ),
        ({"client_type": "trusted"}, "valid choice"),
        ({"client_type": ""}, "required"),
    ],
)
def test_what_no_client_may_register_no_operator_may_either(
    operator: Browser, log: Any, change: dict[str, str], said: str
) -> None:
    page = operator.post(ADD, FIELDS | change)
    assert page.status_code == 200
    assert said in page.content.decode()
    assert not Client.objects.exists()
    assert not log().exists()


def test_lines_and_repetitions_are_one_list(operator: Browser) -> None:
    lines = f"  {CALLBACK}\r\n\r\nhttp://127.0.0.1/back \n{CALLBACK}\n"
    read_secret(operator.post(ADD, FIELDS | {"redirect_uris": lines, "name": " Bell\u202e "}))
    client = Client.objects.get()
    assert client.redirect_uri_list == (CALLBACK, "http://127.0.0.1/back")
    assert client.name == "Bell"


@pytest.mark.case(33)
def test_a_form_assigns_nothing_that_it_does_not_show(operator: Browser) -> None:
    extra = {
        "client_id": "chosen",
        "client_secret": "chosen",
        "registration_source": "dcr",
        "skip_authorization": "on",
        "authorization_grant_type": "client-credentials",
        "disabled_at_0": "2026-01-01",
        "switched_off": "on",
        "replacing": "x",
        "user": "1",
    }
    read_secret(operator.post(ADD, FIELDS | extra))
    client = Client.objects.get()
    assert client.client_id.startswith("pre_")
    assert (client.registration_source, client.skip_authorization) == ("manual", False)
    assert client.authorization_grant_type == "authorization-code"
    assert (client.disabled_at, client.user_id) == (None, None)


# --- a new secret ---------------------------------------------------------------------------------


@pytest.fixture
def server(origin: Origin) -> tuple[Client, str]:
    """A confidential client and its secret."""
    return make_confidential(origin)


def is_let_in(oauth: OAuthClient, client: Client, secret: str) -> bool:
    """Whether the secret is the client's, as the revocation endpoint sees it."""
    answer = oauth.http.post(
        "/revoke",
        "token=x",
        "application/x-www-form-urlencoded",
        headers=basic(client.client_id, secret),
    )
    assert answer.status_code in (200, 401)
    return bool(answer.status_code == 200)


def test_a_new_secret_replaces_the_old_one_at_once(
    operator: Browser, oauth: OAuthClient, server: tuple[Client, str], log: Any
) -> None:
    client, old = server
    assert is_let_in(oauth, client, old)
    asked = operator.get(page_of(client, "new_secret"))
    assert old[-4:] in asked.content.decode()
    page = operator.post(page_of(client, "new_secret"), {"replacing": old[-4:]})
    new = read_secret(page)
    assert "no-store" in page["Cache-Control"]
    assert is_let_in(oauth, client, new)
    assert not is_let_in(oauth, client, old)
    row = log().get(event="oauth.client_secret.renewed")
    assert row.details["replaced"] == old[-4:]
    assert row.user_id == User.objects.get(email="operator@host.example").pk
    assert new not in dump_database()


def test_a_form_sent_twice_does_not_kill_the_secret_that_it_showed(
    operator: Browser, oauth: OAuthClient, server: tuple[Client, str], log: Any
) -> None:
    client, old = server
    fields = {"replacing": old[-4:]}
    new = read_secret(operator.post(page_of(client, "new_secret"), fields))
    again = operator.post(page_of(client, "new_secret"), fields)
    assert again["Location"] == page_of(client)
    assert operator.post(page_of(client, "new_secret")).status_code == 302
    assert is_let_in(oauth, client, new)
    assert log().filter(event="oauth.client_secret.renewed").count() == 1
    assert "Another secret" in operator.get(page_of(client)).content.decode()


@pytest.mark.case(180)
def test_what_is_connected_stays_connected_when_the_secret_changes(
    operator: Browser, oauth: OAuthClient, server: tuple[Client, str], world: World
) -> None:
    client, old = server
    oauth.client_id = client.client_id
    code = oauth.obtain_code(world.alice, world.acme)
    tokens = oauth.exchange(code, client_secret=old).json()
    fields = {"replacing": old[-4:]}
    new = read_secret(operator.post(page_of(client, "new_secret"), fields))
    assert oauth.call(tokens["access_token"]).status_code == 200
    assert oauth.refresh(tokens["refresh_token"], client_secret=old).status_code == 401
    assert oauth.refresh(tokens["refresh_token"], client_secret=new).status_code == 200


@pytest.mark.case(330)
def test_a_secret_needs_the_password_once_more_after_ten_minutes(
    operator: Browser, server: tuple[Client, str]
) -> None:
    client, old = server
    before = photograph()
    renew = page_of(client, "new_secret")
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        for ask in (
            lambda: operator.get(ADD),
            lambda: operator.get(renew),
            lambda: operator.post(ADD, FIELDS),
            lambda: operator.post(renew, {"replacing": old[-4:]}),
        ):
            asked = ask()
            assert asked["Location"].startswith("/accounts/reauthenticate?")
            assert photograph() == before
        # What was sent last is not lost by confirming.
        done = operator.post(asked["Location"], {"password": PASSWORD})
        assert read_secret(done) != old
        assert "no-store" in done["Cache-Control"]


@pytest.mark.case(323)
@pytest.mark.parametrize("permissions", [(), ("view",), ("view", "add")])
def test_a_secret_is_renewed_only_by_who_may_change_clients(
    staff: Callable[..., Browser], server: tuple[Client, str], permissions: tuple[str, ...]
) -> None:
    client, old = server
    browser = staff(*permissions)
    before = photograph()
    for answer in (
        browser.get(page_of(client, "new_secret")),
        browser.post(page_of(client, "new_secret"), {"replacing": old[-4:]}),
    ):
        page_refusal_of(answer, "permission_denied", 403)
    assert photograph() == before
    allowed = staff("view", "change")
    fields = {"replacing": old[-4:]}
    assert read_secret(allowed.post(page_of(client, "new_secret"), fields)) != old


@pytest.mark.case(323)
def test_a_client_is_added_only_by_who_may(staff: Callable[..., Browser]) -> None:
    for permissions in ((), ("view",), ("view", "change")):
        browser = staff(*permissions)
        page_refusal_of(browser.get(ADD), "permission_denied", 403)
        page_refusal_of(browser.post(ADD, FIELDS), "permission_denied", 403)
    assert not Client.objects.exists()
    read_secret(staff("view", "add").post(ADD, FIELDS))


@pytest.mark.case(323)
def test_who_may_only_look_sees_no_button_and_changes_nothing(
    staff: Callable[..., Browser], server: tuple[Client, str], alice_acme: Connected
) -> None:
    browser = staff("view")
    before = photograph()
    for client in (server[0], alice_acme.client):
        page = browser.get(page_of(client))
        assert page.status_code == 200
        assert "new-secret" not in page.content.decode()
        assert browser.post(page_of(client), {"switched_off": "on"}).status_code == 403
        for action in ("switch_off", "switch_on", "delete_selected"):
            browser.post(LIST, {"action": action, "_selected_action": [client.pk]})
    assert photograph() == before


def test_without_a_csrf_token_nothing_happens(operator: Browser, server: Any) -> None:
    operator.handler.enforce_csrf_checks = True
    before = photograph()
    client = server[0]
    for url in (ADD, page_of(client), page_of(client, "new_secret"), LIST):
        fields = FIELDS | {"replacing": client.secret_hint, "action": "switch_off"}
        fields |= {"_selected_action": str(client.pk)}
        page_refusal_of(operator.post(url, fields), "csrf", 403)
    assert photograph() == before


@pytest.mark.parametrize("page", ["new_secret", "change"])
@pytest.mark.parametrize("key", ["0", "nonsense", "99999999999999999999", "..", "_00"])
def test_a_client_that_is_not_there_is_not_found(operator: Browser, page: str, key: str) -> None:
    url = reverse(f"admin:oauth_ext_client_{page}", args=(key,))
    assert operator.get(url).status_code in (302, 404)


# --- editing --------------------------------------------------------------------------------------


@pytest.mark.case(328)
def test_an_operator_s_client_is_edited_with_a_row_of_what_was(
    operator: Browser, oauth: OAuthClient, server: tuple[Client, str], log: Any, world: World
) -> None:
    client, secret = server
    oauth.client_id = client.client_id
    fields = {"name": "Renamed", "redirect_uris": "https://new.example/callback"}
    answer = operator.post(page_of(client), fields | {"client_type": "public"})
    assert answer.status_code == 302
    row = log().get(event="oauth.client.edited")
    assert row.details == {
        "from": {"client_name": "Server side", "redirect_uris": [CALLBACK]},
        "to": {"client_name": "Renamed", "redirect_uris": ["https://new.example/callback"]},
        "asks_again": True,
    }
    client.refresh_from_db()
    assert (client.name, client.client_type) == ("Renamed", "confidential")
    assert is_let_in(oauth, client, secret)
    oauth.sign_in(world.alice)
    page_refusal_of(oauth.open_consent(), "redirect_mismatch")
    moved = oauth.open_consent(redirect_uri="https://new.example/callback")
    assert moved.status_code == 200
    operator.post(page_of(client), fields)
    assert log().filter(event="oauth.client.edited").count() == 1


def test_history_names_only_what_was_changed(
    operator: Browser, server: tuple[Client, str], log: Any
) -> None:
    client, _ = server
    second = "http://127.0.0.1/back"
    fields = {"name": client.name, "redirect_uris": f"{CALLBACK}\r\n{second}"}
    operator.post(page_of(client), fields)
    operator.post(page_of(client), fields | {"switched_off": "on"})
    history = [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]
    assert history == ["Changed Redirect URIs.", "Changed Switched off."]
    events = [row.event for row in log()]
    assert events == ["oauth.client.disabled", "oauth.client.edited"]


@pytest.mark.case(21, 22, 37)
def test_every_rule_holds_for_an_edit_too(
    operator: Browser, server: tuple[Client, str], log: Any
) -> None:
    client, _ = server
    before = photograph()
    for uris in ("javascript:alert(1)", "http://client.example/", "", f"{CALLBACK}#"):
        page = operator.post(page_of(client), {"name": "x", "redirect_uris": uris})
        assert page.status_code == 200
        assert "errorlist" in page.content.decode()
    assert photograph() == before
    assert not log().exists()


@pytest.mark.case(33, 37)
def test_what_a_client_said_of_itself_is_not_an_operator_s_to_change(
    operator: Browser, alice_acme: Connected, log: Any
) -> None:
    before = photograph()
    fields = FIELDS | {"metadata": "{}", "registration_source": "manual", "client_id": "x"}
    assert operator.post(page_of(alice_acme.client), fields).status_code == 302
    assert photograph() == before
    assert not log().exists()
    assert operator.get(page_of(alice_acme.client, "new_secret")).status_code == 404


@pytest.mark.case(30)
def test_metadata_is_readable_and_none_of_it_is_a_link_or_an_image(
    operator: Browser, oauth: OAuthClient
) -> None:
    oauth.register(
        logo_uri="https://tracker.example/logo.png",
        client_uri="https://client.example",
        software_id="Some \u202esoftware",
    )
    client = Client.objects.get()
    page = operator.get(page_of(client)).content.decode()
    for label, value in (
        ("Logo", "https://tracker.example/logo.png"),
        ("Website", "https://client.example"),
        ("Software", "Some software"),
        ("Scopes it asked for", "read draft actions"),
    ):
        assert f"<tr><th>{label}</th><td>{value}</td></tr>" in page
    assert not re.search(r'(?:href|src)="https?://(?:tracker|client)\.example', page)
    assert CALLBACK in page


@pytest.mark.case(334)
def test_the_stored_hash_cannot_be_looked_up_through_a_filter(
    operator: Browser, server: tuple[Client, str]
) -> None:
    found = operator.get(LIST, {"name__startswith": "Server"})
    assert found.status_code == 200
    for lookup in ("client_secret", "client_secret__startswith", "metadata_digest__gt"):
        answer = operator.get(LIST, {lookup: server[0].client_secret[:4]})
        assert answer.status_code in (302, 400)
        assert answer.status_code == 400 or "e=1" in answer["Location"]


# --- switching off --------------------------------------------------------------------------------


def by_form(browser: Browser, client: Client, off: bool) -> None:
    """The box on its page."""
    assert browser.post(page_of(client), {"switched_off": "on"} if off else {}).status_code == 302


def by_action(browser: Browser, client: Client, off: bool) -> None:
    """The action of the list."""
    action = "switch_off" if off else "switch_on"
    browser.post(LIST, {"action": action, "_selected_action": [client.pk]})


def by_update(browser: Browser, client: Client, off: bool) -> None:
    """A bulk update, which calls no code of the model."""
    Client.objects.update(disabled_at=timezone.now() if off else None)


def by_sql(browser: Browser, client: Client, off: bool) -> None:
    """By hand."""
    value = "now()" if off else "NULL"
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE oauth_ext_client SET disabled_at = {value}")


@pytest.mark.case(186, 267)
@pytest.mark.parametrize("switch", [by_form, by_action, by_update, by_sql])
def test_whichever_way_a_client_is_switched_off_everything_of_it_is_refused(
    operator: Browser,
    oauth: OAuthClient,
    alice_acme: Connected,
    obtain_code: Callable[..., str],
    world: World,
    log: Any,
    switch: Callable[[Browser, Client, bool], None],
) -> None:
    code = obtain_code()
    switch(operator, alice_acme.client, True)
    assert oauth.call(alice_acme.access_token).status_code == 401
    refused = (
        oauth.refresh(alice_acme.refresh_token),
        oauth.exchange(code),
        oauth.revoke(alice_acme.refresh_token),
    )
    for answer in refused:
        assert refusal_of(answer, "invalid_client", 401).reason == "client_disabled"
    oauth.sign_in(world.alice)
    page_refusal_of(oauth.open_consent(), "client_disabled")
    switch(operator, alice_acme.client, False)
    assert oauth.call(alice_acme.access_token).status_code == 200
    assert oauth.exchange(code).status_code == 200
    assert oauth.refresh(alice_acme.refresh_token).status_code == 200
    if switch in (by_form, by_action):
        events = [row.event for row in log().filter(event__startswith="oauth.client.")]
        assert events == ["oauth.client.enabled", "oauth.client.disabled"]


@pytest.mark.case(267)
def test_several_clients_are_switched_off_together_with_a_row_for_each(
    operator: Browser, oauth: OAuthClient, log: Any
) -> None:
    for number in range(3):
        oauth.register(client_name=f"Client {number}")
    keys = list(Client.objects.values_list("pk", flat=True))
    for _ in range(2):
        operator.post(LIST, {"action": "switch_off", "_selected_action": keys[:2]})
    assert Client.objects.filter(disabled_at__isnull=False).count() == 2
    assert log().filter(event="oauth.client.disabled").count() == 2
    # All of them, also those that a list's page does not show.
    everything = {"action": "switch_off", "_selected_action": keys[:1], "select_across": "1"}
    operator.post(LIST, everything)
    assert log().filter(event="oauth.client.disabled").count() == 3


@pytest.mark.case(267)
@pytest.mark.parametrize("way", ["queryset", "row"])
def test_a_deleted_client_s_tokens_are_refused_and_its_rows_of_the_log_stay(
    oauth: OAuthClient, alice_acme: Connected, log: Any, way: str
) -> None:
    assert oauth.call(alice_acme.access_token).status_code == 200
    rows = set(log().values_list("id", flat=True))
    if way == "row":
        alice_acme.client.delete()
    else:
        Client.objects.all().delete()
    assert not Connection.objects.exists()
    assert oauth.call(alice_acme.access_token).status_code == 401
    answer = oauth.refresh(alice_acme.refresh_token)
    assert refusal_of(answer, "invalid_client", 401).reason == "client_unknown"
    assert rows <= set(log().values_list("id", flat=True))


@pytest.mark.case(267)
def test_other_clients_are_not_touched(
    operator: Browser, oauth: OAuthClient, alice_acme: Connected, server: tuple[Client, str]
) -> None:
    by_action(operator, server[0], True)
    assert not is_let_in(oauth, *server)
    assert oauth.call(alice_acme.access_token).status_code == 200
    assert not switch_client(
        server[0].pk,
        off=True,
        by_user_id=alice_acme.connection.user_id,
        origin=Origin(reference="0" * 13, ip=None, user_agent=""),
    )
