"""The vocabulary of the log: what can happen, as ``area.subject.action``."""

from enum import StrEnum


class Outcome(StrEnum):
    """How an event ended. ``refused``: their fault or ours to prevent; ``failed``: our fault."""

    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    FAILED = "failed"
    STARTED = "started"


class Event(StrEnum):
    """Every kind of row; the value is what is stored, filtered and exported."""

    CLIENT_REGISTERED = "oauth.client.registered"
    CLIENT_CHANGED = "oauth.client.changed"
    DOCUMENT_UNREAD = "oauth.client.unread"
    CLIENT_REAPED = "oauth.client.reaped"
    REGISTRATION_REFUSED = "oauth.registration.refused"
    AUTHORIZATION_REFUSED = "oauth.authorization.refused"
    CONSENT_SHOWN = "oauth.consent.shown"
    CONSENT_GRANTED = "oauth.consent.granted"
    CONSENT_DENIED = "oauth.consent.denied"
    CODE_ISSUED = "oauth.code.issued"
    CODE_REPLAYED = "oauth.code.replayed"
    TOKEN_ISSUED = "oauth.token.issued"
    TOKEN_REQUEST_REFUSED = "oauth.token.refused"
    TOKEN_REFRESHED = "oauth.token.refreshed"
    REFRESH_TOKEN_REPLAYED = "oauth.refresh_token.replayed"
    TOKEN_REVOKED = "oauth.token.revoked"
    REVOCATION_REFUSED = "oauth.revocation.refused"
    CONNECTION_REVOKED = "oauth.connection.revoked"
    SIGNING_KEY_ROTATED = "oauth.signing_key.rotated"
    PERSONAL_TOKEN_MINTED = "oauth.personal_token.minted"
    PERSONAL_TOKEN_FIRST_USED = "oauth.personal_token.first_used"
    PERSONAL_TOKEN_REVOKED = "oauth.personal_token.revoked"
    TOKEN_REFUSED = "mcp.token.refused"
    REQUEST_REFUSED = "mcp.request.refused"
    SCOPE_REFUSED = "mcp.scope.refused"
    SESSION_OPENED = "mcp.session.opened"
    TOOL_CALLED = "mcp.tool.called"
    SIGNED_IN = "accounts.sign_in.succeeded"
    SIGN_IN_FAILED = "accounts.sign_in.failed"
    PASSWORD_SET = "accounts.password.set"
    SIGNED_OUT = "accounts.sign_out.succeeded"
    ADMIN_ADDED = "admin.object.added"
    ADMIN_CHANGED = "admin.object.changed"
    ADMIN_DELETED = "admin.object.deleted"
    PAGE_REFUSED = "http.request.refused"
    SERVER_FAULT = "http.request.failed"
    NOISE_SUMMARIZED = "http.noise.summarized"
