"""Making, replacing and revoking personal access tokens, from ``/settings/ai-access``."""

from datetime import timedelta
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.limits import PERSONAL_TOKEN, allow_personal_token
from accounts.signed_in import is_sign_in_stale, signed_in_user
from activity.origin import origin_of
from activity.views import too_many_requests
from oauth_ext.forms import PersonalTokenForm, ReplaceTokenForm
from oauth_ext.personal_token_replacement import AlreadyReplacedError, replace_personal_token
from oauth_ext.personal_tokens import (
    MAX_ACTIVE,
    FormUsedError,
    PersonalTokenNotFoundError,
    PersonalTokenSummary,
    ScopeNotGrantableError,
    TooManyPersonalTokensError,
    UnknownToolError,
    find_personal_tokens,
    mint_personal_token,
    revoke_personal_token,
)
from oauth_ext.views.ai_access import build_form, render_ai_access

SHOWN_ONCE = "This token was made already, and is shown only once."
TOO_MANY = f"You have {MAX_ACTIVE} tokens already. Revoke one first."
NOT_ALLOWED = "Your role in this organization, or the organization itself, does not allow that."


def check_enabled() -> None:
    """Switched off, there is nothing here; the settings page says why."""
    if not settings.PERSONAL_TOKENS_ENABLED:
        raise Http404("Personal access tokens are switched off.")


# Whoever finds an open browser must not leave with a token: ask for the password again.
@require_http_methods(["GET", "POST"])
@login_required
@reauthentication_required(allow_get=True, enabled=is_sign_in_stale)  # type: ignore[untyped-decorator]
@never_cache
def mint(request: HttpRequest) -> HttpResponse:
    """Make a token and show it; it is not shown again. Opened by hand, it is just the page."""
    check_enabled()
    if request.method == "GET":
        return redirect("oauth_ext:ai_access")
    form = build_form(request, request.POST)
    if not form.is_valid():
        return render_ai_access(request, form, status=422)
    if not allow_personal_token(signed_in_user(request).pk):
        return refuse_too_many(request)
    try:
        secret = mint_from(form, request)
    except FormUsedError:
        messages.info(request, SHOWN_ONCE)
        return redirect("oauth_ext:ai_access")
    except TooManyPersonalTokensError:
        form.add_error(None, TOO_MANY)
    except (ScopeNotGrantableError, UnknownToolError):
        # The form has asked; it changed in between.
        form.add_error(None, NOT_ALLOWED)
    else:
        return render_ai_access(request, build_form(request), new_token=secret)
    return render_ai_access(request, form, status=422)


def refuse_too_many(request: HttpRequest) -> HttpResponse:
    """429: each token made is a mail and a row, also when it is revoked at once."""
    return too_many_requests(
        request, policy=PERSONAL_TOKEN.name, retry_after=PERSONAL_TOKEN.retry_after
    )


def mint_from(form: PersonalTokenForm, request: HttpRequest) -> str:
    """The secret of a new token, as the form describes it."""
    return mint_personal_token(
        form.cleaned_data["organization"],
        label=form.cleaned_data["label"],
        scopes=form.cleaned_data["scopes"],
        days=form.cleaned_data["expires_in_days"],
        tools=form.cleaned_data["tools"],
        nonce=form.cleaned_data["nonce"],
        origin=origin_of(request),
    )


@require_http_methods(["GET", "POST"])
@login_required
@reauthentication_required(allow_get=True, enabled=is_sign_in_stale)  # type: ignore[untyped-decorator]
@never_cache
def replace(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """Ask how long the old token is to go on, then make one like it and show that once."""
    check_enabled()
    token = get_own_token(request, token_id)
    if token.is_replaced:
        messages.info(request, f"The token “{token.label}” was replaced already.")
        return redirect("oauth_ext:ai_access")
    form = ReplaceTokenForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render_replacement(request, token, form)
    if not allow_personal_token(signed_in_user(request).pk):
        return refuse_too_many(request)
    try:
        secret = replace_personal_token(
            token_id=token.id,
            user_id=signed_in_user(request).pk,
            overlap=timedelta(seconds=form.cleaned_data["overlap"]),
            nonce=form.cleaned_data["nonce"],
            origin=origin_of(request),
        )
    except PersonalTokenNotFoundError as error:
        raise Http404 from error
    except (FormUsedError, AlreadyReplacedError):
        messages.info(request, SHOWN_ONCE)
        return redirect("oauth_ext:ai_access")
    except TooManyPersonalTokensError:
        form.add_error(None, TOO_MANY)
    except ScopeNotGrantableError:
        form.add_error(None, NOT_ALLOWED)
    else:
        return render_ai_access(request, build_form(request), new_token=secret)
    return render_replacement(request, token, form)


def render_replacement(
    request: HttpRequest, token: PersonalTokenSummary, form: ReplaceTokenForm
) -> HttpResponse:
    """The question, once more if it was not answered well."""
    context = {"token": token, "form": form}
    status = 422 if form.is_bound else 200
    return render(request, "oauth_ext/replace_personal_token.html", context, status=status)


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
def revoke(request: HttpRequest, token_id: UUID) -> HttpResponse:
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
