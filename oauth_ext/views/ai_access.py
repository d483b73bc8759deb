"""``/settings/ai-access``: a person's connected applications and personal access tokens."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts.memberships import find_active_memberships
from accounts.signed_in import signed_in_user
from activity.origin import origin_of
from oauth_ext.connections import (
    ConnectionNotFoundError,
    ConnectionSummary,
    find_connections,
    revoke_connection,
)
from oauth_ext.forms import PersonalTokenForm
from oauth_ext.install_guides import build_install_guides
from oauth_ext.personal_tokens import find_minted, find_personal_tokens


@require_GET
@login_required
@never_cache
def ai_access(request: HttpRequest) -> HttpResponse:
    """Everything that may act for this person."""
    return render_ai_access(request, build_form(request))


def build_form(request: HttpRequest, data: Any = None) -> PersonalTokenForm:
    """The form for a new token, with the person's own organizations."""
    return PersonalTokenForm(data, memberships=find_active_memberships(signed_in_user(request).pk))


def render_ai_access(
    request: HttpRequest,
    form: PersonalTokenForm,
    *,
    new_token: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page; ``new_token`` is shown this once."""
    context = {
        "connections": find_connections(user_id=signed_in_user(request).pk),
        "personal_tokens": find_personal_tokens(user_id=signed_in_user(request).pk),
        "form": form,
        "personal_tokens_enabled": settings.PERSONAL_TOKENS_ENABLED,
        "can_mint": bool(find_active_memberships(signed_in_user(request).pk)),
        "new_token": new_token,
        "minted": find_minted(
            user_id=signed_in_user(request).pk, nonce=request.POST.get("nonce", "")
        )
        if new_token
        else None,
        "install_guides": build_install_guides(tokens_are="below"),
        "mcp_url": settings.MCP_RESOURCE,
    }
    return render(request, "oauth_ext/ai_access.html", context, status=status)


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
    name = connection.label or connection.client_name or "The application"
    messages.success(
        request,
        f"{name} is disconnected from {connection.organization_name}. "
        "Its very next call will be refused.",
    )
    return redirect("oauth_ext:ai_access")


def get_own_connection(request: HttpRequest, connection_id: UUID) -> ConnectionSummary:
    """The person's own connection; anybody else's is as good as none."""
    for connection in find_connections(user_id=signed_in_user(request).pk):
        if connection.id == connection_id:
            return connection
    raise Http404
