"""The query and the body of a request as one of our models, strictly.

Unknown members and parameters are refused, not ignored: a misspelt filter must not answer with
everything. A member or parameter that comes twice is refused, because which one counts depends on
the reader.
"""

from typing import TypeVar

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from pydantic import BaseModel, ConfigDict, ValidationError

from mcp_endpoint.errors import ParseError
from mcp_endpoint.http_checks import check_content_type, read_body
from oauth_ext.strict_json import StrictJsonError, parse_json
from rest_api.problems import FieldProblem, InvalidFieldsError, describe_fields

Model = TypeVar("Model", bound=BaseModel)


class NoFields(BaseModel):
    """Nothing is taken."""

    model_config = ConfigDict(extra="forbid")


def read_query(request: HttpRequest, model: type[Model]) -> Model:
    """The parameters of the query.

    Raises:
        InvalidFieldsError: they don't fit, or one came twice.
    """
    try:
        parameters = dict(request.GET.lists())
    except SuspiciousOperation as error:
        raise InvalidFieldsError([FieldProblem(name="query", detail="Too many.")]) from error
    problems = [
        FieldProblem(name=name[:64], detail="Give it once.")
        for name, values in parameters.items()
        if len(values) > 1
    ]
    # No column of the database can hold it.
    problems += [
        FieldProblem(name=name[:64], detail="It may not have a NUL.")
        for name, values in parameters.items()
        if any("\x00" in value for value in values)
    ]
    if problems:
        raise InvalidFieldsError(problems)
    return validate({name: values[0] for name, values in parameters.items()}, model)


def read_members(request: HttpRequest, model: type[Model]) -> Model:
    """The members of the JSON body; no body at all is an empty object.

    Raises:
        RefusedError: too large, not declared as JSON, not JSON, or it doesn't fit.
    """
    body = read_body(request)
    if not body:
        return validate({}, model)
    check_content_type(request)
    try:
        document = parse_json(body)
    except StrictJsonError as error:
        raise ParseError(error.message, reason=error.reason) from error
    return validate(document, model)


def validate(document: object, model: type[Model]) -> Model:
    """The document as the model."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise InvalidFieldsError(describe_fields(error)) from error
