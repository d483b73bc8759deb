"""The append-only log of everything that happened: the bottom floor, with no foreign keys."""
