"""``/settings/ai-access``: a person's connected applications and personal access tokens."""

from typing import Any
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts.memberships import find_active_memberships
from accounts.signed_in import is_sign_in_stale, signed_in_user
from activity.origin import origin_of
from oauth_ext.connections import (
    ConnectionNotFoundError,
    ConnectionSummary,
    find_connections,
    revoke_connection,
)
from oauth_ext.forms import PersonalTokenForm
from oauth_ext.install_guides import build_install_guides
from oauth_ext.personal_tokens import (
    MAX_ACTIVE,
    FormUsedError,
    PersonalTokenNotFoundError,
    PersonalTokenSummary,
    TooManyPersonalTokensError,
    find_personal_tokens,
    mint_personal_token,
    revoke_personal_token,
)


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
        "can_mint": bool(find_active_memberships(signed_in_user(request).pk)),
        "new_token": new_token,
        "install_guides": build_install_guides(),
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


# Whoever finds an open browser must not leave with a token: ask for the password again.
@require_http_methods(["GET", "POST"])
@login_required
@reauthentication_required(allow_get=True, enabled=is_sign_in_stale)  # type: ignore[untyped-decorator]
@never_cache
def mint(request: HttpRequest) -> HttpResponse:
    """Make a token and show it; it is not shown again. Opened by hand, it is just the page."""
    if request.method == "GET":
        return redirect("oauth_ext:ai_access")
    form = build_form(request, request.POST)
    if not form.is_valid():
        return render_ai_access(request, form, status=422)
    try:
        secret = mint_personal_token(
            form.cleaned_data["organization"],
            label=form.cleaned_data["label"],
            scopes=form.cleaned_data["scopes"],
            days=form.cleaned_data["expires_in_days"],
            nonce=form.cleaned_data["nonce"],
            origin=origin_of(request),
        )
    except FormUsedError:
        messages.info(request, "This token was made already, and is shown only once.")
        return redirect("oauth_ext:ai_access")
    except TooManyPersonalTokensError:
        form.add_error(None, f"You have {MAX_ACTIVE} tokens already. Revoke one first.")
        return render_ai_access(request, form, status=422)
    return render_ai_access(request, build_form(request), new_token=secret)


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
def revoke_token(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """Ask, then end one personal access token."""
    token = get_own_token(request, token_id)
    if request.method == "GET":
        return render(request, "oauth_ext/revoke_personal_token.html", {"token": token})
    try:
        revoke_personal_token(
            token_id=token.id, by_user_id=signed_in_user(request).pk, origin=origin_of(request)
        )
    except PersonalTokenNotFoundError as error:
        raise Http404 from error
    messages.success(request, f"The token “{token.label}” is revoked. It stopped working.")
    return redirect("oauth_ext:ai_access")


def get_own_token(request: HttpRequest, token_id: UUID) -> PersonalTokenSummary:
    """The person's own token; anybody else's is as good as none."""
    for token in find_personal_tokens(user_id=signed_in_user(request).pk):
        if token.id == token_id:
            return token
    raise Http404
