"""The tables of the authorization server: the six swapped toolkit models and our own.

What hangs on what: a Connection is one person's permission for one client in one organization;
codes, token families and their refresh tokens hang on it. Access tokens are JWTs and have no
row; the state they are checked against is the family's and the connection's.
"""

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from oauth2_provider.models import (
    AbstractAccessToken,
    AbstractApplication,
    AbstractDeviceGrant,
    AbstractGrant,
    AbstractIDToken,
    AbstractRefreshToken,
)

from accounts.models import Membership, Organization


class Client(AbstractApplication):
    """An OAuth client (RFC 6749 §2). People's pages say "connected application".

    Clients that register themselves are public and have no secret. One that an operator made may
    be confidential; ``client_secret`` then holds the keyed hash of its secret. The name is the
    client's own claim, unless an operator chose it.
    """

    client_id = models.CharField("client id", max_length=255, unique=True)
    client_secret = models.CharField(max_length=255, blank=True, default="", editable=False)
    secret_hint = models.CharField(
        max_length=4, blank=True, default="", db_default="", editable=False
    )
    secret_pepper_id = models.CharField(
        max_length=8, blank=True, default="", db_default="", editable=False
    )
    metadata = models.JSONField(
        default=dict, blank=True, help_text="What the client said of itself (RFC 7591 §2)."
    )
    metadata_digest = models.CharField(
        max_length=64,
        unique=True,
        null=True,
        blank=True,
        editable=False,
        help_text="Identical registrations share one client.",
    )
    registered_ip = models.GenericIPAddressField(null=True, blank=True, editable=False)
    disabled_at = models.DateTimeField(
        null=True, blank=True, help_text="Set this to refuse every token of this client."
    )
    document_fetched_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When its metadata document was last fetched and accepted.",
    )
    revision = models.PositiveIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="Raised by another name or a further redirect URI: whoever allowed an earlier "
        "one is asked again.",
    )
    changed_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When the revision was last raised."
    )

    class Meta(AbstractApplication.Meta):
        verbose_name = "client"
        ordering = ("-created",)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Never hash a secret that nobody has."""
        self.hash_client_secret = False
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Nothing: ``oauth_ext.client_metadata`` decided when it registered."""

    @property
    def redirect_uri_list(self) -> tuple[str, ...]:
        """The registered redirect URIs."""
        return tuple(self.redirect_uris.split())

    def is_usable(self, request: Any) -> bool:
        """Whether the client may take part in anything."""
        return self.disabled_at is None


class Connection(models.Model):
    """One person let one client work with one organization: what people see and cut.

    It hangs on the membership row: when that goes, ``membership`` becomes NULL and every token
    is refused, also after the person is invited again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="connections"
    )
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="connections")
    organization = models.ForeignKey(
        Organization, on_delete=models.SET_NULL, null=True, related_name="connections"
    )
    membership = models.ForeignKey(
        Membership, on_delete=models.SET_NULL, null=True, related_name="connections"
    )
    client_revision = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="The client's, at the last Allow."
    )
    allowed_client = models.JSONField(
        null=True,
        blank=True,
        editable=False,
        help_text="Name and redirect URIs of the client as they were then.",
    )
    scope = models.CharField(max_length=255, help_text="Everything allowed so far.")
    label = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField("connected", default=timezone.now, editable=False)
    last_used_at = models.DateTimeField("last used", null=True, blank=True, editable=False)
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_by_id = models.UUIDField(null=True, blank=True, editable=False)
    revoke_reason = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("user", "client", "organization"),
                condition=models.Q(revoked_at__isnull=True),
                name="oauth_ext_connection_one_active",
            )
        ]

    def __str__(self) -> str:
        return f"{self.client} for {self.user} in {self.organization}"

    @property
    def state(self) -> str:
        """active, paused or revoked."""
        if self.revoked_at:
            return "revoked"
        return "paused" if self.paused_at else "active"


class TokenFamily(models.Model):
    """All tokens that descend from one code: one device's sign-in under a connection.

    Scope and resource are fixed when it is made (a family never grows).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="families")
    scope = models.CharField(max_length=255)
    resource = models.CharField(max_length=512)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(help_text="Whatever the refreshes: then it must be new.")
    refreshed_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoke_reason = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "token families"
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"family {self.id}"


class AuthorizationCode(AbstractGrant):
    """A code (RFC 6749 §4.1.2); ``code`` holds its keyed hash.

    A used code stays as a tombstone that points to its family, so that a replay can end it.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="codes")
    consent_nonce = models.CharField(max_length=32, unique=True, editable=False)
    consumed_at = models.DateTimeField(null=True, blank=True, editable=False)
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    family = models.OneToOneField(TokenFamily, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta(AbstractGrant.Meta):
        verbose_name = "authorization code"


class RefreshToken(AbstractRefreshToken):
    """One generation of a family; ``token_checksum`` is its keyed hash.

    ``sealed_successor`` can be opened only with the token itself, so that repeating it inside
    the window yields the same successor while a stolen table yields nothing.
    """

    # The toolkit's columns for plaintext, access-token rows and its own revocation are not ours.
    token = None
    access_token = None
    token_family = None
    resource = None
    revoked = None

    token_checksum = models.CharField(max_length=64, unique=True, editable=False)
    pepper_id = models.CharField(max_length=8, default="", db_default="", editable=False)
    family = models.ForeignKey(TokenFamily, on_delete=models.CASCADE, related_name="refresh_tokens")
    generation = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True, blank=True)
    sealed_successor = models.BinaryField(null=True, blank=True, editable=False)
    replays = models.PositiveIntegerField(default=0)

    class Meta(AbstractRefreshToken.Meta):
        unique_together = ()
        indexes: list[models.Index] = []
        constraints = [
            # At most one current token in a family, whatever the code does (invariant I-4).
            models.UniqueConstraint(
                fields=("family",),
                condition=models.Q(superseded_at__isnull=True),
                name="oauth_ext_refreshtoken_one_current",
            ),
            models.UniqueConstraint(
                fields=("family", "generation"), name="oauth_ext_refreshtoken_generation"
            ),
        ]


class AccessToken(AbstractAccessToken):
    """Always empty: access tokens are JWTs, and nothing replayable is stored."""

    class Meta(AbstractAccessToken.Meta):
        pass


class IDToken(AbstractIDToken):
    """Always empty: the toolkit's migrations need all six models in one place."""

    class Meta(AbstractIDToken.Meta):
        pass


class DeviceGrant(AbstractDeviceGrant):
    """Always empty: the device flow is not routed."""

    class Meta(AbstractDeviceGrant.Meta):
        pass


class PersonalAccessToken(models.Model):
    """A token minted by hand for clients that cannot do OAuth; for one organization."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="personal_tokens"
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.SET_NULL, null=True, related_name="personal_tokens"
    )
    membership = models.ForeignKey(
        Membership, on_delete=models.SET_NULL, null=True, related_name="personal_tokens"
    )
    label = models.CharField(max_length=100)
    scope = models.CharField(max_length=255)
    allowed_tools = models.JSONField(
        null=True, blank=True, help_text="The only tools it may call; empty: all within its scope."
    )
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    pepper_id = models.CharField(max_length=8, default="", db_default="", editable=False)
    mint_nonce = models.CharField(max_length=32, unique=True, editable=False)
    hint = models.CharField(max_length=4, editable=False, help_text="The last four characters.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_network = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Where it was last used from: the /24 or /64, not the address.",
    )
    replaces = models.OneToOneField(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="replacement",
    )
    notified_days = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        editable=False,
        help_text="Days before its expiry for which the last warning was mailed.",
    )
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_by_id = models.UUIDField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-created_at",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__lte=models.F("created_at") + timedelta(days=366)),
                name="oauth_ext_personal_token_expires",
            )
        ]

    def __str__(self) -> str:
        return f"{self.label} (…{self.hint})"


class OrganizationPolicy(models.Model):
    """How long an organization lets access last; empty means as long as the deployment does.

    It counts at every use, so a shorter time also holds for what was connected before.
    """

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="policy"
    )
    max_idle_days = models.PositiveSmallIntegerField(
        "unused for", null=True, blank=True, help_text="Days after which an unused sign-in ends."
    )
    max_sign_in_days = models.PositiveSmallIntegerField(
        "signed in for",
        null=True,
        blank=True,
        help_text="Days after which an application must be connected anew, used or not.",
    )
    max_personal_token_days = models.PositiveSmallIntegerField(
        "personal access tokens for",
        null=True,
        blank=True,
        help_text="Longest life of a personal access token, in days.",
    )
    allowed_scopes = models.CharField(
        "access",
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text="The most that anybody here may allow an application; empty: everything.",
    )
    hidden_tools = models.JSONField(
        null=True, blank=True, help_text="Tools that nobody here may call; empty: none."
    )

    class Meta:
        verbose_name = "organization policy"
        verbose_name_plural = "organization policies"

    def __str__(self) -> str:
        return f"policy of {self.organization}"
