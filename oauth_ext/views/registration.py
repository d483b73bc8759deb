"""POST /register: dynamic client registration (RFC 7591 §3)."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from activity.events import Event
from activity.origin import origin_of
from oauth_ext.client_metadata import parse_client_metadata
from oauth_ext.errors import InvalidClientMetadataError, OAuthError, RegistrationOffError
from oauth_ext.parameters import check_media_type, read_body
from oauth_ext.registration import build_registration_response, register_client
from oauth_ext.strict_json import StrictJsonError, parse_json
from oauth_ext.views.answers import answer_json, answer_method_not_allowed, answer_refusal

MAX_BODY_BYTES = 16 * 1024


@csrf_exempt
def register(request: HttpRequest) -> HttpResponse:
    """Open registration of public clients: no cookies, no initial token."""
    if not settings.DCR_ENABLED:
        off = RegistrationOffError("registration_off")
        return answer_refusal(request, off, event=Event.REGISTRATION_REFUSED)
    if request.method != "POST":
        return answer_method_not_allowed(request, "POST")
    try:
        check_media_type(request, "application/json")
        document = parse_json(read_body(request, MAX_BODY_BYTES))
        metadata = parse_client_metadata(document)
        client = register_client(metadata, origin=origin_of(request))
    except StrictJsonError as error:
        refusal = InvalidClientMetadataError(error.reason, error.message)
        return answer_refusal(request, refusal, event=Event.REGISTRATION_REFUSED)
    except OAuthError as error:
        return answer_refusal(request, error, event=Event.REGISTRATION_REFUSED)
    return answer_json(build_registration_response(client), status=201)
