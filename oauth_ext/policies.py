"""What a role allows at most, whoever asks and whatever a person ticks."""

from accounts.models import Role
from oauth_ext.scopes import READ, SUPPORTED

GRANTABLE = {
    Role.OWNER: frozenset(SUPPORTED),
    Role.ADMIN: frozenset(SUPPORTED),
    Role.MEMBER: frozenset(SUPPORTED),
    Role.VIEWER: frozenset({READ}),
}


def find_grantable_scopes(role: str) -> frozenset[str]:
    """The scopes that a member with this role may grant and use; none for an unknown role."""
    return GRANTABLE.get(Role(role), frozenset()) if role in Role.values else frozenset()
