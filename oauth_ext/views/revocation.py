"""POST /revoke: a client gives up a token (RFC 7009 §2)."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.views import RevokeTokenView as ToolkitRevokeTokenView
from oauthlib.oauth2 import OAuth2Error

from activity.events import Event
from activity.origin import origin_of
from oauth_ext.client_identification import read_credentials
from oauth_ext.errors import InvalidClientError, InvalidRequestError, OAuthError
from oauth_ext.parameters import parse_form
from oauth_ext.request_validator import Exchange
from oauth_ext.views.answers import answer_method_not_allowed, answer_refusal


@method_decorator(csrf_exempt, name="dispatch")
class RevokeTokenView(ToolkitRevokeTokenView):
    """The toolkit's endpoint behind our checks."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """POST only (RFC 7009 §2.1)."""
        if request.method != "POST":
            return answer_method_not_allowed(request, "POST")
        return self.post(request)

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """200 with an empty body, also for a token that we do not know (RFC 7009 §2.2)."""
        try:
            parameters = parse_form(request)
            credentials = read_credentials(request, parameters)
            if not credentials.client_id:
                raise InvalidClientError("client_missing", "client_id is missing.")
            if not parameters.get("token"):
                raise InvalidRequestError("token_missing", "token is missing.")
        except OAuthError as error:
            return answer_refusal(request, error, event=Event.REVOCATION_REFUSED)
        exchange = Exchange(parameters, credentials, origin_of(request))
        request.exchange = exchange  # type: ignore[attr-defined]
        with transaction.atomic():
            try:
                _, _, _, status = self.create_revocation_response(request)
            except OAuth2Error as error:
                status = error.status_code
        if status != 200:
            refusal = exchange.refusal or InvalidRequestError("toolkit")
            return answer_refusal(
                request, refusal, event=Event.REVOCATION_REFUSED, client=exchange.client
            )
        response = HttpResponse(status=200)
        response["Cache-Control"] = "no-store"
        return response
