"""People: users, organizations, memberships, and how they sign in."""
