"""Revocation by a client (RFC 7009): a refresh token of any generation, or an access token.

Either ends the whole family. An access token has no row of its own to end, and a client that
gives one up has signed out.
"""

from uuid import UUID

from activity.events import Event
from activity.origin import Origin
from oauth_ext.connection_events import record_connection_event
from oauth_ext.errors import InvalidGrantError
from oauth_ext.families import revoke_family
from oauth_ext.machine_secrets import SecretKind, hash_candidates, is_well_formed
from oauth_ext.models import Client, RefreshToken, TokenFamily
from oauth_ext.tokens import AccessTokenInvalidError, parse_access_token


def revoke_token(token: str, *, client: Client, origin: Origin) -> None:
    """End the family of this token. Unknown tokens are fine (RFC 7009 §2.2).

    Raises:
        InvalidGrantError: it is another client's; nothing was revoked (RFC 7009 §2.1).
    """
    family_id = find_family_id(token)
    if family_id is None:
        return
    family = (
        TokenFamily.objects.select_for_update(of=("self",))
        .select_related("connection__client")
        .filter(id=family_id)
        .first()
    )
    if family is None:
        return
    connection = family.connection
    if connection.client_id != client.pk:
        raise InvalidGrantError("revoke_foreign", "The token was issued to another client.")
    if revoke_family(family.id, reason="revoked_by_client"):
        record_connection_event(
            Event.TOKEN_REVOKED,
            connection,
            origin=origin,
            details={"family": family.id},
        )


def find_family_id(token: str) -> UUID | None:
    """The family that a token of ours belongs to; the hint is not needed to tell kinds apart."""
    if is_well_formed(token, SecretKind.REFRESH_TOKEN):
        found: UUID | None = (
            RefreshToken.objects.filter(token_checksum__in=hash_candidates(token))
            .values_list("family_id", flat=True)
            .first()
        )
        return found
    try:
        return parse_access_token(token).family_id
    except AccessTokenInvalidError:
        return None
