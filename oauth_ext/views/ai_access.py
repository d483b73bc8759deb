"""``/settings/ai-access``: a person's connected applications and personal access tokens."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.memberships import find_active_memberships
from accounts.signed_in import signed_in_user
from oauth_ext.connection_control import MAX_LABEL
from oauth_ext.connections import find_connections
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
        "max_label": MAX_LABEL,
    }
    return render(request, "oauth_ext/ai_access.html", context, status=status)
