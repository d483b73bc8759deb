"""What still depends on a former pepper, for an operator who is phasing one out.

A hash cannot be made again without its secret, so a token keeps the pepper it was made under until
it is replaced: refresh tokens by the next refresh, the others by hand.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from oauth_ext.machine_secrets import name_pepper
from oauth_ext.models import Client, PersonalAccessToken, RefreshToken


@dataclass(frozen=True, slots=True)
class FormerPepperUse:
    """How many live secrets were hashed under another pepper than the current one.

    ``needed_until`` is when the last of those that expire does; client secrets never do.
    """

    refresh_tokens: int
    personal_tokens: int
    client_secrets: int
    needed_until: datetime | None

    def __bool__(self) -> bool:
        """Whether anything does."""
        return bool(self.refresh_tokens or self.personal_tokens or self.client_secrets)


def find_former_pepper_use(now: datetime) -> FormerPepperUse:
    """Count at ``now``. What was made before peppers had names counts as under a former one."""
    current = name_pepper()
    refreshing = RefreshToken.objects.filter(
        superseded_at__isnull=True,
        expires_at__gt=now,
        family__revoked_at__isnull=True,
        family__connection__revoked_at__isnull=True,
    ).exclude(pepper_id=current)
    personal = PersonalAccessToken.objects.filter(
        revoked_at__isnull=True, expires_at__gt=now
    ).exclude(pepper_id=current)
    confidential = Client.objects.exclude(client_secret="").exclude(secret_pepper_id=current)
    ends = [rows.aggregate(last=Max("expires_at"))["last"] for rows in (refreshing, personal)]
    return FormerPepperUse(
        refresh_tokens=refreshing.count(),
        personal_tokens=personal.count(),
        client_secrets=confidential.count(),
        needed_until=max((end for end in ends if end), default=None),
    )


def describe_former_pepper_use(use: FormerPepperUse) -> str:
    """One sentence for an operator."""
    if not use:
        return "No live secret depends on a former pepper: TOKEN_PEPPER_FALLBACKS can go."
    counted = (
        f"{use.refresh_tokens} refresh tokens, {use.personal_tokens} personal access tokens and "
        f"{use.client_secrets} client secrets were hashed under a former pepper"
    )
    if use.needed_until is None:
        return f"{counted}: keep it until their secrets are new."
    return f"{counted}: keep it until {use.needed_until:%Y-%m-%d %H:%M} UTC, or they end with it."
