"""Every way the API refuses, as ``application/problem+json`` (RFC 9457).

A refusal is an error of ``mcp_endpoint``, so that both surfaces refuse the same things for the
same reasons; here it gets its type and its title. ``detail`` goes out, ``reason`` stays in the log.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mcp_endpoint.errors import RefusedError
from mcp_endpoint.responses import encode_json

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
MAX_PROBLEMS = 10
MAX_NAME = 64

# The end of each type's URI, and its title; documented under the same heading in the reference.
TITLES = {
    "invalid-request": "The request is not valid",
    "invalid-token": "A valid token is needed",
    "forbidden": "This is not allowed",
    "insufficient-scope": "The token lacks a permission",
    "role": "The person's role does not allow this",
    "paused": "The application is paused",
    "not-found": "Not found",
    "method-not-allowed": "The method is not offered here",
    "body-too-large": "The body is too large",
    "unsupported-media-type": "The body is not JSON",
    "misdirected": "This host is not served here",
    "too-many-requests": "Too many requests",
    "server-error": "Something went wrong on our side",
    "unavailable": "The server is not available right now",
}
SLUGS = {
    401: "invalid-token",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
    421: "misdirected",
    429: "too-many-requests",
    500: "server-error",
    503: "unavailable",
}
# What both surfaces call by one name in ``error``.
SLUGS_OF_ERRORS = {"insufficient_scope": "insufficient-scope", "paused": "paused"}


class FieldProblem(BaseModel):
    """One field that is wrong."""

    name: str = Field(description="The member of the body or the parameter of the query.")
    detail: str


class Problem(BaseModel):
    """What every error looks like (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="A stable URI that names the kind of problem.")
    title: str
    status: int
    detail: str = Field(description="What is wrong and what to do about it.")
    reference: str = Field(description="The 13 characters that lead support to the cause.")
    errors: list[FieldProblem] = Field(
        default_factory=list, description="Which fields are wrong; only where fields are."
    )


class NotFoundError(RefusedError):
    """Nothing is there, or nothing that this token may see: both in the same words."""

    status = 404
    reason = "not_found"

    def __init__(self, *, reason: str | None = None) -> None:
        super().__init__("There is nothing at this address that this token may see.", reason=reason)


class RoleRefusedError(RefusedError):
    """The person's role is too small; no challenge, because no consent can change a role."""

    status = 403
    reason = "role_scope"


class NotAdministratorError(RefusedError):
    """The whole organization's data was asked for by somebody who may see their own."""

    status = 403
    reason = "not_an_administrator"

    def __init__(self) -> None:
        super().__init__(
            "Only owners and admins see what belongs to others in the organization. Leave out "
            "whole_organization to see your own."
        )


class InvalidFieldsError(RefusedError):
    """Known members or parameters with wrong values, or unknown ones."""

    reason = "invalid_arguments"

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__(
            "Some fields are not valid; errors says which.",
            data={"errors": [problem.model_dump() for problem in problems[:MAX_PROBLEMS]]},
        )


def describe_fields(error: ValidationError) -> list[FieldProblem]:
    """Which fields are wrong and how."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        FieldProblem(
            name=".".join(str(part) for part in problem["loc"])[:MAX_NAME] or "body",
            detail="There is no such field."
            if problem["type"] == "extra_forbidden"
            else problem["msg"].removeprefix("Value error, "),
        )
        for problem in problems
    ]


def find_slug(status: int, data: Mapping[str, Any]) -> str:
    """The kind of problem that an answer is."""
    slug = SLUGS_OF_ERRORS.get(str(data.get("error", "")))
    return slug or SLUGS.get(status, "invalid-request")


def build_problem(
    slug: str,
    status: int,
    detail: str,
    reference: str,
    *,
    data: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """A problem as a response; ``data`` are members beside the five that all have."""
    members = {
        "type": build_type(slug),
        "title": TITLES[slug],
        "status": status,
        "detail": detail,
        "reference": reference,
    }
    body = encode_json({**(data or {}), **members})
    return HttpResponse(
        body,
        status=status,
        content_type=MEDIA_TYPE,
        headers={
            "Cache-Control": "no-store",
            "Content-Length": str(len(body)),
            **(headers or {}),
        },
    )


def build_type(slug: str) -> str:
    """The URI of a kind of problem, where the reference explains it."""
    return f"{settings.PUBLIC_URL}/api/v1/docs#{slug}"
