"""The log in people's words: what happened, and why something was refused."""

from activity.events import Event, Outcome
from activity.models import ActivityEvent

TITLES = {
    Event.CLIENT_REGISTERED: "An application registered itself",
    Event.CLIENT_CHANGED: "An application changed its name or its addresses",
    Event.DOCUMENT_UNREAD: "An application's description could not be read",
    Event.CLIENT_REAPED: "An application that nobody used was removed",
    Event.CLIENT_ADDED: "An operator registered an application",
    Event.CLIENT_EDITED: "An operator changed an application's name or addresses",
    Event.CLIENT_SECRET_RENEWED: "An operator made a new secret for an application",
    Event.CLIENT_SWITCHED_OFF: "An operator switched an application off",
    Event.CLIENT_SWITCHED_ON: "An operator switched an application on again",
    Event.REGISTRATION_REFUSED: "An application could not register",
    Event.AUTHORIZATION_REFUSED: "A request to connect was refused",
    Event.CONSENT_SHOWN: "You were asked to allow a connection",
    Event.CONSENT_GRANTED: "A connection was allowed",
    Event.CONSENT_DENIED: "A connection was not allowed",
    Event.CODE_ISSUED: "A one-time code was issued",
    Event.CODE_REPEATED: "The page was sent twice; the same one-time code was given again",
    Event.CODE_REPLAYED: "A one-time code came twice; its sign-in was ended",
    Event.TOKEN_ISSUED: "An application signed in",
    Event.TOKEN_REQUEST_REFUSED: "An application could not get a token",
    Event.TOKEN_REFRESHED: "An application renewed its sign-in",
    Event.REFRESH_TOKEN_REPLAYED: "A sign-in was used from two places and was ended",
    Event.TOKEN_REVOKED: "An application signed itself out",
    Event.REVOCATION_REFUSED: "An application could not sign out",
    Event.CONNECTION_REVOKED: "An application was disconnected",
    Event.CONNECTION_PAUSED: "An application was paused",
    Event.CONNECTION_RESUMED: "A paused application may go on",
    Event.CONNECTION_RENAMED: "An application was given another label",
    Event.SIGNING_KEY_ROTATED: "A step of a signing key's rotation was taken",
    Event.PERSONAL_TOKEN_MINTED: "A personal access token was made",
    Event.PERSONAL_TOKEN_FIRST_USED: "A personal access token was used for the first time",
    Event.PERSONAL_TOKEN_REVOKED: "A personal access token was revoked",
    Event.PERSONAL_TOKEN_REPLACED: "A personal access token was replaced",
    Event.PERSONAL_TOKEN_EXPIRY_WARNED: "You were told that a personal access token will end",
    Event.PERSONAL_TOKEN_LEAKED: "A personal access token was reported as public and revoked",
    Event.CLIENT_SECRET_LEAKED: "An application's secret was reported as public and removed",
    Event.SIGN_IN_LEAKED: "A token of an application was reported as public; its sign-in was ended",
    Event.LEAK_REPORT_REFUSED: "A report of a leaked token changed nothing",
    Event.TOKEN_REFUSED: "A call was refused because of its token",
    Event.REQUEST_REFUSED: "A call was refused",
    Event.SCOPE_REFUSED: "A call needed more access than was allowed",
    Event.SESSION_OPENED: "An application opened a session",
    Event.RESOURCE_READ: "An application read a resource",
    Event.PROMPT_GIVEN: "An application was given a prompt",
    Event.LIMIT_REFUSED: "An application called too often",
    Event.API_CALLED: "A script called the REST API",
    Event.API_REFUSED: "A call of the REST API was refused",
    Event.SIGNED_IN: "Signed in",
    Event.SIGN_IN_FAILED: "A sign-in failed",
    Event.SIGNED_OUT: "Signed out",
    Event.PASSWORD_SET: "A new password was set",
    Event.PASSWORD_REFUSED: "A password could not be set",
    Event.PASSWORD_BUSY: "Too many people were signing in at once",
    Event.ADMIN_ADDED: "An operator added something",
    Event.ADMIN_CHANGED: "An operator changed something",
    Event.ADMIN_DELETED: "An operator deleted something",
    Event.PAGE_REFUSED: "A page could not be shown",
    Event.SERVER_FAULT: "Something went wrong on our side",
    Event.NOISE_SUMMARIZED: "Many refused requests from one source, counted together",
}

REASONS = {
    "database_unavailable": "The database was not available for a moment.",
    "refresh_expired": "The sign-in had lain unused for too long, or was too old.",
    "protocol_version": "It speaks a revision of the protocol that is not served.",
    "header_mismatch": "What the call said in its headers was not what it said inside.",
    "bad_meta": "The call did not say what every call must.",
    "bad_host": "It was sent to an address that is not ours.",
    "bad_json": "The message was not valid JSON.",
    "bad_jsonrpc": "The message was not a valid call.",
    "bad_period": "The period ends before it begins, or is too long.",
    "bad_reference": "That is no reference.",
    "bad_params": "The call was not well formed.",
    "cancelled": "Cancel was pressed.",
    "client_cannot_ask": "It needs an answer that the application cannot ask for.",
    "cimd_auth_method": "Its description asks for a way to sign in that is not offered here.",
    "cimd_backoff": "Its description could not be read a moment ago.",
    "cimd_capacity": "Too many descriptions were being read at once.",
    "cimd_changed": "Its published description says something else than before.",
    "cimd_content_type": "Its description is not in the right format.",
    "cimd_encoding": "Its description came compressed.",
    "cimd_host": "Descriptions from its host are not accepted here.",
    "cimd_host_limit": "Its host was asked too often.",
    "cimd_http": "Its description could not be read.",
    "cimd_ip_literal": "It names a bare network address instead of a host.",
    "cimd_json": "Its description is not in the right format.",
    "cimd_metadata": "Its description lacks something or is not acceptable.",
    "cimd_mismatch": "Its description speaks for another address.",
    "cimd_redirect": "Its description has moved.",
    "cimd_secret": "Its description has a secret in it.",
    "cimd_self": "It names this server itself.",
    "cimd_size": "Its description is too large.",
    "cimd_stale": "Its description could not be read for more than a day.",
    "cimd_status": "Its description could not be read.",
    "cimd_tls": "The host of its description could not prove itself.",
    "cimd_unreachable": "Its description could not be reached, or took too long.",
    "cimd_url": "It names an address that cannot be used.",
    "cimd_user_limit": "Too many applications were tried in a short time.",
    "client_changed": "The application has changed since it was allowed.",
    "claims_mismatch": "The token does not fit what is on record.",
    "client_assertion": "The application tried to prove itself in a way that is not offered.",
    "client_auth": "The application could not prove that it is the one it says.",
    "client_disabled": "The application has been switched off.",
    "client_missing": "The application did not say which one it is.",
    "client_gone": "The application hung up before the end, so nothing was kept.",
    "client_unknown": "The application is not registered here.",
    "code_expired": "The one-time code had expired.",
    "consent_changed": "The page was shown in another browser, account or request.",
    "consent_digest": "The page had been open for too long.",
    "consent_form": "The form was not complete.",
    "consent_reused": "The page had been used already.",
    "connection_attempts": "It sent far too many requests in a short time.",
    "connection_concurrency": "Too many of its calls were running at once.",
    "connection_rate": "It made too many calls in a short time.",
    "connection_paused": "The application is paused.",
    "connection_revoked": "The application had been disconnected.",
    "connection_unknown": "There is no such connection any more.",
    "csrf": "The form was not one that this browser had got from us.",
    "disconnected_by_user": "Disconnected on the settings page.",
    "disconnected_by_operator": "Disconnected by an operator.",
    "disconnected_by_api": "Disconnected through the REST API.",
    "disconnected_by_tool": "Disconnected from an AI application.",
    "hashing_busy": "As many passwords were being checked as can be at once.",
    "http_method": "Only calls are answered; the application goes on without a stream.",
    "input_required": "It asked for input first; nothing was done yet.",
    "insufficient_scope": "The permission that it needs was not given.",
    "invalid_arguments": "The tool was given something that it does not take.",
    "jwt_expired": "The token had expired.",
    "membership_ended": "The person is no longer in the organization.",
    "missing_capability": "It needs something that the application cannot do.",
    "missing_bearer_token": "No token was sent.",
    "narrowed": "The person allowed less when the application had changed.",
    "no_organization": "There is no organization to connect.",
    "organization_inactive": "The organization is suspended.",
    "organization_not_found": "The organization no longer exists.",
    "leak_limit": "Too many reports in a short time.",
    "leak_unknown": "Nothing in it was a token that works.",
    "organization_policy": "The organization does not allow it.",
    "organization_rate": "Everybody in the organization together made too many calls.",
    "password_reset": "The password has been reset since.",
    "password_too_long": "The password was longer than any password here.",
    "pepper_unknown": "A server of ours lacked the key that another had used.",
    "personal_token_expired": "The personal access token had expired.",
    "personal_token_revoked": "The personal access token had been revoked.",
    "personal_tokens_disabled": "Personal access tokens are switched off here.",
    "personal_token_unknown": "No such personal access token.",
    "no_such_connection": "There is no such connection, or it is not theirs to change.",
    "no_such_event": "There is no such event, or it is not theirs to see.",
    "no_such_personal_token": "There is no such personal access token, or it is not theirs.",
    "no_such_reference": "Nothing that they may see has this reference.",
    "not_an_administrator": "Only owners and admins of the organization may.",
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
    "registration_off": "Applications cannot register themselves here.",
    "registration_full": "Too many registered applications are waiting to be used.",
    "refresh_loop": "The same request came far too often.",
    "rotation_limit": "The application renewed its sign-in far too often.",
    "registration_limit": "Too many new applications registered at once.",
    "role_scope": "The person's role in the organization does not allow it.",
    "same_successor": "The same request again; the same answer was given.",
    "state_tampered": "It brought something back that was changed, too old or somebody else's.",
    "step_up_repeated": "It had asked for the same permission twice, and did not get it.",
    "superseded": "A new connection took its place.",
    "token_revoked": "The sign-in had ended.",
    "too_many_refusals": "The same source had been refused too often.",
    "time_limit": "It took longer than it may and was stopped.",
    "tools_stuck": "Earlier calls had not come to an end, so no other was begun.",
    "tool_not_allowed": "The personal access token is not for this tool.",
    "tool_error": "The tool could not do it.",
    "too_many_attempts": "Too many attempts in a short time.",
    "unknown_method": "There is no such method.",
    "unknown_prompt": "There is no such prompt.",
    "unknown_resource": "There is no such resource, or it is somebody else's.",
    "unknown_tool": "There is no such tool.",
    "unknown_address": "Nobody has this e-mail address.",
    "user_inactive": "The account is switched off.",
    "wrong_password": "The password was wrong.",
}


def build_title(event: ActivityEvent) -> str:
    """One sentence for a row."""
    is_done = event.outcome == "succeeded"
    if event.event == Event.TOOL_CALLED:
        return f"Called {event.tool}" if is_done else f"Tried {event.tool}"
    if event.event == Event.RESOURCE_READ and (uri := event.details.get("uri")):
        # Whoever is refused chose the URI, and administrators' models read this sentence.
        return f"Read {uri}" if is_done else "Tried to read a resource"
    if event.event == Event.PROMPT_GIVEN and (name := event.details.get("prompt")):
        return f"Took the prompt {name}" if is_done else f"Tried to take the prompt {name}"
    if event.reason == "connection_paused":
        return "A call of a paused application was refused"
    if event.event == Event.API_CALLED and event.tool:
        return f"A script called {event.tool} through the REST API"
    return TITLES.get(Event(event.event), event.event) if event.event in VALUES else event.event


def build_reason(event: ActivityEvent) -> str:
    """Why, in a sentence; empty if it simply worked."""
    if is_unforeseen(event):
        subject = "The tool" if event.event == Event.TOOL_CALLED else "It"
        return f"{subject} failed ({event.reason})."
    return explain_reason(event.reason)


def is_unforeseen(event: ActivityEvent) -> bool:
    """Whether the reason is the name of an exception that nobody thought of."""
    return event.outcome == Outcome.FAILED and event.reason != "" and event.reason not in REASONS


def explain_reason(reason: str) -> str:
    """A slug in a sentence; empty for none. An unlisted one is shown as words, unless it is the
    name of an exception."""
    if not reason:
        return ""
    if reason not in REASONS and reason != reason.lower():
        return f"It failed ({reason})."
    return REASONS.get(reason, reason.replace("_", " ").capitalize() + ".")


VALUES = frozenset(event.value for event in Event)
