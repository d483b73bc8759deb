"""POST /leaked-tokens: secret scanners and finders report tokens that lie in public.

Takes the message of GitHub's secret scanning partner program (a list of objects with ``token``,
``type``, ``url`` and ``source``), or one such object from anybody. The answer is always the same
empty list, which that program reads as "no feedback".
"""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.limits import LEAK_REPORT_SOURCE, allow_leak_report
from activity.events import Event
from activity.noise import record_noise
from activity.origin import origin_of
from oauth_ext.errors import InvalidRequestError, OAuthError, TooManyRequestsError
from oauth_ext.leak_reports import LeakedToken, parse_leak_report, revoke_leaked_tokens
from oauth_ext.parameters import check_media_type, read_body
from oauth_ext.strict_json import StrictJsonError, parse_json
from oauth_ext.views.answers import answer_method_not_allowed, answer_refusal

MAX_BODY_BYTES = 16 * 1024


@csrf_exempt
def report_leaked_tokens(request: HttpRequest) -> HttpResponse:
    """Revoke what still works of the report. 200 for every well-formed one."""
    if request.method != "POST":
        return answer_method_not_allowed(request, "POST")
    origin = origin_of(request)
    try:
        if not allow_leak_report(origin.ip):
            raise TooManyRequestsError("leak_limit", retry_after=LEAK_REPORT_SOURCE.retry_after)
        leaked = read_report(request)
    except OAuthError as error:
        return answer_refusal(request, error, event=Event.LEAK_REPORT_REFUSED)
    if not revoke_leaked_tokens(leaked, origin=origin):
        # The answer keeps its own reference: a summary's would come again for unknown tokens only.
        record_noise(
            Event.LEAK_REPORT_REFUSED,
            origin=origin,
            reason="leak_unknown",
            http_status=200,
            details={"sent": len(leaked)},
        )
    response = JsonResponse([], safe=False)
    response["Cache-Control"] = "no-store"
    return response


def read_report(request: HttpRequest) -> tuple[LeakedToken, ...]:
    """The tokens in the body.

    Raises:
        OAuthError: it is not JSON of the right shape, or too large.
    """
    check_media_type(request, "application/json")
    body = read_body(request, MAX_BODY_BYTES)
    try:
        return parse_leak_report(parse_json(body))
    except StrictJsonError as error:
        raise InvalidRequestError(error.reason, error.message) from error
