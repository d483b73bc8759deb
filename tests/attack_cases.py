"""The attacks that this server must withstand: number → (priority, what is tried and must happen).

Tests name the numbers that they stand for with ``@pytest.mark.case(…)``; a test in
``tests/architecture`` holds the two together. Priority 0 must hold before any release, 1 before a
public one, 2 hardens further. "A page" means: an error page, and no redirect to anybody.
"""

from collections.abc import Mapping

Case = tuple[int, str]

DISCOVERY: Mapping[int, Case] = {
    1: (0, "A foreign Host or forwarding header: documents name only the configured address."),
    2: (0, "Metadata is read: it states exactly what works, nothing that does not."),
    3: (0, "Every path that clients probe: the right document, or a clean 404."),
    4: (0, "Resource metadata at both paths names the resource exactly; other suffixes 404."),
    5: (1, "offline_access is looked for: neither resource metadata nor challenges offer it."),
    6: (2, "A document is written to: 405 with Allow."),
    7: (1, "Another origin reads the documents: it may, and never with credentials."),
    8: (0, "The key set is read: public members only, one alg and use each, kept for an hour."),
    10: (1, "Doubled or encoded slashes, path parameters, other letter case: 404, no view."),
}

REGISTRATION: Mapping[int, Case] = {
    11: (0, "A minimal registration: 201 with the values as stored, never cached."),
    12: (0, "A body that is not one JSON object: invalid_client_metadata."),
    13: (1, "A body of another content type: refused, so no cross-site form can register."),
    14: (0, "An oversized body: 413 without reading it all."),
    15: (0, "Deep nesting, giant numbers, NaN, repeated members: 400, never a fault."),
    16: (0, "Invalid UTF-8, lone surrogates, NUL: 400, never a fault."),
    17: (0, "Members of wrong types: 400, nothing is turned into text and stored."),
    18: (0, "No redirect URI, an empty list or an empty one: invalid_redirect_uri."),
    20: (0, "One string that holds two redirect URIs: 400, no second one is registered."),
    21: (0, "Redirect schemes that run code or read files, however spelled: 400."),
    22: (0, "An http redirect to another machine: 400."),
    23: (0, "Hosts that only look like loopback: 400; the three true ones are accepted."),
    24: (0, "Fragments, userinfo, backslashes, dot segments, foreign letters, wildcards: 400."),
    25: (1, "Private-use schemes: only the listed ones are registered."),
    26: (0, "Grant types that are not offered: left out, or 400 when nothing useful is left."),
    27: (1, "Response types that contradict the grant types: 400."),
    28: (1, "Unknown auth methods, private or symmetric keys: never stored."),
    30: (1, "Localized members: no way around the checks of the plain ones."),
    31: (0, "Names that are long or deceive the eye: cleaned or refused."),
    32: (1, "A scope beyond what exists: reduced and echoed."),
    33: (0, "Members that assign what is ours to decide: ignored."),
    34: (2, "A software statement: earns no trust."),
    35: (1, "Registering with somebody's session cookie: the client is not tied to them."),
    36: (1, "A cross-site POST with credentials: no credentialed CORS, no cookie is used."),
    37: (1, "Management of a registration: not offered, 404."),
    38: (0, "A flood of registrations: 429 with Retry-After, and the table stays bounded."),
    40: (1, "A client that was reaped: invalid_client, and its rows in the log remain."),
    41: (1, "Client ids are compared: 128 random bits, no pattern, no list."),
    42: (0, "A stranger registers under a famous name: possible, but shown as unverified."),
}

DOCUMENTS: Mapping[int, Case] = {
    43: (0, "A client id URL that is not in its one strict form: a page before any lookup."),
    44: (1, "A client id URL that is too long: a page."),
    45: (0, "A client id URL with an IP address for a host: a page, nothing is fetched."),
    46: (0, "A host that resolves to a special-use address: refused, no packet leaves."),
    47: (0, "A host with one private address among several: refused."),
    48: (0, "A resolver that changes its answer: asked once, the checked address is used."),
    50: (0, "A redirect in place of the document: an error, never followed."),
    51: (1, "Another status than 200: an error, remembered for a minute only."),
    52: (0, "A document without end, or packed: reading stops at the limit."),
    53: (0, "A document that drips: given up at the deadline."),
    54: (1, "A host that never answers: the same deadline covers every step."),
    55: (0, "A certificate that is self-signed, expired or for another name: refused."),
    56: (1, "A document that is not declared as JSON: refused."),
    57: (0, "A document that is not one strict JSON object: refused."),
    58: (0, "A document that names another client id, however similar: refused."),
    60: (1, "A document that prefers keys but also lists none: accepted as none."),
    61: (0, "A redirect URI that the document does not list: a page."),
    62: (1, "A document that changes its name or hosts: logged, and the person is asked again."),
    63: (1, "A document that is away: the last good copy serves for a while, then no more."),
    64: (0, "A thousand slow documents at once: few fetches in flight, others are not slowed."),
    65: (1, "Many requests for one URL or one host: one fetch, few a minute."),
    66: (1, "A URL that is a stored or switched-off client: the record wins."),
    67: (1, "The outgoing request: no cookies, no credentials, no proxy of the environment."),
    68: (1, "A client id URL on our own host: refused."),
    70: (1, "An anonymous visitor: signs in first, nothing is fetched for them."),
    71: (1, "An unknown URL client at the token endpoints: invalid_client, no fetch."),
}

AUTHORIZATION: Mapping[int, Case] = {
    72: (0, "An unknown, empty or switched-off client: a page."),
    73: (1, "No redirect URI: the only registered one is used; of several none is guessed."),
    74: (0, "An unregistered redirect URI with any other error: a page every time."),
    75: (0, "A parameter twice: a page for client and redirect URI, else invalid_request."),
    76: (0, "Any response type but code: refused, no token in the front channel."),
    77: (1, "Any response mode but the query: invalid_request."),
    78: (0, "A request object, by value or by reference: not supported, never fetched."),
    80: (0, "Parameters that elsewhere skip consent: ignored, the page is shown."),
    81: (0, "State of any content: back byte for byte; absent stays absent; too long refused."),
    82: (0, "Unknown, empty, repeated or oversized scopes: left out, never widened."),
    83: (0, "The resource: missing means ours, our spellings mean ours, else invalid_target."),
    84: (1, "A second resource: never a token for two."),
    85: (0, "A cross-site POST of an authorization request: 403, no code."),
    86: (0, "Signing in on the way: the request survives, a foreign return address does not."),
    87: (1, "An oversized query: a page."),
    88: (0, "Broken text in each parameter: a page or a redirect, never a fault."),
    90: (1, "Referer and history: no code leaks to others, no foreign content on our pages."),
    91: (1, "A person without an active organization: a clear page, no code."),
    92: (0, "The account is switched meanwhile: the page counts for whom it was shown to."),
    93: (2, "A person with hundreds of connections: bounded or a clear error."),
}

CONSENT: Mapping[int, Case] = {
    94: (0, "Pages in a foreign frame: forbidden on every one, errors included."),
    95: (2, "A click that was meant for something else: Allow waits a moment."),
    96: (0, "Allow without the page's CSRF token, or with another session's: 403."),
    97: (0, "The same page submitted again, or many times at once: one code."),
    98: (1, "A page older than ten minutes: no longer counts."),
    100: (0, "An organization that is not the person's, or suspended: nothing is allowed."),
    101: (0, "The membership ends on the way: every later step refuses."),
    102: (0, "A page opened in one browser and sent from another: a page, no code."),
    103: (0, "A person who allowed before: the page is shown all the same."),
    104: (1, "Remembered consent reached from another site: the page is shown."),
    105: (0, "A client's name with markup, script or template syntax: inert text."),
    106: (0, "Names that deceive the eye or flood the page: neutralized, short, isolated."),
    107: (0, "A stranger named like a known vendor or like us: unverified, the host stands out."),
    108: (0, "A loopback redirect: the page says that a program on this computer gets access."),
    110: (0, "Links that the client sent: https only, marked as foreign, or not shown."),
    111: (1, "An international host: shown as it is resolved."),
    112: (0, "Cancel: access_denied with state and issuer, and nothing is made."),
    113: (1, "Tiers that the person left out: in no token, now or after a refresh."),
    114: (0, "GET or HEAD by a prefetcher: changes nothing, yields no code."),
    115: (1, "A victim signed in to the attacker's account: the form is protected, names shown."),
    116: (0, "The session's id: another one after sign-in and after a new password."),
    117: (0, "Injected scripts: blocked; the page works without; the way back is not blocked."),
    118: (1, "Back after signing out: nothing was kept, signing in comes first."),
    120: (1, "Tiers with effects: said in words and marked."),
}

REDIRECT_URIS: Mapping[int, Case] = {
    121: (0, "The identical string: accepted."),
    122: (0, "A slash, letter case, query, fragment or path parameter more or less: refused."),
    123: (1, "Scheme or host in other letter case: refused."),
    124: (1, "The default port spelled out: refused."),
    125: (0, "The host as a part of another one: refused."),
    126: (0, "Userinfo before the real or another host: refused."),
    127: (0, "Backslashes and missing or extra slashes: refused."),
    128: (0, "Dot segments and encoded slashes behind the registered path: refused."),
    130: (0, "Letters that only look alike: refused."),
    131: (0, "http for https: refused."),
    132: (0, "Another port of an http loopback address with the same path: accepted."),
    133: (0, "localhost with any port is accepted, and never mixed with an address."),
    134: (1, "Another port of an https loopback address: refused."),
    135: (0, "Addresses that only look like loopback: refused."),
    136: (1, "Ports that are none: refused, never a fault."),
    137: (0, "A private-use scheme spelled in any other way: refused."),
    138: (0, "Control characters and spaces: refused, and the answer's headers stay whole."),
    140: (0, "Another redirect URI at the token endpoint: invalid_grant, the code survives."),
    141: (0, "The answer goes where the validated request said, its query kept."),
    142: (1, "The redirect URI is taken away while a code is on its way: no tokens."),
}

PKCE: Mapping[int, Case] = {
    143: (0, "No challenge: invalid_request, for every kind of client."),
    144: (0, "Method plain: invalid_request."),
    145: (0, "A challenge without a method, which means plain: invalid_request."),
    146: (0, "Any other method: invalid_request."),
    147: (0, "A challenge that is not 43 base64url characters: refused at once."),
    148: (0, "No verifier: invalid_grant."),
    150: (0, "A verifier of wrong length or characters: refused, never a fault."),
    151: (1, "A stored code with a damaged challenge: proves nothing."),
    152: (0, "The verifier of another code: invalid_grant."),
    153: (0, "An attacker strips the challenge from the request: refused at 143."),
    154: (1, "Metadata lists another method than S256: fails the build."),
    155: (1, "Two verifiers: invalid_request."),
    156: (2, "A challenge used for several requests: the client's own choice."),
}

CODES: Mapping[int, Case] = {
    157: (0, "A used code again: refused, what it yielded dies; a lost answer harms nobody."),
    158: (0, "Many exchanges of one code at once: one success, one family, no fault."),
    160: (0, "Another client's code: refused, and its owner can still use it."),
    161: (0, "Another redirect URI at the exchange: refused, the code survives."),
    162: (0, "Unknown, malformed and guessed codes: one and the same answer, limited."),
    163: (0, "Whoever the code stands for is gone by then: no tokens."),
    164: (0, "Broken text or an oversized code: 400."),
    165: (0, "The table is read: only keyed hashes."),
    166: (0, "The server dies after the commit: no second family, the lost one shows as unused."),
    167: (1, "A guess that shares the beginning of a code: no effect on what it yielded."),
    168: (1, "A code from one node redeemed at another at once: works."),
    170: (1, "The clean-up runs: used codes stay long enough to notice a replay."),
}

TOKEN_ENDPOINT: Mapping[int, Case] = {
    171: (0, "Any parameter twice: invalid_request."),
    172: (0, "Parameters in the query: invalid_request."),
    173: (0, "Any content type but a form: 415."),
    174: (1, "Other methods: 405 with Allow."),
    175: (0, "An oversized body or too many fields: refused."),
    176: (0, "Grants that are not offered: unsupported_grant_type."),
    177: (0, "An unknown or missing client: 401 invalid_client."),
    178: (0, "Two ways to authenticate, or two names: refused."),
    180: (0, "A confidential client without its secret: invalid_client, the code survives."),
    181: (0, "A Basic header that cannot be read: 401 in its own scheme."),
    182: (1, "Client assertions that are not in order: invalid_client."),
    183: (0, "A flood of wrong secrets: cheap to refuse, and limited."),
    184: (0, "Every answer: JSON, no-store, and with a reference when it refuses."),
    185: (1, "Calls from a web page: allowed without credentials, the headers it needs exposed."),
    186: (0, "A switched-off client: invalid_client."),
    187: (0, "A wider scope at the exchange: invalid_scope, the code survives."),
    188: (0, "Another resource at the exchange: invalid_target, the code survives."),
    190: (1, "Packed bodies and odd transfer encodings: refused."),
    191: (0, "The database is away during any grant: 503, nothing half done."),
    192: (2, "Times of the refusals are compared: alike."),
}

REFRESH: Mapping[int, Case] = {
    193: (0, "An ordinary refresh: a new token, the old one retired, the rest unchanged."),
    194: (0, "A retired token after the window: the family dies, the person is told."),
    195: (0, "A token from further back, even inside the window: the family dies."),
    196: (0, "Many refreshes at once: all get the one successor, one token is current."),
    197: (0, "The answer was lost and the token comes again: the same successor."),
    198: (0, "The window's limits: other client, more scope, other resource, a used successor."),
    200: (0, "Revoking while refreshing: after the answer nothing of the family works."),
    201: (0, "A wider scope: invalid_scope, nothing is rotated."),
    202: (1, "A narrower scope: a narrower access token, the family keeps its own."),
    203: (0, "Another or a further resource: invalid_target, nothing is rotated."),
    204: (0, "Another client's token: invalid_grant, its family is not touched."),
    205: (0, "Too long unused, or too old altogether: invalid_grant."),
    206: (0, "Whatever the family stands on is gone: invalid_grant."),
    207: (0, "After a restart or at another node an old token comes: still noticed."),
    208: (1, "The password is reset: everything that acts for the person ends."),
    210: (0, "A refresh token as bearer, an access token for a refresh: refused."),
    211: (1, "Refreshing without pause: limited; ending a very long family stays cheap."),
    212: (1, "A refresh token that we do not know: refused, no family is accused."),
    213: (2, "A client that did not ask for refresh tokens: gets none."),
}

ACCESS_TOKENS: Mapping[int, Case] = {
    214: (0, "alg none, an empty signature, two parts: refused."),
    215: (0, "An HMAC keyed with our public key: refused."),
    216: (0, "Another algorithm than the key's own: refused."),
    217: (0, "A type that is missing or another: refused."),
    218: (0, "A key id of any shape that is not ours: refused without looking anywhere."),
    220: (0, "Any crit member: refused."),
    221: (0, "An unencoded payload: refused."),
    222: (0, "Encrypted or packed tokens: refused, nothing is unpacked."),
    223: (1, "JSON serialization, nesting, a detached payload: refused."),
    224: (0, "Expired, or an exp that is no whole number: refused, never a fault."),
    225: (0, "Not yet valid: refused."),
    226: (1, "Issued in the future: refused beyond a minute, accepted within seconds."),
    227: (0, "Another issuer, however similar: refused."),
    228: (0, "Another audience, or ours beside another: refused."),
    230: (0, "Keys around a rotation: next and previous are accepted, nobody is refused."),
    231: (1, "ECDSA signatures at the edges: refused, or no way around a revocation."),
    232: (0, "An oversized token: refused before it is parsed."),
    233: (0, "A claim that is missing: refused, there are no defaults."),
    234: (1, "Another spelling of a good token: refused."),
    235: (0, "Other things that we sign: no access tokens."),
    236: (0, "The token anywhere but in the one header: refused."),
    237: (0, "A good token whose permission has ended: refused, the tool does not run."),
    238: (0, "Too small a scope: 403 that names what is needed."),
    240: (1, "A token is read: nothing personal in it."),
}

PERSONAL_TOKENS: Mapping[int, Case] = {
    241: (1, "A wrong checksum: 401 without a query about the token."),
    242: (0, "A well-formed but unknown token: the same 401."),
    243: (0, "Cut, extended, other letter case: 401."),
    244: (0, "Making one: shown once, only hash and hint are kept."),
    245: (0, "Another organization, resource or scope: refused."),
    246: (0, "Expired, revoked, or its person or organization gone: 401 at once."),
    247: (0, "At any other endpoint or page: refused, no session."),
    248: (0, "To make further tokens, allow clients or change the password: refused."),
    250: (1, "Used without pause: its last use is written once a minute."),
    251: (0, "Faults and debug logs: the token is in none of them."),
    252: (2, "A leaked token is reported: its holder can have it revoked."),
    253: (1, "Made without a recent password or a CSRF token: refused."),
    254: (1, "The pepper is changed: older tokens keep working meanwhile."),
}

REVOCATION: Mapping[int, Case] = {
    255: (0, "An unknown, malformed or dead token: an empty 200."),
    256: (0, "Another client's token: refused, and it keeps working."),
    257: (1, "Revoking as an unknown or missing client: 401 invalid_client."),
    258: (1, "A wrong hint: the token is found and revoked all the same."),
    260: (0, "A refresh token of any generation: family and access tokens die."),
    261: (1, "No token, two tokens, another method: refused."),
    262: (0, "The person disconnects the application: refused at the next request."),
    263: (0, "A person is switched off, by whatever means: every way is shut at once."),
    264: (0, "A person is deleted: the tokens are dead, the log stays."),
    265: (0, "An organization is suspended and resumed: only it; the revoked stays revoked."),
    266: (0, "A member is removed and added again: what was connected stays dead."),
    267: (0, "A client is switched off or deleted, by whatever means: all its tokens die."),
    268: (1, "Several ends at different times: the newest that applies wins."),
    270: (0, "Revoking while calls run: none that starts after the answer is accepted."),
    271: (1, "A node's clock is wrong: revocation still counts at once."),
    272: (0, "The database is away during a revocation: 503, never a 200 without effect."),
    273: (0, "The cache is away: revocation is not affected."),
    274: (1, "A role is taken away: the next call knows."),
}

TENANCY: Mapping[int, Case] = {
    312: (0, "Ids of another organization: answered as what does not exist."),
    313: (0, "A call names another organization than its token: the token decides."),
    314: (0, "Every tool, organization, role and credential: only the own organization's data."),
    315: (0, "Lists, searches, counts and pages with foreign values: nothing foreign."),
    316: (0, "Two organizations call the same tool together: nothing is shared."),
    317: (1, "Another organization is chosen in another tab: each page counts as it was sent."),
    318: (0, "Owners of organizations in the operators' admin: they see nothing."),
    320: (1, "An organization is deleted: the tokens are dead, the log stays."),
    321: (1, "An invitation is used again or by others: refused."),
    322: (2, "Background jobs: keep to one organization."),
}

EVERYWHERE: Mapping[int, Case] = {
    350: (0, "Sign-in by somebody unknown, wrong or switched off: looks the same."),
    351: (1, "A password reset for an unknown address: the same answer."),
    352: (1, "Whether a client, code or token exists: not told by status or time."),
    353: (0, "Guessing passwords: limited, and nobody is locked out for good."),
    354: (2, "A list of stolen passwords is tried: limited over all."),
    355: (0, "Many sign-ins and giant passwords: two hashes at once at most."),
    356: (0, "A flood of wrong client secrets: as 183."),
    357: (0, "Anonymous floods at sign-in and authorization: nothing is kept of them."),
    358: (1, "One person, very many consent pages: limited."),
    360: (0, "The cache of the limits is away: limits go on, nothing else is affected."),
    361: (1, "Limits counted by what strangers send: hashed, and bounded."),
    362: (0, "Signing out: the session ends at the server."),
    363: (0, "Cookies: host-only, secure, out of reach of scripts and of other sites."),
    364: (1, "A new password: other sessions end."),
    365: (0, "Views without CSRF protection: exactly the machine endpoints."),
    366: (0, "no-store on every answer with something secret, errors included."),
    367: (0, "Security headers on every page, errors included."),
    368: (1, "A popup's opener: kept on the way through consent, cut elsewhere."),
    370: (0, "Foreign addresses to return to: dropped, however spelled."),
    371: (1, "A foreign Host and mails: their links come from the settings."),
    372: (1, "Static paths that climb: 404."),
    373: (1, "Unknown paths and methods for programs: JSON, not a page."),
    374: (0, "A node's clock is wrong: nothing is accepted beyond its end, no one is refused."),
    375: (2, "Times beyond any calendar: refused, never a fault."),
    376: (0, "Dependencies below their safe versions: fail the build."),
    377: (0, "One version is replaced by the next and back: tokens keep working."),
    378: (1, "A way in is switched off: 404, metadata agree, the others work."),
}

CASES: dict[int, Case] = {}
for _group in (
    *(DISCOVERY, REGISTRATION, DOCUMENTS, AUTHORIZATION, CONSENT, REDIRECT_URIS, PKCE, CODES),
    *(TOKEN_ENDPOINT, REFRESH, ACCESS_TOKENS, PERSONAL_TOKENS, REVOCATION, TENANCY, EVERYWHERE),
):
    CASES |= _group


# What cannot be tried here, and why. A number is either here or has a test, never both.
NOT_APPLICABLE: dict[int, str] = {
    95: "No script runs on the consent page, so nothing there can wait; framing is forbidden.",
    104: "Consent is never remembered: every authorization shows the page.",
    182: "Client assertions are not offered; metadata lists no key-based method.",
    192: "The answers are the same text; times would need a quiet machine to be compared.",
    213: "Refresh tokens are never withheld: real clients leave the grant out and still need one.",
    273: "Nothing about permission is kept in a cache; there is no cache to lose.",
    321: "Invitations do not exist: memberships are made by the host product or an operator.",
    322: "The only job is pruning, which removes by age and knows no organization.",
    354: "Beyond the limits of 353 there is no count over all addresses and accounts yet.",
    360: "Limits are rows in the one database; there is no second store that could be away.",
    377: "There is no earlier release whose tokens and tables a test could start from.",
}

# Where the outcome differs on purpose from what others answer; each still has its test.
DECIDED_OTHERWISE: dict[int, str] = {
    82: "Not invalid_scope: real clients send whatever they found somewhere (RFC 6749 §3.3).",
    157: "An exchange repeated within ten seconds, verifier and all, is a lost answer, not theft.",
    198: "A hundred repeats of one token in its window are slowed down (429), never punished.",
    256: "400 and not 200: RFC 7009 §2.1 has the request refused, and the holder knows the token.",
}

# Tests that are being written elsewhere. Must be empty once they are in.
AWAITED = frozenset(
    {
        *(43, 44, 45, 46, 47, 48, 50, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61, 62, 63, 64, 65, 66),
        *(67, 68, 70, 180, 183, 254, 355, 356, 362, 363, 364, 367, 372, 374, 376, 378),
    }
)
