"""GET and POST /authorize: the request, the consent page, the decision (RFC 6749 §4.1.1).

Both methods validate the query from the start; the form decides nothing but the decision.
"""

from collections.abc import Collection
from urllib.parse import urlencode

from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from accounts.limits import (
    CONSENT_DECISION,
    CONSENT_PAGE,
    WAITING_AUTHORIZATION,
    allow_consent_decision,
    allow_consent_page,
    allow_waiting_authorization,
)
from accounts.login_hints import parse_login_hint
from accounts.memberships import find_active_membership, find_active_memberships
from accounts.opener import keep_opener
from accounts.signed_in import signed_in_user
from accounts.waiting_requests import find_waiting, keep_waiting
from activity.events import Event
from activity.origin import find_client_address, origin_of
from activity.refusals import record_refusal
from activity.views import find_user_id, render_refusal, too_many_requests
from oauth_ext.authorization_request import (
    AuthorizationRequest,
    Destination,
    RedirectableError,
    build_redirect,
    parse_authorization_request,
)
from oauth_ext.client_trust import may_lead_strangers_to
from oauth_ext.consent_page import describe_request, find_offered_scopes, name_hindrance
from oauth_ext.consents import (
    NOT_A_MEMBER,
    Consent,
    deny_consent,
    grant_consent,
    record_shown,
    refuse_after_allow,
    sign_shown,
    verify_shown,
)
from oauth_ext.document_clients import needs_document, refresh_document_client
from oauth_ext.errors import AccessDeniedError, OAuthError, UnredirectableError
from oauth_ext.forms import DecisionForm
from oauth_ext.parameters import MAX_QUERY_LENGTH, Parameters, parse_pairs
from oauth_ext.redirect_uris import find_host
from oauth_ext.scopes import BASELINE
from oauth_ext.views.answers import answer_method_not_allowed
from oauth_ext.views.way_back import answer_client, offer_way_back

MAX_RETURN_LENGTH = 1500
CHOOSE_ONE = "Choose an organization, then press Allow. Nothing was allowed yet."


# Browsers hold the page's form-action against every hop of the redirect that answers the form,
# so naming one would block the way back to the client. The page has no other form.
@keep_opener
@csp_replace({"form-action": None})  # type: ignore[untyped-decorator]
@never_cache
def authorize(request: HttpRequest) -> HttpResponse:
    """Put a valid request before a signed-in person, or act on their decision."""
    if request.method not in ("GET", "POST"):
        return answer_method_not_allowed(request, "GET", "POST")
    try:
        parameters = parse_query(request)
        client_id = "" if "client_id" in parameters.repeated else parameters.get("client_id")
        if needs_document(client_id):
            # Only a person who is signed in can make us fetch from somewhere.
            if not request.user.is_authenticated:
                hint = parse_login_hint(parameters.get("login_hint"))
                return redirect_to_sign_in(request, hint)
            refresh_document_client(
                client_id, user_id=signed_in_user(request).pk, origin=origin_of(request)
            )
        authorization = parse_authorization_request(parameters)
        if not request.user.is_authenticated:
            return redirect_to_sign_in(request, authorization.login_hint)
        if request.method == "POST":
            response = decide(request, authorization)
        else:
            response = show_consent(request, authorization)
    except RedirectableError as error:
        response = answer_error(request, error.destination, error.error)
    except UnredirectableError as error:
        response = render_refusal(
            request,
            status=error.status,
            title="This connection cannot be made",
            message=error.message,
            reason=error.reason,
            event=Event.AUTHORIZATION_REFUSED,
            client_id=error.client_id,
            details=error.details,
        )
        if error.retry_after is not None:
            response["Retry-After"] = str(error.retry_after)
    return response


def parse_query(request: HttpRequest) -> Parameters:
    """The parameters of the query, or a page: without them nobody can be redirected to."""
    query = request.META.get("QUERY_STRING", "")
    message = "The application sent a request that we cannot read. Nothing was allowed."
    if len(query) > MAX_QUERY_LENGTH:
        raise UnredirectableError("too_large", message)
    try:
        return parse_pairs(query)
    except OAuthError as error:
        raise UnredirectableError(error.reason, message) from error


def redirect_to_sign_in(request: HttpRequest, login_hint: str) -> HttpResponse:
    """Sign in first and come back to this very request."""
    if is_long(request) and not allow_waiting_authorization(find_client_address(request)):
        policy = WAITING_AUTHORIZATION
        return too_many_requests(request, policy=policy.name, retry_after=policy.retry_after)
    query = {"next": name_return(request)}
    if login_hint:
        query["login_hint"] = login_hint
    return redirect(f"{reverse('account_login')}?{urlencode(query)}")


def name_return(request: HttpRequest) -> str:
    """The address that leads back to this request.

    Django follows no address of more than 2048 characters, and clients have long states; such a
    request waits in the session, which nothing shorter needs to start.
    """
    path = request.get_full_path()
    if not is_long(request):
        return path
    name = keep_waiting(request.session, path)
    return f"{reverse('oauth_ext:resume_authorization')}?{urlencode({'request': name})}"


def is_long(request: HttpRequest) -> bool:
    """Whether the request has to wait in the session."""
    return len(request.get_full_path()) > MAX_RETURN_LENGTH


@keep_opener
@never_cache
def resume(request: HttpRequest) -> HttpResponse:
    """Go on with the long request that waited while somebody signed in."""
    path = find_waiting(request.session, request.GET.get("request", ""))
    return redirect(path or reverse("oauth_ext:home"))


def show_consent(
    request: HttpRequest,
    authorization: AuthorizationRequest,
    *,
    ticked: Collection[str] | None = None,
    problem: str = "",
) -> HttpResponse:
    """The consent page; no state changes but the row that it was shown.

    Args:
        ticked: the scopes that the person left ticked, if this is not the first time.
        problem: what was wrong with the last answer.
    """
    memberships = find_active_memberships(signed_in_user(request).pk)
    if not allow_consent_page(signed_in_user(request).pk):
        return too_many_requests(
            request, policy=CONSENT_PAGE.name, retry_after=CONSENT_PAGE.retry_after
        )
    if not memberships:
        return show_impossible(request, authorization, reason="no_organization")
    if not find_offered_scopes(authorization, memberships):
        return show_impossible(
            request, authorization, reason=name_hindrance(authorization, memberships)
        )
    digest = sign_shown(
        authorization, user=signed_in_user(request), session_key=request.session.session_key or ""
    )
    record_shown(authorization, user=signed_in_user(request), origin=origin_of(request))
    context = {
        **describe_request(authorization, signed_in_user(request), memberships, ticked),
        "problem": problem,
        "digest": digest,
        "action": request.get_full_path(),
        "switch_account_url": build_switch_url(request),
        "reference": origin_of(request).reference,
    }
    return render(request, "oauth_ext/consent.html", context, status=422 if problem else 200)


def build_switch_url(request: HttpRequest) -> str:
    """Sign out and come back to this request as somebody else."""
    return f"{reverse('account_logout')}?{urlencode({'next': name_return(request)})}"


def show_impossible(
    request: HttpRequest, authorization: AuthorizationRequest, *, reason: str
) -> HttpResponse:
    """There is nothing that this person could allow; on a page, since the client cannot help.

    Args:
        reason: ``no_organization``; ``role_scope`` if theirs allows nothing of this anywhere;
            ``organization_policy`` if an organization does not allow it to anybody.
    """
    deny_consent(
        authorization,
        user=signed_in_user(request),
        origin=origin_of(request),
        reason=reason,
    )
    context = {
        "reason": reason,
        "user_email": signed_in_user(request).email,
        "switch_account_url": build_switch_url(request),
        "redirect_host": find_host(authorization.destination.redirect_uri),
        "return_url": build_redirect(authorization.destination, error="access_denied"),
        "reference": origin_of(request).reference,
    }
    return render(request, "oauth_ext/no_organization.html", context, status=403)


def decide(request: HttpRequest, authorization: AuthorizationRequest) -> HttpResponse:
    """Act on Allow or Cancel of the page that this person saw in this browser."""
    if not allow_consent_decision(signed_in_user(request).pk):
        return too_many_requests(
            request, policy=CONSENT_DECISION.name, retry_after=CONSENT_DECISION.retry_after
        )
    form = DecisionForm(request.POST)
    if not form.is_valid():
        if form.lacks_organization:
            return ask_again(request, authorization)
        raise UnredirectableError("consent_form", "Choose an organization, then Allow or Cancel.")
    nonce = verify_shown(
        form.cleaned_data["digest"],
        authorization,
        user=signed_in_user(request),
        session_key=request.session.session_key or "",
    )
    origin = origin_of(request)
    if form.cleaned_data["decision"] == "deny":
        refuse_after_allow(nonce)
        deny_consent(authorization, user=signed_in_user(request), origin=origin)
        raise RedirectableError(authorization.destination, AccessDeniedError(""))
    membership = find_active_membership(
        signed_in_user(request).pk, form.cleaned_data["organization"]
    )
    if membership is None:
        raise UnredirectableError("tenancy", NOT_A_MEMBER)
    scopes = choose_scopes(authorization, form.cleaned_data["scopes"])
    consent = Consent(authorization, membership, scopes, nonce)
    code = grant_consent(consent, origin=origin)
    location = build_redirect(authorization.destination, code=code)
    return answer_client(request, location, is_allowed=True)


def ask_again(request: HttpRequest, authorization: AuthorizationRequest) -> HttpResponse:
    """A new page for whoever pressed Allow and chose no organization, with their ticks kept."""
    record_refusal(
        request,
        Event.AUTHORIZATION_REFUSED,
        reason="consent_form",
        user_id=find_user_id(request),
        client_id=authorization.destination.client.client_id,
        http_status=422,
    )
    return show_consent(
        request, authorization, ticked=request.POST.getlist("scopes"), problem=CHOOSE_ONE
    )


def choose_scopes(authorization: AuthorizationRequest, ticked: list[str]) -> tuple[str, ...]:
    """What was asked for and left ticked; the baseline cannot be unticked."""
    chosen = tuple(name for name in authorization.scopes if name in BASELINE or name in ticked)
    if not chosen:
        raise UnredirectableError("no_scope", "You left nothing ticked, so nothing was allowed.")
    return chosen


def answer_error(request: HttpRequest, destination: Destination, error: OAuthError) -> HttpResponse:
    """The error response of RFC 6749 §4.1.2.1 with ``state`` and ``iss``: by redirect, or on a
    page for a stranger whom nothing here should send to an address of a stranger's.
    """
    client = destination.client
    is_offered = not request.user.is_authenticated and not may_lead_strangers_to(
        client, destination.redirect_uri
    )
    # A cancelled consent has its own row already, under the same reference.
    reference = origin_of(request).reference
    if error.reason:
        reference = record_refusal(
            request,
            Event.AUTHORIZATION_REFUSED,
            reason=error.reason,
            user_id=find_user_id(request),
            client_id=client.client_id,
            http_status=400 if is_offered else None,
            details={"error": error.error},
        )
    description = f"{error.description} Reference {reference}"
    location = build_redirect(destination, error=error.error, error_description=description)
    if is_offered:
        return offer_way_back(request, location)
    return answer_client(request, location, is_allowed=False)
