"""When a client is not what people allowed any more.

A domain can be sold and a document rewritten, so a new name or a new redirect URI is a new
question to everybody who allowed the old ones (draft-ietf-oauth-client-id-metadata-document-00
§6). Each raises the client's revision. Until a person has allowed that revision, nothing is issued
under their connection; see ``standing``. A count and not a time, so that no clock decides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from oauth_ext.models import Client, Connection
from oauth_ext.redirect_uris import Kind, find_host, find_kind

THIS_COMPUTER = "this computer"


@dataclass(frozen=True, slots=True)
class ClientChange:
    """What is new to a person who allowed an earlier revision. Names are claims.

    Nothing is new about a client that changed back; ``is_known`` is false for a connection of
    which nobody kept what was allowed.
    """

    changed_at: datetime | None
    is_known: bool
    former_name: str
    name: str
    new_hosts: tuple[str, ...]

    @property
    def is_renamed(self) -> bool:
        """Whether it calls itself something else."""
        return self.former_name != self.name

    @property
    def is_undone(self) -> bool:
        """Whether it was something else in between, and nothing about it is new now."""
        return self.is_known and not self.is_renamed and not self.new_hosts


def describe_state(client: Client) -> dict[str, Any]:
    """What people rely on: the value of ``Connection.allowed_client``."""
    return {"client_name": client.name, "redirect_uris": list(client.redirect_uri_list)}


def change_client(
    client: Client, *, name: str, redirect_uris: Sequence[str]
) -> dict[str, Any] | None:
    """Give the client this name and these redirect URIs; None if it has them already.

    The caller's transaction has locked the client's row, and saves it afterwards. Another name, or
    somewhere new that answers may go, raises the revision; what only takes away asks nobody.

    Returns:
        The change as the log tells it: from, to, and whether people are asked again.
    """
    before, known = describe_state(client), set(client.redirect_uri_list)
    is_renamed, is_moved = name != client.name, set(redirect_uris) != known
    asks_again = is_renamed or not set(redirect_uris) <= known
    client.name = name
    client.redirect_uris = " ".join(redirect_uris)
    if asks_again:
        client.revision += 1
        client.changed_at = timezone.now()
    if not is_renamed and not is_moved:
        return None
    return {"from": before, "to": describe_state(client), "asks_again": asks_again}


def is_outdated(connection: Connection, client: Client) -> bool:
    """Whether the person has allowed an earlier revision of this client of theirs only."""
    return connection.client_revision < client.revision


def find_change(client: Client, connections: Iterable[Connection]) -> ClientChange | None:
    """What has changed since the person allowed the client, by the oldest of their connections."""
    outdated = [connection for connection in connections if is_outdated(connection, client)]
    if not outdated:
        return None
    oldest = min(outdated, key=lambda connection: connection.client_revision)
    return describe_change(client, oldest.allowed_client)


def describe_change(client: Client, allowed: dict[str, Any] | None) -> ClientChange:
    """The difference between what was allowed and what the client is now."""
    former = allowed or describe_state(client)
    new = [uri for uri in client.redirect_uri_list if uri not in former["redirect_uris"]]
    return ClientChange(
        changed_at=client.changed_at,
        is_known=allowed is not None,
        former_name=former["client_name"],
        name=client.name,
        new_hosts=tuple(dict.fromkeys(name_destination(uri) for uri in new)),
    )


def name_destination(uri: str) -> str:
    """Where a redirect URI leads, in a person's words."""
    return THIS_COMPUTER if find_kind(uri) is Kind.LOOPBACK else find_host(uri)
