"""Confidential clients for tests, and the ways in which one can prove itself."""

import base64
from urllib.parse import quote_plus
from uuid import uuid4

from activity.origin import Origin
from oauth_ext.models import Client
from oauth_ext.operator_clients import add_client, renew_secret
from tests.oauth_client import CALLBACK


def make_confidential(origin: Origin, name: str = "Server side") -> tuple[Client, str]:
    """A client that an operator registered, and its secret."""
    client = Client(name=name, redirect_uris=CALLBACK, client_type=Client.CLIENT_CONFIDENTIAL)
    operator = uuid4()
    add_client(client, by_user_id=operator, origin=origin)
    secret = renew_secret(client.pk, replacing="", by_user_id=operator, origin=origin)
    client.refresh_from_db()
    return client, secret


def basic(client_id: str, secret: str, scheme: str = "Basic") -> dict[str, str]:
    """An Authorization header as RFC 6749 §2.3.1 has it."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": f"{scheme} {base64.b64encode(pair.encode()).decode()}"}
