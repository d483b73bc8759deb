"""What a person reads when a client's metadata document cannot be used.

The sentence says what they can do, not what was found: whoever names the host must learn neither
from the page nor from their own log what it looks like from inside our network.
"""

from collections.abc import Mapping

from oauth_ext.client_id_urls import find_host_of_client_id
from oauth_ext.errors import UnredirectableError

BAD_ADDRESS = (
    "The application identifies itself with an address that we cannot use. "
    "Nothing was allowed. Only the maker of the application can mend that."
)
NOT_WANTED = (
    "Applications that are described at this address cannot be connected here. "
    "If you need one, ask the support."
)
UNREADABLE = (
    "The application says that it is described at {host}, and we could not read the description "
    "there just now. So we cannot tell who is asking, and nothing was allowed. Wait a minute, then "
    "connect again from the application."
)
UNACCEPTABLE = (
    "The application says that it is described at {host}, and what is there is not a description "
    "that we can accept. Nothing was allowed. Only the maker of the application can mend that. "
    "Your activity log says what is wrong with it."
)
BUSY = (
    "We are checking many applications at this moment, and yours is not checked yet. "
    "Nothing was allowed. Wait a minute, then connect again from the application."
)
HOST_LIMIT = (
    "Its address was asked too often in the last minute. Nothing was allowed. "
    "Wait a minute, then connect again from the application."
)
MESSAGES = {
    "cimd_url": BAD_ADDRESS,
    "cimd_ip_literal": BAD_ADDRESS,
    "cimd_self": NOT_WANTED,
    "cimd_host": NOT_WANTED,
    "cimd_content_type": UNACCEPTABLE,
    "cimd_encoding": UNACCEPTABLE,
    "cimd_size": UNACCEPTABLE,
    "cimd_json": UNACCEPTABLE,
    "cimd_mismatch": UNACCEPTABLE,
    "cimd_secret": UNACCEPTABLE,
    "cimd_auth_method": UNACCEPTABLE,
    "cimd_metadata": UNACCEPTABLE,
    "cimd_redirect": UNACCEPTABLE,
    "cimd_capacity": BUSY,
    "cimd_host_limit": HOST_LIMIT,
    "cimd_user_limit": BUSY,
}
# Between these lies what our network looks like from inside: which names exist there. People read
# their own rows, so only the server's log tells the causes apart.
UNREACHABLE = frozenset({"cimd_dns", "cimd_private_ip", "cimd_connect", "cimd_timeout"})
STATUSES = {
    "cimd_capacity": 503,
    "cimd_backoff": 429,
    "cimd_host_limit": 429,
    "cimd_user_limit": 429,
}


def find_recorded_reason(reason: str) -> str:
    """The slug for the row: the reason itself, or the one that stands for all of its kind."""
    return "cimd_unreachable" if reason in UNREACHABLE else reason


def build_refusal(
    reason: str,
    client_id: str,
    details: Mapping[str, str] | None = None,
    *,
    retry_after: int | None = None,
) -> UnredirectableError:
    """The page for a reason."""
    message = MESSAGES.get(reason, UNREADABLE).format(host=find_host_of_client_id(client_id))
    return UnredirectableError(
        reason,
        message,
        client_id=client_id,
        details=details,
        status=STATUSES.get(reason, 400),
        retry_after=retry_after,
    )
