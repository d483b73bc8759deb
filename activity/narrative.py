"""The log in people's words: what happened, and why something was refused."""

from activity.events import Event
from activity.models import ActivityEvent

TITLES = {
    Event.CLIENT_REGISTERED: "An application registered itself",
    Event.CLIENT_REAPED: "An application that nobody used was removed",
    Event.REGISTRATION_REFUSED: "An application could not register",
    Event.AUTHORIZATION_REFUSED: "A request to connect was refused",
    Event.CONSENT_SHOWN: "You were asked to allow a connection",
    Event.CONSENT_GRANTED: "A connection was allowed",
    Event.CONSENT_DENIED: "A connection was not allowed",
    Event.CODE_ISSUED: "A one-time code was issued",
    Event.CODE_REPLAYED: "A one-time code came twice; its sign-in was ended",
    Event.TOKEN_ISSUED: "An application signed in",
    Event.TOKEN_REQUEST_REFUSED: "An application could not get a token",
    Event.TOKEN_REFRESHED: "An application renewed its sign-in",
    Event.REFRESH_TOKEN_REPLAYED: "A sign-in was used from two places and was ended",
    Event.TOKEN_REVOKED: "An application signed itself out",
    Event.REVOCATION_REFUSED: "An application could not sign out",
    Event.CONNECTION_REVOKED: "An application was disconnected",
    Event.SIGNING_KEY_ROTATED: "A step of a signing key's rotation was taken",
    Event.PERSONAL_TOKEN_MINTED: "A personal access token was made",
    Event.PERSONAL_TOKEN_FIRST_USED: "A personal access token was used for the first time",
    Event.PERSONAL_TOKEN_REVOKED: "A personal access token was revoked",
    Event.TOKEN_REFUSED: "A call was refused because of its token",
    Event.REQUEST_REFUSED: "A call was refused",
    Event.SCOPE_REFUSED: "A call needed more access than was allowed",
    Event.SESSION_OPENED: "An application opened a session",
    Event.SIGNED_IN: "Signed in",
    Event.SIGN_IN_FAILED: "A sign-in failed",
    Event.SIGNED_OUT: "Signed out",
    Event.PASSWORD_SET: "A new password was set",
    Event.ADMIN_ADDED: "An operator added something",
    Event.ADMIN_CHANGED: "An operator changed something",
    Event.ADMIN_DELETED: "An operator deleted something",
    Event.PAGE_REFUSED: "A page could not be shown",
    Event.SERVER_FAULT: "Something went wrong on our side",
    Event.NOISE_SUMMARIZED: "Many refused requests from one address, counted together",
}

REASONS = {
    "bad_host": "It was sent to an address that is not ours.",
    "bad_json": "The message was not valid JSON.",
    "bad_jsonrpc": "The message was not a valid call.",
    "bad_params": "The call was not well formed.",
    "cancelled": "Cancel was pressed.",
    "claims_mismatch": "The token does not fit what is on record.",
    "client_disabled": "The application has been switched off.",
    "client_unknown": "The application is not registered here.",
    "code_expired": "The one-time code had expired.",
    "consent_changed": "The page was shown in another browser, account or request.",
    "consent_digest": "The page had been open for too long.",
    "consent_form": "The form was not complete.",
    "consent_reused": "The page had been used already.",
    "connection_paused": "The application is paused.",
    "connection_revoked": "The application had been disconnected.",
    "connection_unknown": "There is no such connection any more.",
    "csrf": "The form was not one that this browser had got from us.",
    "disconnected_by_user": "Disconnected on the settings page.",
    "disconnected_by_operator": "Disconnected by an operator.",
    "disconnected_by_tool": "Disconnected from an AI application.",
    "http_method": "Only calls are answered; the application goes on without a stream.",
    "insufficient_scope": "The permission that it needs was not given.",
    "invalid_arguments": "The tool was given something that it does not take.",
    "jwt_expired": "The token had expired.",
    "membership_ended": "The person is no longer in the organization.",
    "missing_bearer_token": "No token was sent.",
    "no_organization": "There is no organization to connect.",
    "organization_inactive": "The organization is suspended.",
    "organization_not_found": "The organization no longer exists.",
    "password_reset": "The password has been reset since.",
    "personal_token_expired": "The personal access token had expired.",
    "personal_token_unknown": "No such personal access token.",
    "not_found": "There is nothing at this address.",
    "pkce_format": "The application did not prove itself in the required way (PKCE).",
    "pkce_method": "The application did not prove itself in the required way (PKCE).",
    "pkce_missing": "The application did not prove itself in the required way (PKCE).",
    "pkce_mismatch": "The application could not prove that it started this sign-in (PKCE).",
    "redirect_mismatch": "The answer was to go to an address that is not registered.",
    "policy_expired": "The organization does not let a sign-in last that long.",
    "refresh_replayed": "An old refresh token was used again.",
    "resource": "It was meant for another server.",
    "response_type": "The application asked for something that is not offered here.",
    "refresh_loop": "The same request came far too often.",
    "registration_limit": "Too many new applications registered at once.",
    "role_scope": "The person's role in the organization does not allow it.",
    "same_successor": "The same request again; the same answer was given.",
    "superseded": "A new connection took its place.",
    "token_revoked": "The sign-in had ended.",
    "tool_error": "The tool could not do it.",
    "too_many_attempts": "Too many attempts in a short time.",
    "unknown_method": "There is no such method.",
    "unknown_tool": "There is no such tool.",
    "unknown_address": "Nobody has this e-mail address.",
    "user_inactive": "The account is switched off.",
    "wrong_password": "The password was wrong.",
}


def build_title(event: ActivityEvent) -> str:
    """One sentence for a row."""
    if event.event == Event.TOOL_CALLED:
        return f"Called {event.tool}" if event.outcome == "succeeded" else f"Tried {event.tool}"
    return TITLES.get(Event(event.event), event.event) if event.event in VALUES else event.event


def build_reason(event: ActivityEvent) -> str:
    """Why, in a sentence; an unlisted slug is shown as words."""
    if not event.reason:
        return ""
    return REASONS.get(event.reason, event.reason.replace("_", " ").capitalize() + ".")


VALUES = frozenset(event.value for event in Event)
