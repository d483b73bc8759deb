"""All mutants, and the urgent attacks that cannot have one."""

from tests.mutants.access_tokens import ACCESS
from tests.mutants.authorization import AUTHORIZATION_AND_MATCHING
from tests.mutants.built_in_tools import BUILT_IN_TOOLS
from tests.mutants.codes import CODES_AND_ENDPOINT
from tests.mutants.consent import CONSENT
from tests.mutants.discovery import DISCOVERY_AND_REGISTRATION
from tests.mutants.input_rounds import INPUT_ROUNDS
from tests.mutants.people import PEOPLE_AND_TENANCY
from tests.mutants.readings import READINGS_AND_CURSORS
from tests.mutants.refreshing import REFRESH_AND_REVOCATION
from tests.mutants.rest import REST
from tests.mutants.running import RUNNING_CALLS

MUTANTS = (
    *(*DISCOVERY_AND_REGISTRATION, *AUTHORIZATION_AND_MATCHING, *CONSENT),
    *(*CODES_AND_ENDPOINT, *REFRESH_AND_REVOCATION, *ACCESS, *PEOPLE_AND_TENANCY),
    *(*INPUT_ROUNDS, *BUILT_IN_TOOLS, *RUNNING_CALLS, *READINGS_AND_CURSORS, *REST),
)

# What holds because something is not there, or because a library does it.
WITHOUT_A_GUARD = {
    116: "Django gives a new session id at every sign-in.",
}
