"""How passwords are hashed, how long they may be, and how many at once (``hash_slots``)."""

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError

from accounts.hash_slots import hold_slot

# Characters. Hashing takes longer the longer the password is, and nobody types this many.
MAX_PASSWORD_LENGTH = 1024


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id at OWASP's minimum: 19 MiB, two passes, one lane.

    Django's default takes 100 MiB an attempt, which a few parallel sign-ins turn into an outage.
    A hash of another cost is replaced at the next sign-in.
    """

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """The hash.

        Raises:
            ValueError: longer than ``MAX_PASSWORD_LENGTH``; forms refuse it before.
            HashingBusyError: too many at once.
        """
        if len(password) > MAX_PASSWORD_LENGTH:
            raise ValueError("The password is too long.")
        with hold_slot():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Whether it is the password; one that is too long is nobody's.

        Raises:
            HashingBusyError: too many at once.
        """
        if len(password) > MAX_PASSWORD_LENGTH:
            return False
        with hold_slot():
            return super().verify(password, encoded)


class MaximumLengthValidator:
    """Refuses a new password that is too long to hash, on every form that sets one."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError if it has too many characters."""
        if len(password) > MAX_PASSWORD_LENGTH:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        """The rule, for people."""
        return f"Your password can have at most {MAX_PASSWORD_LENGTH} characters."
