"""What a model should know of a built-in tool beyond its description: when, what next, how.

Tools of a host application need no entry; they are told by their own definition.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolHint:
    """``example`` are arguments that the tool takes; ``next_tools`` what often follows."""

    use_when: str
    next_tools: tuple[str, ...] = ()
    example: Mapping[str, Any] = field(default_factory=dict)


EXAMPLE_ID = "3f2b9c1e-7a54-4f0e-9d3c-5b8f2f1c6a70"
CONNECTION = {"connection_id": EXAMPLE_ID}

HINTS: Mapping[str, ToolHint] = {
    "activity_summary": ToolHint(
        "The person asks how much, how often or how reliably.",
        ("search_activity", "explain_reference"),
        {"since": "2026-11-01T00:00:00Z", "whole_organization": True},
    ),
    "disconnect_application": ToolHint(
        "An application must never act again. Ask the person first.",
        ("list_connected_applications",),
        CONNECTION,
    ),
    "explain_reference": ToolHint(
        "An error showed a reference, or the person brings one.",
        ("search_activity", "health_check"),
        {"reference": "7K3M9Q2XWDA40"},
    ),
    "health_check": ToolHint(
        "Something seems wrong, or before a long piece of work.",
        ("list_tools_for_me", "explain_reference"),
    ),
    "list_connected_applications": ToolHint(
        "The person asks what may act for them, or wants to tidy up.",
        ("pause_application", "disconnect_application", "rename_application"),
        {"unused_for_days": 30},
    ),
    "list_personal_access_tokens": ToolHint(
        "The person asks which scripts have access, or until when.",
        ("revoke_personal_access_token",),
    ),
    "list_tools_for_me": ToolHint("You do not know what is possible here, or why it is not."),
    "pause_application": ToolHint(
        "An application should stop for now, or looks suspicious.",
        ("search_activity", "resume_application", "disconnect_application"),
        CONNECTION,
    ),
    "rename_application": ToolHint(
        "Several applications have the same name.",
        ("list_connected_applications",),
        {**CONNECTION, "label": "Work laptop"},
    ),
    "resume_application": ToolHint(
        "The person wants a paused application back.",
        ("list_connected_applications",),
        CONNECTION,
    ),
    "revoke_personal_access_token": ToolHint(
        "A token is not needed any more, or was seen by somebody. Ask the person first.",
        ("list_personal_access_tokens",),
        {"personal_access_id": EXAMPLE_ID},
    ),
    "search_activity": ToolHint(
        "The person asks what happened, when, or through which application.",
        ("explain_reference", "activity_summary"),
        {"outcome": "refused", "limit": 20},
    ),
    "whoami": ToolHint(
        "First of all, to know for whom and where you act.",
        ("list_tools_for_me", "health_check"),
    ),
}
