"""The way back to the client: by redirect, and by a page where browsers drop redirects or where
nobody vouches for the address.

RFC 6749 §4.1.2 asks for a redirect and allows any other means that the browser has. The address
carries the code, so these answers are never kept and never named to another site.
"""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from oauth_ext.redirect_uris import Kind, find_authority, find_kind


def answer_client(request: HttpRequest, location: str, *, is_allowed: bool) -> HttpResponse:
    """Send the browser to the client with its answer.

    RFC 9700 §4.12: 303, so that no browser repeats the form there. A private-use scheme opens a
    program and no page: browsers drop such a redirect without a word unless a click led there,
    and otherwise leave the consent page on the screen as if nothing had happened. So that answer
    is a page, which tries by itself and has a link.

    Args:
        location: a redirect URI that is known to be the client's, with the answer appended.
    """
    opens_program = find_kind(location) is Kind.PRIVATE_USE
    context = {
        "location": location,
        "host": find_authority(location),
        "opens_program": opens_program,
        "is_allowed": is_allowed,
    }
    body = render_to_string("oauth_ext/way_back.html", context, request)
    response = HttpResponse(body, status=200 if opens_program else 303)
    if not opens_program:
        response["Location"] = location
    response["Referrer-Policy"] = "no-referrer"
    return response


def offer_way_back(request: HttpRequest, location: str) -> HttpResponse:
    """Show an error with a link that carries it to the client, for whoever trusts the address.

    RFC 9700 §4.11.2: a redirect at once would make this server an open redirector to wherever
    anybody registered.

    Args:
        location: as for ``answer_client``; with an error, never with a code.
    """
    context = {"location": location, "host": find_authority(location), "is_offered": True}
    body = render_to_string("oauth_ext/way_back.html", context, request)
    response = HttpResponse(body, status=400)
    response["Referrer-Policy"] = "no-referrer"
    return response
