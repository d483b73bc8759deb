"""The resources that the runner's server scenarios read, word for word as they describe them."""

import base64

from pydantic import BaseModel

from mcp_endpoint.context import CallContext
from mcp_endpoint.resources import resource
from oauth_ext.scopes import READ
from tests.conformance.fixture_app.media import RED_PIXEL


class TemplateData(BaseModel):
    id: str
    templateTest: bool
    data: str


@resource(uri="test://static-text", scope=READ, title="Text", mime_type="text/plain")
def static_text(context: CallContext) -> str:
    """One sentence."""
    return "This is the content of the static text resource."


@resource(uri="test://static-binary", scope=READ, title="Image", mime_type="image/png")
def static_binary(context: CallContext) -> bytes:
    """One pixel."""
    return base64.b64decode(RED_PIXEL)


@resource(
    uri_template="test://template/{id}/data",
    scope=READ,
    title="Data",
    mime_type="application/json",
)
def template_data(context: CallContext, id: str) -> TemplateData:
    """Repeats its variable."""
    return TemplateData(id=id, templateTest=True, data=f"Data for ID: {id}")
