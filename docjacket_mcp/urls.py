"""The table of contents: every path of the deployment, and the pages for what goes wrong."""

from allauth.account.decorators import secure_admin_login
from allauth.account.views import logout
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from docjacket_mcp import health

# One sign-in for everybody: the same limits and the same rows in the log.
admin.autodiscover()
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
# And one sign-out and one form for a new password; allauth's view of the former takes the admin's.
admin.site.logout = logout  # type: ignore[method-assign]
to_password_change = RedirectView.as_view(pattern_name="account_change_password")
admin.site.password_change = to_password_change  # type: ignore[assignment]
admin.site.password_change_done = to_password_change  # type: ignore[assignment]

urlpatterns = [
    path("", include("mcp_endpoint.urls")),
    path("", include("rest_api.urls")),
    path("", include("oauth_ext.urls")),
    path("accounts/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("livez", health.livez),
    path("readyz", health.readyz),
]

handler400 = "activity.views.bad_request"
handler403 = "activity.views.permission_denied"
handler404 = "activity.views.page_not_found"
handler429 = "activity.views.too_many_requests"
handler500 = "activity.views.server_fault"
