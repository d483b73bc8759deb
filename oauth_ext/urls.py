"""The authorization server's paths. The machine endpoints sit at the root, where clients that
ignore the metadata guess them; none of them redirects.
"""

from django.urls import path

from oauth_ext.views import (
    activity,
    ai_access,
    authorization,
    connections,
    home,
    leaked_tokens,
    metadata,
    personal_tokens,
    registration,
)
from oauth_ext.views.revocation import RevokeTokenView
from oauth_ext.views.token import TokenView

app_name = "oauth_ext"

urlpatterns = [
    path("", home.home, name="home"),
    path(".well-known/oauth-authorization-server", metadata.authorization_server),
    path(".well-known/oauth-protected-resource", metadata.protected_resource),
    path(".well-known/oauth-protected-resource/mcp", metadata.protected_resource),
    path(".well-known/jwks.json", metadata.jwks),
    path("register", registration.register, name="register"),
    path("authorize", authorization.authorize, name="authorize"),
    path("authorize/resume", authorization.resume, name="resume_authorization"),
    path("token", TokenView.as_view(), name="token"),
    path("revoke", RevokeTokenView.as_view(), name="revoke"),
    path("leaked-tokens", leaked_tokens.report_leaked_tokens, name="leaked_tokens"),
    path("settings/ai-access", ai_access.ai_access, name="ai_access"),
    path("settings/ai-access/tokens", personal_tokens.mint, name="mint_personal_token"),
    path(
        "settings/ai-access/tokens/<uuid:token_id>/revoke",
        personal_tokens.revoke,
        name="revoke_personal_token",
    ),
    path(
        "settings/ai-access/tokens/<uuid:token_id>/replace",
        personal_tokens.replace,
        name="replace_personal_token",
    ),
    path(
        "settings/ai-access/connections/<uuid:connection_id>/disconnect",
        connections.disconnect,
        name="disconnect",
    ),
    path(
        "settings/ai-access/connections/<uuid:connection_id>/pause",
        connections.pause,
        name="pause",
    ),
    path(
        "settings/ai-access/connections/<uuid:connection_id>/resume",
        connections.resume,
        name="resume",
    ),
    path(
        "settings/ai-access/connections/<uuid:connection_id>/label",
        connections.rename,
        name="rename",
    ),
    path("settings/activity", activity.activity, name="activity"),
]
