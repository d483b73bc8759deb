"""``/api/v1/me``: whom the token stands for."""

from oauth_ext.scopes import READ
from rest_api.calls import ApiCall
from rest_api.documents import Me, build_me
from rest_api.views.endpoint import ApiView, operation


@operation("get_me", tool="whoami", scope=READ, answer=Me, read_only=True)
def get_me(call: ApiCall) -> Me:
    """Show whom the token stands for

    The person, their organization and role, and what the token may do."""
    return build_me(call.principal)


class MeView(ApiView):
    """The caller."""

    get = get_me
