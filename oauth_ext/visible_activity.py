"""Which rows of the log a caller may see, and the story around one of them.

Every surface (tools, the REST API) asks here: a person's own rows of the organization they act
in, or the organization's for its administrators. Whatever is looked at has an end: a log may have
millions of rows, and what is asked for may not be among them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from activity.models import ActivityEvent, ActivityQuerySet
from oauth_ext.verification import Principal

# So many of the newest rows are looked through for the reference of a success, which has no index.
SEARCHED = 10_000
# So many rows of a person on either side are looked through for those of one connection.
AROUND = 500
# Rows of one request; a summary of refusals may stand for more.
MAX_OF_REQUEST = 20


@dataclass(frozen=True, slots=True)
class Story:
    """The rows of one request, and what came before and after; each oldest first."""

    before: list[ActivityEvent]
    rows: list[ActivityEvent]
    after: list[ActivityEvent]


def select_visible_activity(principal: Principal, *, whole_organization: bool) -> ActivityQuerySet:
    """The person's own rows in this organization, or everybody's, newest first.

    Raises:
        PermissionError: everybody's were asked for by somebody who is no administrator.
    """
    rows = ActivityEvent.objects.of_organization(principal.organization_id)
    if not whole_organization:
        return rows.of_user(principal.user_id)
    if not principal.is_administrator:
        raise PermissionError("not_an_administrator")
    return rows


def find_story(principal: Principal, reference: str, *, around: int) -> Story | None:
    """What happened behind a reference, with so many rows of its connection on either side.

    None if nothing that this person may see has it: also when somebody else's has.
    """
    visible = select_visible_activity(principal, whole_organization=principal.is_administrator)
    rows = find_rows(visible, reference)
    if not rows:
        return None
    first, last = rows[0], rows[-1]
    related = visible.of_user(first.user_id) if first.user_id else visible.none()
    before = related.filter(id__lt=first.id).order_by("-id")[:AROUND]
    after = related.filter(id__gt=last.id).order_by("id")[:AROUND]
    return Story(
        before=pick_related(before, first, around)[::-1],
        rows=rows,
        after=pick_related(after, first, around),
    )


def find_rows(visible: ActivityQuerySet, reference: str) -> list[ActivityEvent]:
    """The visible rows of one request, oldest first."""
    # Refusals and failures have an index; the rest is looked for among the newest.
    unlucky = visible.with_reference(reference).exclude(outcome="succeeded")
    found = {row.id: row for row in unlucky.order_by("-id")[:MAX_OF_REQUEST]}
    newest = visible.order_by("-id")
    if found:
        # What the same request did before it failed lies right beside it.
        newest = newest.filter(id__lte=max(found) + AROUND)
    searched = AROUND * 2 if found else SEARCHED
    references = newest.values_list("id", "reference")[:searched]
    wanted = [row_id for row_id, each in references if each == reference][:MAX_OF_REQUEST]
    found |= {row.id: row for row in visible.filter(id__in=wanted)} if wanted else {}
    return [found[row_id] for row_id in sorted(found)]


def pick_related(
    rows: Iterable[ActivityEvent], like: ActivityEvent, most: int
) -> list[ActivityEvent]:
    """The nearest rows of the same connection, or of the same personal access token."""
    same = [row for row in rows if name_credential(row) == name_credential(like)]
    return same[:most]


def name_credential(row: ActivityEvent) -> tuple[str, str]:
    """Through what it happened; equal for rows of one connection or one personal token."""
    return str(row.connection_id or ""), str(row.details.get("personal_access_id", ""))
