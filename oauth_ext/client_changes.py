"""When a client's document says something else than what people allowed.

A domain can be sold and a document rewritten, so a new name or a new redirect URI is a new
question to everybody who allowed the old ones (draft-ietf-oauth-client-id-metadata-document-00
§6). Until they answer it, nothing is issued under their connections; see ``standing``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from oauth_ext.client_metadata import ClientMetadata
from oauth_ext.models import Client, Connection
from oauth_ext.redirect_uris import Kind, find_host, find_kind

# Former states that are kept; whoever allowed an earlier one is told of the earliest.
MAX_FORMER = 10
THIS_COMPUTER = "this computer"


@dataclass(frozen=True, slots=True)
class ClientChange:
    """What is new to a person who allowed a client at ``allowed_at``. Names are claims."""

    allowed_at: datetime
    former_name: str
    name: str
    new_hosts: tuple[str, ...]

    @property
    def is_renamed(self) -> bool:
        """Whether it calls itself something else."""
        return self.former_name != self.name


def describe_state(name: str, redirect_uris: Iterable[str]) -> dict[str, Any]:
    """The part of the metadata that people rely on."""
    return {"client_name": name, "redirect_uris": list(redirect_uris)}


def is_change(client: Client, metadata: ClientMetadata) -> bool:
    """Whether the document differs in anything that people rely on; the order does not count."""
    return client.name != metadata.client_name or set(client.redirect_uri_list) != set(
        metadata.redirect_uris
    )


def is_new_question(client: Client, metadata: ClientMetadata) -> bool:
    """Whether people must be asked again: another name, or somewhere new that answers may go."""
    return client.name != metadata.client_name or not set(metadata.redirect_uris) <= set(
        client.redirect_uri_list
    )


def build_last_change(client: Client, metadata: ClientMetadata, now: datetime) -> dict[str, Any]:
    """The value of ``Client.last_change``: from, to, and what it said before that."""
    before = describe_state(client.name, client.redirect_uri_list)
    former = (client.last_change or {}).get("former", [])
    return {
        "from": before,
        "to": describe_state(metadata.client_name, metadata.redirect_uris),
        "former": [*former, {"until": now.isoformat(), **before}][-MAX_FORMER:],
    }


def find_allowed_at(connection: Connection) -> datetime:
    """When the person last allowed it."""
    return connection.consented_at or connection.created_at


def find_change(client: Client, connections: Iterable[Connection]) -> ClientChange | None:
    """What has changed since the person allowed the client, by the oldest of their connections."""
    if client.changed_at is None:
        return None
    allowed = [find_allowed_at(connection) for connection in connections]
    outdated = [allowed_at for allowed_at in allowed if allowed_at < client.changed_at]
    if not outdated:
        return None
    return describe_change(client, min(outdated))


def describe_change(client: Client, allowed_at: datetime) -> ClientChange:
    """The difference between what it said when it was allowed and what it says now."""
    last_change = client.last_change or {}
    states = [
        state
        for state in last_change.get("former", [])
        if datetime.fromisoformat(state["until"]) > allowed_at
    ]
    former = states[0] if states else last_change.get("from", {})
    known = former.get("redirect_uris", [])
    new = [uri for uri in client.redirect_uri_list if uri not in known]
    return ClientChange(
        allowed_at=allowed_at,
        former_name=former.get("client_name", client.name),
        name=client.name,
        new_hosts=tuple(dict.fromkeys(name_destination(uri) for uri in new)),
    )


def name_destination(uri: str) -> str:
    """Where a redirect URI leads, in a person's words."""
    return THIS_COMPUTER if find_kind(uri) is Kind.LOOPBACK else find_host(uri)
