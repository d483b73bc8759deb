"""The secrets of confidential clients (RFC 6749 §2.3.1), which only operators make.

A secret is 256 random bits, so a keyed hash of a few microseconds protects it as well as a slow
one would, and a flood of wrong ones costs nothing.
"""

import hmac

from oauth_ext.machine_secrets import (
    SecretKind,
    hash_candidates,
    hash_secret,
    is_well_formed,
    mint_secret,
    name_pepper,
)
from oauth_ext.models import Client

HINT_LENGTH = 4


def replace_secret(client: Client) -> str:
    """Give the client a new secret and return it; the old one is dead at once."""
    secret = mint_secret(SecretKind.CLIENT_SECRET)
    client.client_secret = hash_secret(secret)
    client.secret_hint = secret[-HINT_LENGTH:]
    client.secret_pepper_id = name_pepper()
    client.save(update_fields=["client_secret", "secret_hint", "secret_pepper_id", "updated"])
    return secret


def remove_secret(client: Client) -> None:
    """Leave the client without a secret: none is right until it is given a new one."""
    client.client_secret, client.secret_hint, client.secret_pepper_id = "", "", ""
    client.save(update_fields=["client_secret", "secret_hint", "secret_pepper_id", "updated"])


def lock_client_of(secret: str) -> Client | None:
    """The client that has this secret, its row locked; call it inside a transaction."""
    if not is_well_formed(secret, SecretKind.CLIENT_SECRET):
        return None
    found: Client | None = (
        Client.objects.select_for_update()
        .filter(client_type=Client.CLIENT_CONFIDENTIAL, client_secret__in=hash_candidates(secret))
        .first()
    )
    return found


def is_secret_of(client: Client, secret: str) -> bool:
    """Whether this is the client's secret, under the current pepper or a former one."""
    if not client.client_secret or not is_well_formed(secret, SecretKind.CLIENT_SECRET):
        return False
    current, *former = hash_candidates(secret)
    if hmac.compare_digest(current, client.client_secret):
        return True
    for candidate in former:
        if hmac.compare_digest(candidate, client.client_secret):
            adopt_pepper(client, current)
            return True
    return False


def adopt_pepper(client: Client, current: str) -> None:
    """Keep the secret under the current pepper, so that the former one can be retired."""
    # Only over the hash that was compared: a new secret may have been made meanwhile.
    Client.objects.filter(pk=client.pk, client_secret=client.client_secret).update(
        client_secret=current, secret_pepper_id=name_pepper()
    )
