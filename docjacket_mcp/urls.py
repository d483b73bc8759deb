"""The table of contents: every path of the deployment, and the pages for what goes wrong."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from docjacket_mcp import health

# One sign-in for everybody: the same limits and the same rows in the log.
admin.autodiscover()
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("", include("mcp_endpoint.urls")),
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
