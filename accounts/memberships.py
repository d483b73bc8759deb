"""Rules over several memberships."""

from uuid import UUID

from accounts.models import ADMINISTRATORS, Membership


def find_active_memberships(user_id: UUID) -> list[Membership]:
    """The person's memberships in organizations that are not suspended, by name."""
    return list(
        Membership.objects.filter(user_id=user_id, organization__is_active=True).select_related(
            "organization"
        )
    )


def find_active_membership(user_id: UUID, organization_id: UUID) -> Membership | None:
    """The person's membership in one organization, unless it is suspended."""
    return (
        Membership.objects.filter(
            user_id=user_id, organization_id=organization_id, organization__is_active=True
        )
        .select_related("organization")
        .first()
    )


def find_administered_memberships(user_id: UUID) -> list[Membership]:
    """Where the person is owner or admin: the organizations whose whole log they may see."""
    return [
        membership
        for membership in find_active_memberships(user_id)
        if membership.role in ADMINISTRATORS
    ]
