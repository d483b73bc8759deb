"""``explain_reference``: what happened behind an error, and what to do about it."""

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field

from activity.references import parse_reference
from mcp_endpoint.activity_answers import ExplainedEvent, ToldEvent, explain, tell
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolError
from mcp_endpoint.registry import tool
from oauth_ext.activity_log import build_entries
from oauth_ext.scopes import READ
from oauth_ext.visible_activity import find_story

MAX_AROUND = 20


class ExplainReferenceArguments(BaseModel):
    """Which reference, and how much of the story."""

    model_config = ConfigDict(extra="forbid")

    reference: str = Field(
        max_length=32, description="The 13 characters that an error, a page or a header showed."
    )
    around: int = Field(
        default=5,
        ge=0,
        le=MAX_AROUND,
        description="How many events of the same connection to show on either side.",
    )


class ExplainReferenceResult(BaseModel):
    """The events of one request with their cause, and the story of the connection around them."""

    reference: str
    organization: str
    explanation: str = Field(description="What happened, why, and what to do, in one paragraph.")
    events: list[ExplainedEvent] = Field(description="What the request did, oldest first.")
    before: list[ToldEvent] = Field(description="What the same connection did before it.")
    after: list[ToldEvent] = Field(description="What the same connection did since.")


@tool(scope=READ, title="Explain an error", read_only=True, open_world=False)
def explain_reference(
    context: CallContext, arguments: ExplainReferenceArguments
) -> ExplainReferenceResult:
    """Explain what happened behind a reference: what was refused or failed, why, what to do
    about it, and what the same connection did just before and after. Every error here carries a
    reference of 13 characters; call this before you guess at a cause. It finds your own events
    in this organization; owners and admins find everybody's in it."""
    reference = parse_reference(arguments.reference)
    if reference is None:
        raise ToolError(
            "A reference has 13 letters and digits, as the error showed it.",
            reason="bad_reference",
        )
    story = find_story(context.principal, reference, around=arguments.around)
    if story is None:
        raise ToolError(
            f"Nothing that you may see in {context.principal.organization_name} has this "
            "reference. Check that it was copied whole. What happened on a page, such as signing "
            "in or allowing an application, is found by the person at "
            f"{settings.PUBLIC_URL}/settings/activity; anything else by support.",
            reason="no_such_reference",
        )
    rows = [*story.before, *story.rows, *story.after]
    entries = {entry.id: entry for entry in build_entries(rows)}
    events = [explain(entries[row.id], row) for row in story.rows]
    return ExplainReferenceResult(
        reference=reference,
        organization=context.principal.organization_name,
        explanation=summarize(events),
        events=events,
        before=[tell(entries[row.id]) for row in story.before],
        after=[tell(entries[row.id]) for row in story.after],
    )


def summarize(events: list[ExplainedEvent]) -> str:
    """The one event that the request is about: the last that did not succeed, else the last."""
    unlucky = [event for event in events if event.outcome in ("refused", "failed", "cancelled")]
    told = (unlucky or events)[-1]
    parts = [f"{told.what} ({told.outcome}, {told.at:%Y-%m-%d %H:%M:%S} UTC)."]
    parts += [told.why] if told.why else []
    return " ".join([*parts, f"What to do: {told.what_to_do}"])
