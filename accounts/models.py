"""Users, organizations and memberships: who may act for whom."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.addresses import fold_email


class UserManager(BaseUserManager["User"]):
    """Users are known by their e-mail address, whatever its letter case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Save a user; without a password, one who can only set it by the reset mail."""
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """An operator: the whole of the admin is theirs."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def find_by_email(self, text: str) -> "User | None":
        """Sign-in finds ``Alice@Acme.example`` as ``alice@acme.example``, and nobody else.

        The database may take more letters for the same than we do; at most one row fits for it.
        """
        folded = fold_email(text)
        if "\x00" in folded:
            return None
        same = self.alias(folded=Lower("email")).filter(folded=Lower(Value(folded)))
        return next((user for user in same if fold_email(user.email) == folded), None)

    def get_by_natural_key(self, email: str | None) -> "User":
        """The person with this address.

        Raises:
            User.DoesNotExist: nobody has it.
        """
        user = self.find_by_email(email or "")
        if user is None:
            raise self.model.DoesNotExist
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A person. The key is the subject (``sub``) of every token, so it never changes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField("e-mail address")
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(
        default=True, help_text="Clear this to sign the person out and refuse all their tokens."
    )
    is_staff = models.BooleanField("operator", default=False, help_text="May use the admin.")
    tokens_valid_from = models.DateTimeField(
        null=True, blank=True, help_text="Tokens made before this are refused; a reset sets it."
    )
    date_joined = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ("email",)
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="accounts_user_email",
                violation_error_message="A user with this e-mail address exists already.",
            )
        ]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        """The name people see, or the address when they gave none."""
        return self.name or self.email


class Organization(models.Model):
    """A customer of the product. Every token is for exactly one (the ``org_id`` claim)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=150)
    slug = models.SlugField(unique=True)
    is_active = models.BooleanField(
        default=True, help_text="Clear this to suspend the organization: its tokens are refused."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do; owners and administrators see and cut the organization's clients.

    A viewer only looks, and so does everything that acts for one.
    """

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


ADMINISTRATORS = frozenset({Role.OWNER, Role.ADMIN})


class Membership(models.Model):
    """One person in one organization.

    Connections hang on this row, not on the pair: somebody who is removed and invited again has
    a new membership, and what was connected before stays dead.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=6, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("organization__name",)
        constraints = [
            models.UniqueConstraint(
                fields=("user", "organization"), name="accounts_membership_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"

    @property
    def is_administrator(self) -> bool:
        """Owner or admin."""
        return self.role in ADMINISTRATORS


class TokenBucket(models.Model):
    """What one key has left of one policy; written by ``accounts.limits`` only."""

    policy = models.CharField(max_length=32)
    key = models.CharField(max_length=64, help_text="The SHA-256 of what is counted.")
    tokens = models.FloatField()
    updated_at = models.DateTimeField()
    granted = models.BooleanField(help_text="Whether the last taking found a token.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("policy", "key"), name="accounts_tokenbucket_once")
        ]

    def __str__(self) -> str:
        return self.policy
