"""What all paths of the API have in common: the order of the checks and every way out.

Host, origin, token, the wider limit, method; then, for an operation, whether the caller may have
it, its query and its body, and a call of the caller's allowance (RFC 6750 §2.1, RFC 9457). Nothing
here redirects or reads a cookie, and no input may end in a 5xx.
"""

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import django.db
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.views import APIView

from activity.events import Event
from activity.origin import origin_of
from mcp_endpoint.authentication import authenticate
from mcp_endpoint.call_limits import check_attempts
from mcp_endpoint.client_presence import find_presence
from mcp_endpoint.errors import MethodNotAllowedError, RefusedError, UnrecordedError
from mcp_endpoint.http_checks import check_host, check_origin
from mcp_endpoint.paced_body import Reader
from oauth_ext.verification import record_use
from rest_api.admission import admit, charge
from rest_api.arguments import NoFields, read_members, read_query
from rest_api.calls import ApiCall, Operation, Progress, answer_call
from rest_api.openapi import describe_operation
from rest_api.problems import RETRY_AFTER_SECONDS, TITLES, build_problem, find_slug

Perform = TypeVar("Perform", bound=Callable[..., BaseModel | None])

logger = logging.getLogger(__name__)


class ApiView(APIView):
    """One path. A view that is ``public`` is for everybody: it asks for no token."""

    # No OPTIONS: a preflight is answered before, and the schema says the rest.
    http_method_names = ["get", "head", "post", "patch", "delete"]
    public = False

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Begin to keep what the row will tell."""
        super().setup(request, *args, **kwargs)
        route = request.resolver_match.route if request.resolver_match else request.path_info
        self.http = request
        self.progress = Progress(
            origin_of(request), time.perf_counter(), (request.method or "")[:16], route
        )

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """The checks that come before the method, in the order of ``/mcp``."""
        check_host(self.http)
        check_origin(self.http)
        if self.public:
            return
        principal = self.progress.principal = authenticate(self.http)
        check_attempts(principal)

    def perform(self, operation: Operation, path: dict[str, Any]) -> HttpResponseBase:
        """Admit the caller, read the question, answer it.

        Raises:
            RefusedError: the first check that failed.
        """
        progress = self.progress
        assert progress.principal is not None
        progress.tool = operation.tool
        admit(progress.principal, tool=operation.tool, scope=operation.scope)
        query = read_query(self.http, operation.query)
        body = read_members(self.http, operation.body)
        call = ApiCall(progress.principal, progress.origin, query, body, path)
        with charge(progress.principal, tool=operation.tool) as slot:
            record_use(progress.principal, origin=progress.origin)
            reader = Reader(find_presence(self.http), slot.keep_for)
            return answer_call(operation, call, progress, reader)

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Every way out but success."""
        if isinstance(exc, MethodNotAllowed):
            exc = MethodNotAllowedError(
                "This method is not offered here; Allow names those that are.",
                headers={"Allow": ", ".join(self.allowed_methods)},
            )
        try:
            if isinstance(exc, RefusedError):
                return self.refuse(exc)
        except UnrecordedError as error:
            exc = error
        return self.fail(exc)

    def refuse(self, refusal: RefusedError) -> HttpResponse:
        """Record the refusal, then answer it with the reference of its row."""
        reference = self.progress.record_refusal(refusal)
        # The first middleware repeats it in the Reference-Id header.
        self.http.reference = reference  # type: ignore[attr-defined]
        slug = "role" if refusal.reason == "role_scope" else find_slug(refusal.status, refusal.data)
        return build_problem(
            slug,
            refusal.status,
            refusal.message,
            reference,
            data=refusal.data,
            headers=refusal.headers,
        )

    def fail(self, fault: Exception) -> HttpResponse:
        """An answer that blames nobody but us; never a 401, which would end a good token."""
        is_outage = isinstance(fault, django.db.Error | UnrecordedError)
        slug, status = ("unavailable", 503) if is_outage else ("server-error", 500)
        logger.error("the API failed", exc_info=fault)
        if not isinstance(fault, UnrecordedError):
            reason = "database_unavailable" if is_outage else type(fault).__name__
            self.progress.record_fault(Event.SERVER_FAULT, reason=reason, status=status)
        return build_problem(
            slug,
            status,
            f"{TITLES[slug]}. Nothing was changed. Try again.",
            self.progress.origin.reference,
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)} if is_outage else {},
        )

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: what an answer needs is set where it is built."""
        return {}


def operation(
    name: str,
    *,
    tool: str,
    scope: str,
    answer: type[BaseModel] | None,
    query: type[BaseModel] = NoFields,
    body: type[BaseModel] = NoFields,
    read_only: bool = False,
) -> Callable[[Callable[..., BaseModel | None]], Callable[..., HttpResponseBase]]:
    """A view's method of ``(call: ApiCall, **path) -> document`` as an operation.

    Args:
        name: in the schema, unique.
        tool: the tool that does the same; who may not have it may not have this.
        read_only: everything else runs in one transaction with its row.
    """

    def decorate(function: Callable[..., BaseModel | None]) -> Callable[..., HttpResponseBase]:
        described = Operation(name, tool, scope, read_only, query, body, answer, function)

        @extend_schema(**describe_operation(described))
        @wraps(function)
        def handler(view: ApiView, request: Request, **path: Any) -> HttpResponseBase:
            return view.perform(described, path)

        handler.operation = described  # type: ignore[attr-defined]
        return handler

    return decorate
