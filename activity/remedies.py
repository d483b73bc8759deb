"""What people can do about a refusal or a failure: the third sentence after what and why.

Ours alone, like the other words of the log; a reason without an entry gets what always helps.
"""

from activity.events import Event, Outcome
from activity.models import ActivityEvent
from activity.narrative import is_unforeseen

CONNECT_AGAIN = "Connect the application again and allow it."
OWN_PAGE = "the AI access page of their settings"
NEW_TOKEN = f"Make a new personal access token on {OWN_PAGE}, or connect the application instead."
ASK_ADMINISTRATOR = "Ask an owner or admin of the organization."
UPDATE_CLIENT = "The application sends something wrong: update it, or tell its maker."

REMEDIES = {
    "bad_json": UPDATE_CLIENT,
    "bad_jsonrpc": UPDATE_CLIENT,
    "bad_meta": UPDATE_CLIENT,
    "bad_params": UPDATE_CLIENT,
    "cancelled": "Nothing went wrong. Start again if it was pressed by mistake.",
    "cimd_unreachable": "Try again in a minute; if it stays so, the application's maker must see "
    "to its published description.",
    "claims_mismatch": CONNECT_AGAIN,
    "client_changed": "Look at what changed, then allow the application again, or disconnect it.",
    "client_disabled": "The operator of this server decides when it may be used again.",
    "client_unknown": "Remove the server from the application and add it again.",
    "code_expired": "Start connecting again; the page must not be left open for long.",
    "connection_paused": f"Resume it on {OWN_PAGE}, or with resume_application in another "
    "application. Its tokens are still good.",
    "connection_revoked": CONNECT_AGAIN,
    "connection_unknown": CONNECT_AGAIN,
    "consent_digest": "Start connecting again; the page must not be left open for long.",
    "consent_reused": "Start connecting again from the application.",
    "database_unavailable": "Nothing was changed. Try again in a moment.",
    "header_mismatch": UPDATE_CLIENT,
    "insufficient_scope": "Connect the application again and tick what is missing on the consent "
    "page; a personal access token needs a new one that has it.",
    "invalid_arguments": "Correct the arguments as the answer said, and call the tool again.",
    "jwt_expired": "Applications renew it by themselves. If this one does not, connect it again.",
    "membership_ended": ASK_ADMINISTRATOR + " Then connect the application again.",
    "missing_bearer_token": "Nothing is wrong: applications ask once without a token to learn "
    "where to sign in.",
    "no_organization": ASK_ADMINISTRATOR,
    "no_such_connection": "Look for it with list_connected_applications; it may have ended.",
    "no_such_personal_token": "Look for it with list_personal_access_tokens.",
    "not_an_administrator": "Leave out whole_organization, or ask an owner or admin.",
    "organization_inactive": "Ask an owner of the organization, or the operator of this server.",
    "password_reset": CONNECT_AGAIN,
    "personal_token_expired": NEW_TOKEN,
    "personal_token_revoked": NEW_TOKEN,
    "personal_token_unknown": "Look whether the whole token was copied. If it was, " + NEW_TOKEN,
    "personal_tokens_disabled": "Connect the application by its address instead.",
    "policy_expired": CONNECT_AGAIN,
    "protocol_version": UPDATE_CLIENT,
    "refresh_expired": CONNECT_AGAIN,
    "refresh_replayed": "Connect the application again. If nobody of yours used it in two places "
    "at once, somebody else has had its token: look at what was done with it.",
    "role_scope": "Connecting again does not help. " + ASK_ADMINISTRATOR,
    "rotation_limit": "The application renews in a loop; restart it.",
    "state_tampered": "Ask again from the start, without a cursor and without what an earlier "
    "answer gave to bring back.",
    "token_revoked": CONNECT_AGAIN,
    "too_many_attempts": "Wait a few minutes, then try again.",
    "too_many_refusals": "The application repeats what is refused. Stop it, and look at the "
    "refusals before this one.",
    "tool_not_allowed": "Make a personal access token that has this tool on its list.",
    "unknown_method": UPDATE_CLIENT,
    "unknown_prompt": "Look for its name in the application's list of prompts; they come and go.",
    "unknown_resource": "Look for it in the application's list of resources; it may have ended, or "
    "belong to somebody else.",
    "unknown_tool": "Look for its name with list_tools_for_me; tools come and go.",
    "user_inactive": "Ask the operator of this server.",
}
SUPPORT = "If it happens again, give the reference to support: it leads to this."
FAULT_IN_TOOL = (
    "This is a fault in the tool. Give the reference to whoever runs the server: it finds the "
    "traceback in the server's log."
)
NOTHING = "Nothing: it worked."


def find_remedy(event: ActivityEvent) -> str:
    """What to do about a row, in a sentence or two."""
    if event.outcome in (Outcome.SUCCEEDED, Outcome.STARTED):
        return NOTHING
    if event.reason in REMEDIES:
        return REMEDIES[event.reason]
    if event.event == Event.TOOL_CALLED and is_unforeseen(event):
        return FAULT_IN_TOOL
    if event.outcome == Outcome.FAILED:
        return "It was our fault. Try again. " + SUPPORT
    return SUPPORT
