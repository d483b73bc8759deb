"""The ways in which access ends, each as an action that returns when it has been answered."""

from collections.abc import Callable
from functools import partial

from django.db import connection as database
from django.utils import timezone

from accounts.models import Membership, Organization, Role, User
from oauth_ext.models import Client
from tests.live.application import Application, Tokens
from tests.live.conftest import Resident
from tests.live.wire import Answer, Wire

Act = Callable[[Wire], Answer]
DONE = Answer(200, {}, b"")
# By whom: the client, the person at the screen, or an operator of the host product.
ENDINGS = (
    "revoke refresh",
    "disconnect",
    "disable user",
    "remove member",
    "suspend",
    "disable client",
)


def prepare_disconnect(application: Application, resident: Resident) -> Act:
    """The person has the question on the screen; this is the press of the button."""
    browser = resident.browser
    page, form = browser.open_disconnect(application.name)
    return partial(Wire.post, prepared=browser.prepare(page, form, "Disconnect"))


def prepare_ending(kind: str, application: Application, resident: Resident, tokens: Tokens) -> Act:
    """One of ``ENDINGS``, or "revoke access" for a revocation by the other token.

    An operator's change counts as answered when it is committed.
    """
    user_id, client_id = resident.user.id, application.client_id
    changes: dict[str, Callable[[], object]] = {
        "disable user": lambda: User.objects.filter(id=user_id).update(is_active=False),
        "remove member": lambda: Membership.objects.get(
            user_id=user_id, organization_id=resident.acme_id
        ).delete(),
        "suspend": lambda: Organization.objects.filter(id=resident.acme_id).update(is_active=False),
        "disable client": lambda: Client.objects.filter(client_id=client_id).update(
            disabled_at=timezone.now()
        ),
    }
    if kind == "disconnect":
        return prepare_disconnect(application, resident)
    if kind in changes:
        return partial(commit, changes[kind])
    token = tokens.access_token if kind == "revoke access" else tokens.refresh_token
    return partial(application.revoke, token=token)


def restore(resident: Resident) -> None:
    """Undo what an operator did to the person, who signs in only so often."""
    User.objects.filter(id=resident.user.id).update(is_active=True)
    Organization.objects.filter(id=resident.acme_id).update(is_active=True)
    Membership.objects.get_or_create(
        user_id=resident.user.id, organization_id=resident.acme_id, defaults={"role": Role.OWNER}
    )


def commit(change: Callable[[], object], wire: Wire) -> Answer:
    """Make a change in the database from this thread, which has a connection of its own."""
    try:
        change()
    finally:
        database.close()
    return DONE
