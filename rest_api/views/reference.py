"""The public descriptions of the API: ``/api/v1/schema`` (OpenAPI 3.1) and a page to read.

The page is drawn by the server and runs no script: it lies on the origin where people are signed
in and allow applications, and a script from elsewhere would have the run of all of it.
"""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from rest_framework.request import Request

from rest_api.reference import list_documents, list_entries, list_problems
from rest_api.schema import render_schema
from rest_api.views.endpoint import ApiView

MAX_AGE = 3600


class SchemaView(ApiView):
    """The OpenAPI document."""

    schema = None
    public = True

    def get(self, request: Request) -> HttpResponse:
        """It is the same for everybody, so it may be kept."""
        return HttpResponse(
            render_schema(),
            content_type="application/json",
            headers={"Cache-Control": f"public, max-age={MAX_AGE}"},
        )


class ReferenceView(ApiView):
    """The page."""

    schema = None
    public = True

    def get(self, request: Request) -> HttpResponse:
        """The operations, the documents and the problems."""
        context = {
            "base_url": f"{settings.PUBLIC_URL}/api/v1",
            "entries": list_entries(),
            "documents": list_documents(),
            "problems": list_problems(),
        }
        return render(self.http, "rest_api/reference.html", context)
