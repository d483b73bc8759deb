"""Whom a row concerns, as the log names them: identifiers, which outlive what they name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Subject:
    """A person, and the organization, client and connection that a request was made through."""

    user_id: UUID | None = None
    organization_id: UUID | None = None
    client_id: str = ""
    connection_id: UUID | None = None
    # Which personal access token it was: rows have columns for connections only.
    details: Mapping[str, str] = field(default_factory=dict)

    def name_source(self) -> str:
        """The connection, or the person in the organization; empty for nobody. 64 characters."""
        if self.connection_id:
            return f"connection {self.connection_id}"
        if self.user_id and self.organization_id:
            return self.user_id.hex + self.organization_id.hex
        return f"user {self.user_id}" if self.user_id else ""
