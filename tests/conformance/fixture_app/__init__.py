"""A host application as the official runner wants it; only the server it tests loads it."""
