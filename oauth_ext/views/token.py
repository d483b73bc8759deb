"""POST /token: code exchange and refresh (RFC 6749 §4.1.3, §6), each one locked transaction."""

import json

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.views import TokenView as ToolkitTokenView

from activity.events import Event
from activity.origin import origin_of
from oauth_ext.client_identification import read_credentials
from oauth_ext.errors import InvalidRequestError, OAuthError
from oauth_ext.parameters import parse_form
from oauth_ext.request_validator import Exchange, check_token_request
from oauth_ext.views.answers import answer_json, answer_method_not_allowed, answer_refusal


@method_decorator(csrf_exempt, name="dispatch")
class TokenView(ToolkitTokenView):
    """The toolkit's endpoint behind our checks, and without its second look at the token."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """POST only (RFC 6749 §3.2)."""
        if request.method != "POST":
            return answer_method_not_allowed(request, "POST")
        return self.post(request)

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Issue tokens, or say why not; a refusal commits what it decided."""
        try:
            parameters = parse_form(request)
            credentials = read_credentials(request, parameters)
            check_token_request(parameters, credentials)
        except OAuthError as error:
            return answer_refusal(request, error, event=Event.TOKEN_REQUEST_REFUSED)
        exchange = Exchange(parameters, credentials, origin_of(request))
        request.exchange = exchange  # type: ignore[attr-defined]
        # oauthlib returns errors instead of raising them, so a replay's consequences commit.
        with transaction.atomic():
            _, _, body, status = self.create_token_response(request)
        if status == 200:
            return answer_json(json.loads(body))
        refusal = exchange.refusal or InvalidRequestError("toolkit")
        return answer_refusal(
            request, refusal, event=Event.TOKEN_REQUEST_REFUSED, client=exchange.client
        )
