"""Pausing, resuming, labelling and disconnecting an application, from ``/settings/ai-access``."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.signed_in import signed_in_user
from activity.origin import origin_of
from oauth_ext.connection_control import pause_connection, rename_connection, resume_connection
from oauth_ext.connections import (
    ConnectionNotFoundError,
    ConnectionSummary,
    find_connections,
    revoke_connection,
)
from oauth_ext.views.ai_access import build_form, render_ai_access


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
def disconnect(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Ask, then cut one connection; its next call is refused."""
    connection = get_own_connection(request, connection_id)
    if request.method == "GET":
        return render(request, "oauth_ext/disconnect.html", {"connection": connection})
    try:
        revoke_connection(
            connection_id=connection.id,
            by_user_id=signed_in_user(request).pk,
            reason="disconnected_by_user",
            origin=origin_of(request),
        )
    except ConnectionNotFoundError as error:
        raise Http404 from error
    messages.success(
        request,
        f"{name_connection(connection)} is disconnected from {connection.organization_name}. "
        "Its very next call will be refused.",
    )
    return redirect("oauth_ext:ai_access")


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
def pause(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Let one connection rest; its next call is refused, and its tokens stay good.

    Nobody is asked before: resuming undoes it. Opened by hand, it is just the page.
    """
    if request.method == "GET":
        return redirect("oauth_ext:ai_access")
    connection = get_own_connection(request, connection_id)
    try:
        pause_connection(
            connection_id=connection.id,
            by_user_id=signed_in_user(request).pk,
            origin=origin_of(request),
        )
    except ConnectionNotFoundError as error:
        raise Http404 from error
    messages.success(
        request,
        f"{name_connection(connection)} is paused in {connection.organization_name}. Its very "
        "next call will be refused, until you resume it here.",
    )
    return redirect("oauth_ext:ai_access")


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
def resume(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Let a paused connection go on with the tokens it has."""
    if request.method == "GET":
        return redirect("oauth_ext:ai_access")
    connection = get_own_connection(request, connection_id)
    try:
        resume_connection(
            connection_id=connection.id,
            by_user_id=signed_in_user(request).pk,
            origin=origin_of(request),
        )
    except ConnectionNotFoundError as error:
        raise Http404 from error
    messages.success(
        request,
        f"{name_connection(connection)} may act for you in {connection.organization_name} again.",
    )
    return redirect("oauth_ext:ai_access")


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
def rename(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Give one connection a label; an empty one takes it away."""
    if request.method == "GET":
        return redirect("oauth_ext:ai_access")
    connection = get_own_connection(request, connection_id)
    try:
        changed = rename_connection(
            connection_id=connection.id,
            label=request.POST.get("label", ""),
            by_user_id=signed_in_user(request).pk,
            origin=origin_of(request),
        )
    except ConnectionNotFoundError as error:
        raise Http404 from error
    except ValueError as error:
        messages.error(request, f"The label was not changed. {error}")
        return render_ai_access(request, build_form(request), status=422)
    if changed:
        messages.success(request, "The label was changed.")
    return redirect("oauth_ext:ai_access")


def get_own_connection(request: HttpRequest, connection_id: UUID) -> ConnectionSummary:
    """The person's own connection; anybody else's is as good as none."""
    for connection in find_connections(user_id=signed_in_user(request).pk):
        if connection.id == connection_id:
            return connection
    raise Http404


def name_connection(connection: ConnectionSummary) -> str:
    """What the person calls it, or what it calls itself."""
    return connection.label or connection.client_name or "The application"
