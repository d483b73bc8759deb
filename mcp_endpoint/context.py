"""What a tool knows about its call."""

from dataclasses import dataclass

from activity.origin import Origin
from mcp_endpoint.progress import Progress, ProgressReporter, ignore_progress
from oauth_ext.verification import Principal


@dataclass(frozen=True, slots=True)
class CallContext:
    """Who calls, from where and in which revision.

    A tool starts every query from ``principal.organization_id``: nothing in the arguments may
    choose another organization.
    """

    principal: Principal
    origin: Origin
    protocol_version: str
    reporter: ProgressReporter = ignore_progress

    def report_progress(
        self, progress: float, total: float | None = None, message: str = ""
    ) -> None:
        """Tell the person how far the tool is; nobody hears it if their client did not ask."""
        self.reporter(Progress(progress, total, message))

    @property
    def reference(self) -> str:
        """The request's reference, for texts that a person may send to support."""
        return self.origin.reference
