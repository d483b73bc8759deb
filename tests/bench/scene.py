"""Makes what the calls are made with: connections of as many people, and what peers must know.

A program of its own, because settings are read at import. Its output is one JSON document.
"""

import json
import sys
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from accounts.models import Role  # noqa: E402
from activity.origin import Origin  # noqa: E402
from activity.recorder import INSERT  # noqa: E402
from activity.references import new_reference  # noqa: E402
from oauth_ext.client_metadata import parse_client_metadata  # noqa: E402
from oauth_ext.codes import CodeRedemption, redeem_code  # noqa: E402
from oauth_ext.consents import Consent, grant_consent  # noqa: E402
from oauth_ext.keys import get_key_ring  # noqa: E402
from oauth_ext.registration import register_client  # noqa: E402
from oauth_ext.standing import CONNECTION_SQL  # noqa: E402
from tests.factories import MembershipFactory  # noqa: E402
from tests.oauth_client import CALLBACK, VERIFIER, build_request  # noqa: E402

SCOPES = ("read", "draft", "actions")


def main() -> None:
    """One connection for each of so many people, and its access token."""
    tokens = [connect(number) for number in range(int(sys.argv[1]))]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    scene = {
        "tokens": tokens,
        "jwk": get_key_ring().current.public_jwk,
        "issuer": settings.ISSUER,
        "audience": settings.MCP_RESOURCE,
        "verify": CONNECTION_SQL.replace("%(family)s", "$1").replace("%(connection)s", "$2"),
        "record": number_parameters(INSERT),
    }
    sys.stdout.write(json.dumps(scene))


def connect(number: int) -> str:
    """A person's access token, by registration, consent and code."""
    # Each from an address of its own: registrations of one address are limited.
    origin = Origin(reference=new_reference(), ip=f"192.0.2.{number}", user_agent="bench")
    membership: Any = MembershipFactory(role=Role.OWNER)
    metadata = parse_client_metadata(
        {"client_name": f"Client {number}", "redirect_uris": [CALLBACK]}
    )
    with transaction.atomic():
        client = register_client(metadata, origin=origin)
        consent = Consent(build_request(client, SCOPES), membership, SCOPES, new_reference())
        code = grant_consent(consent, origin=origin)
        redemption = CodeRedemption(code, client, "", VERIFIER, ())
        return redeem_code(redemption, origin=origin).access_token


def number_parameters(sql: str) -> str:
    """A statement as asyncpg wants it: ``$1`` and so on."""
    first, *rest = sql.split("%s")
    return first + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))


if __name__ == "__main__":
    main()
