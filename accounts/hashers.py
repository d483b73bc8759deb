"""How passwords are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id at OWASP's minimum: 19 MiB, two passes, one lane.

    Django's default takes 100 MiB an attempt, which a few parallel sign-ins turn into an outage.
    """

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1
