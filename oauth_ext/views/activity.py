"""``/settings/activity``: a person's own log, and their organization's for its administrators."""

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.memberships import find_administered_memberships
from accounts.models import Membership
from accounts.signed_in import signed_in_user
from activity.events import Outcome
from activity.models import ActivityEvent, ActivityQuerySet
from activity.references import parse_reference
from oauth_ext.activity_log import build_entries

PAGE_SIZE = 50
OUTCOMES = frozenset(outcome.value for outcome in Outcome)


@require_GET
@login_required
@never_cache
def activity(request: HttpRequest) -> HttpResponse:
    """Newest first, fifty a page, by outcome or reference."""
    administered = find_administered_memberships(signed_in_user(request).pk)
    selected, rows = choose_log(request, administered)
    outcome = request.GET.get("outcome", "")
    if outcome in OUTCOMES:
        rows = rows.filter(outcome=outcome)
    typed = request.GET.get("q", "").strip()[:32]
    if typed:
        reference = parse_reference(typed)
        rows = rows.with_reference(reference) if reference else rows.none()
    before = read_number(request, "before")
    page = list((rows.filter(id__lt=before) if before else rows)[: PAGE_SIZE + 1])
    shown = page[:PAGE_SIZE]
    kept = {"log": selected, "outcome": outcome, "q": typed}
    older = {**kept, "before": str(shown[-1].id)} if len(page) > PAGE_SIZE else None
    context = {
        "events": build_entries(shown),
        "organizations": [membership.organization for membership in administered],
        "selected": selected,
        "outcome": outcome,
        "q": typed,
        "older_url": build_url(older) if older else None,
        "newer_url": build_url(kept) if before else None,
    }
    return render(request, "oauth_ext/activity.html", context)


def choose_log(
    request: HttpRequest, administered: list[Membership]
) -> tuple[str, ActivityQuerySet]:
    """The log that was asked for, if the person may see it; else their own."""
    wanted = request.GET.get("log", "me")
    for membership in administered:
        if str(membership.organization_id) == wanted:
            return wanted, ActivityEvent.objects.of_organization(membership.organization_id)
    return "me", ActivityEvent.objects.of_user(signed_in_user(request).pk)


def read_number(request: HttpRequest, name: str) -> int | None:
    """A row number from the query; anything else is as if left out."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def build_url(parameters: dict[str, str]) -> str:
    """The page's own address with these filters."""
    return "?" + urlencode({name: value for name, value in parameters.items() if value})
