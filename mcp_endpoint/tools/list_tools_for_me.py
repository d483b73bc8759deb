"""``list_tools_for_me``: what this caller may call, and what would unlock the rest."""

from typing import Any, Literal

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field

from mcp_endpoint.context import CallContext
from mcp_endpoint.definitions import Tool
from mcp_endpoint.registry import registry, tool
from mcp_endpoint.tool_hints import HINTS, ToolHint
from mcp_endpoint.visibility import Hindrance, find_obstacle
from oauth_ext.scopes import READ, SUPPORTED, TIERS
from oauth_ext.verification import Principal

Effect = Literal["reads", "changes, removes nothing", "changes, may remove or overwrite"]
Lock = Literal["needs_permission", "needs_role"]
NO_HINT = ToolHint("")
# The argument with which a tool refuses everybody else.
FOR_ADMINISTRATORS = "whole_organization"


class ListToolsForMeArguments(BaseModel):
    """There are none."""

    model_config = ConfigDict(extra="forbid")


class CallableTool(BaseModel):
    """A tool that this caller may call now."""

    name: str
    title: str
    purpose: str
    use_when: str = Field(description="Empty if nobody wrote it down.")
    effect: Effect
    reaches_outside: bool = Field(description="Whether it acts outside this server.")
    scope: str
    next_tools: list[str] = Field(description="What often follows; only such that you may call.")
    example: dict[str, Any] | None = Field(
        description="Arguments that it takes from you; the ids are made up. Null if nobody wrote "
        "one: its input schema says what it needs."
    )


class LockedTool(BaseModel):
    """A tool that exists and would refuse this caller."""

    name: str
    title: str
    purpose: str
    scope: str
    why: Lock
    unlock: str = Field(description="What the person can do about it.")


class ListToolsForMeResult(BaseModel):
    """The catalogue as this caller has it."""

    organization: str
    role: str
    scopes: list[str]
    tools: list[CallableTool]
    locked: list[LockedTool]
    note: str = Field(description="What narrows the list itself; empty if nothing does.")


@tool(scope=READ, title="What can I do here", read_only=True, open_world=False, metered=False)
def list_tools_for_me(
    context: CallContext, arguments: ListToolsForMeArguments
) -> ListToolsForMeResult:
    """List the tools that you may call through this connection, with what each is for, when to
    use it, what often follows and an example; and those that are locked, with what unlocks
    them: a permission on the consent page, or another role. Call it before you tell the
    person that something is not possible."""
    principal = context.principal
    known = [each for each in registry.list_tools() if is_known(each, principal)]
    locks = {each.name: find_lock(each, principal) for each in known}
    open_names = {name for name, lock in locks.items() if lock is None}
    return ListToolsForMeResult(
        organization=principal.organization_name,
        role=principal.role,
        scopes=[scope for scope in SUPPORTED if scope in principal.scopes],
        tools=[
            describe_tool(each, open_names, principal) for each in known if each.name in open_names
        ],
        locked=[
            describe_lock(each, lock, principal)
            for each in known
            if (lock := locks[each.name]) is not None
        ],
        note=build_note(principal),
    )


def is_known(tool: Tool, principal: Principal) -> bool:
    """Whether the tool exists for this caller at all; what does not is never named to them."""
    obstacle = find_obstacle(principal, scope=tool.scope, tool=tool.name)
    return obstacle is None or not obstacle.is_absence


def find_lock(tool: Tool, principal: Principal) -> Lock | None:
    """Why a call of the tool would be refused, or None: the answer that calls get."""
    obstacle = find_obstacle(principal, scope=tool.scope, tool=tool.name)
    if obstacle is None:
        return None
    return "needs_role" if obstacle.hindrance is Hindrance.ROLE else "needs_permission"


def describe_tool(tool: Tool, open_names: set[str], principal: Principal) -> CallableTool:
    """A tool that may be called."""
    hint = HINTS.get(tool.name, NO_HINT)
    return CallableTool(
        name=tool.name,
        title=tool.title,
        purpose=name_purpose(tool),
        use_when=tool.hints or hint.use_when,
        effect=name_effect(tool),
        reaches_outside=tool.open_world,
        scope=tool.scope,
        next_tools=[name for name in hint.next_tools if name in open_names],
        example=build_example(tool, principal),
    )


def build_example(tool: Tool, principal: Principal) -> dict[str, Any] | None:
    """Arguments that the tool takes from this caller; None if it needs some that nobody wrote."""
    hint = HINTS.get(tool.name)
    if hint is None:
        return None if tool.definition["inputSchema"].get("required") else {}
    refused = set() if principal.is_administrator else {FOR_ADMINISTRATORS}
    return {name: value for name, value in hint.example.items() if name not in refused}


def describe_lock(tool: Tool, lock: Lock, principal: Principal) -> LockedTool:
    """A tool that would refuse, with what helps."""
    return LockedTool(
        name=tool.name,
        title=tool.title,
        purpose=name_purpose(tool),
        scope=tool.scope,
        why=lock,
        unlock=build_unlock(tool, lock, principal),
    )


def name_purpose(tool: Tool) -> str:
    """The first sentence of the tool's description, on one line."""
    text = " ".join(tool.description.split())
    return text.partition(". ")[0].removesuffix(".") + "."


def name_effect(tool: Tool) -> Effect:
    """What the tool's hints say, in words."""
    if tool.read_only:
        return "reads"
    return "changes, may remove or overwrite" if tool.destructive else "changes, removes nothing"


def build_unlock(tool: Tool, lock: Lock, principal: Principal) -> str:
    """What the person can do, in one sentence."""
    tier = TIERS[tool.scope].title
    if lock == "needs_role":
        return (
            f"The person is {principal.role} in {principal.organization_name}, and that role does "
            "not allow it. An owner or admin of the organization can change the role; connecting "
            "again does not help."
        )
    if principal.personal_token_id is not None:
        return (
            f"Make a new personal access token with {tier} ticked, at "
            f"{settings.PUBLIC_URL}/settings/ai-access."
        )
    return f"Connect the application again and tick {tier} on the consent page."


def build_note(principal: Principal) -> str:
    """What leaves other tools out, and who can change it; which those are is never said."""
    notes = []
    if principal.allowed_tools is not None:
        notes.append(
            "This personal access token was made for the tools above only; others do not exist "
            f"for it. To use more, make a new one at {settings.PUBLIC_URL}/settings/ai-access."
        )
    if principal.organization_scopes != set(SUPPORTED):
        allowed = ", ".join(TIERS[s].title for s in SUPPORTED if s in principal.organization_scopes)
        notes.append(
            f"{principal.organization_name} allows applications at most: {allowed or 'nothing'}. "
            "Connecting again does not change that."
        )
    if principal.hidden_tools:
        notes.append(
            f"{principal.organization_name} leaves out some tools for everybody, so one that was "
            "here before may be gone. An owner can ask the operator of this server about it."
        )
    return " ".join(notes)
