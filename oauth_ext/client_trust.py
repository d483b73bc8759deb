"""Who says who a client is, and how far that reaches (RFC 8252 §8.6, RFC 7591 §5).

A name is never evidence. What counts is the host that a metadata document was fetched from, the
host that the answer goes to, and whether an operator made the client. On a person's own computer
nothing counts: any program there can take any client's place.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from oauth_ext.client_id_urls import find_host_of_client_id
from oauth_ext.look_alikes import find_look_alike
from oauth_ext.models import Client
from oauth_ext.redirect_uris import Kind, find_authority, find_host, find_kind

LINKS = {"client_uri": "Website", "policy_uri": "Privacy policy", "tos_uri": "Terms of service"}


class Tier(StrEnum):
    """What stands behind a client's name, for one redirect URI."""

    # Its document lies on the very host and port that the answer goes to.
    VERIFIED = "verified"
    # Its document lies on one host, and the answer goes to another or stays on this computer.
    DESCRIBED = "described"
    # An operator of this deployment made it.
    REGISTERED = "registered"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Trust:
    """The tier, the host of the document if there is one, and whom the name imitates."""

    tier: Tier
    document_host: str
    look_alike: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the client's that may be shown; ``host`` is in ASCII."""

    title: str
    url: str
    host: str


def assess_client(client: Client, redirect_uri: str) -> Trust:
    """What can be said of a client whose answer goes to this redirect URI."""
    document_host = find_document_host(client)
    return Trust(
        tier=find_tier(client, redirect_uri),
        document_host=document_host,
        look_alike=find_client_look_alike(client, [redirect_uri]),
    )


def find_tier(client: Client, redirect_uri: str) -> Tier:
    """What stands behind the client's name when its answer goes to this redirect URI."""
    if client.registration_source == Client.RegistrationSource.MANUAL:
        return Tier.REGISTERED
    document_host = find_document_host(client)
    if not document_host:
        return Tier.UNVERIFIED
    # A document says who wrote it, not which program listens on this computer.
    is_web = find_kind(redirect_uri) is Kind.WEB
    is_own = is_web and find_authority(redirect_uri) == document_host
    return Tier.VERIFIED if is_own else Tier.DESCRIBED


def may_lead_strangers_to(client: Client, redirect_uri: str) -> bool:
    """Whether somebody who is not signed in may be sent there unasked (RFC 9700 §4.11.2).

    Anybody can register an address or publish a document, and a redirect from here would lend it
    our name. What an operator made is another matter, and so is a program on the person's own
    device.
    """
    is_web = find_kind(redirect_uri) is Kind.WEB
    return not is_web or find_tier(client, redirect_uri) is Tier.REGISTERED


def find_common_tier(client: Client) -> Tier:
    """What stands behind the client's name at every one of its redirect URIs."""
    tiers = {find_tier(client, uri) for uri in client.redirect_uri_list}
    return tiers.pop() if len(tiers) == 1 else Tier.DESCRIBED


def find_document_host(client: Client) -> str:
    """The host that the client's metadata document was fetched from, or nothing."""
    if client.registration_source != Client.RegistrationSource.CIMD:
        return ""
    return find_host_of_client_id(client.client_id)


def find_client_look_alike(client: Client, redirect_uris: Iterable[str] | None = None) -> str:
    """Whom the client's name imitates, going by these redirect URIs or by all it has.

    An operator chose the name of a client of theirs, so that one imitates nobody.
    """
    if client.registration_source == Client.RegistrationSource.MANUAL:
        return ""
    uris = client.redirect_uri_list if redirect_uris is None else redirect_uris
    return find_imitated(client.name, uris, document_host=find_document_host(client))


def find_imitated(name: str, redirect_uris: Iterable[str], *, document_host: str = "") -> str:
    """Whom a name imitates when the answers go to these redirect URIs, or nothing.

    Loopback addresses are left out: they are everybody's, and known applications use them.
    """
    hosts = {find_host(uri) for uri in redirect_uris if find_kind(uri) is not Kind.LOOPBACK}
    return find_look_alike(name, hosts | ({document_host} if document_host else set()))


def find_links(client: Client, redirect_uri: str) -> list[Link]:
    """The client's links that may be shown on the consent page: https, no surprises.

    A client that describes itself may link to the hosts that the page names anyway. Anything
    else would lend it the look of whomever it links to.
    """
    own = {find_document_host(client), find_host(redirect_uri)}
    is_ours = client.registration_source == Client.RegistrationSource.MANUAL
    links = []
    for name, title in LINKS.items():
        url = str(client.metadata.get(name) or "")
        host = find_link_host(url)
        if host and (is_ours or host in own):
            links.append(Link(title, url, host))
    return links


def find_link_host(url: str) -> str:
    """The host of an https link in plain ASCII and without user name; nothing for any other."""
    if not url.startswith("https://") or not url.isascii() or not url.isprintable():
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if "@" in parts.netloc or "\\" in url or " " in url:
        return ""
    return parts.hostname or ""
