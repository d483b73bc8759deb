"""The HTTP faces of the authorization server, one endpoint a file."""
