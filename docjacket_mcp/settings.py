"""Every setting of the deployment, read from the environment; docs/operate.md has the table.

Production is the default: a missing or nonsensical value stops the process with a sentence.
``QUICK_START=1`` (set by ``make run`` and the tests) relaxes exactly what its comments say.
"""

import logging
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from docjacket_mcp import rest_settings
from docjacket_mcp.environment import (
    check_applications,
    check_secret,
    env,
    named,
    read_applications,
    read_networks,
    read_secret,
    require,
)
from docjacket_mcp.log_settings import build_logging

# Lets classes name what they are generic over (ModelAdmin[Client]) at run time too.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
QUICK_START = env.bool("QUICK_START", default=False)
DEBUG = env.bool("DEBUG", default=False)
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
require(
    "SECRET_KEY",
    "TOKEN_PEPPER",
    "DATABASE_URL",
    *(() if QUICK_START else ("PUBLIC_URL", "EMAIL_URL")),
)


def read_public_url() -> str:
    """The one origin people paste; RFC 8414 §2 wants https and no query or fragment."""
    port = env.str("PORT", default="8000")
    value = env.str("PUBLIC_URL", default=f"http://127.0.0.1:{port}" if QUICK_START else "")
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ImproperlyConfigured("PUBLIC_URL must be an origin such as https://mcp.example.com")
    if parts.path or parts.query or parts.fragment or parts.username or value.endswith("/"):
        raise ImproperlyConfigured("PUBLIC_URL must be an origin only: no path, no trailing slash")
    if parts.scheme == "http" and not QUICK_START:
        raise ImproperlyConfigured("PUBLIC_URL must be https outside the quick start")
    return f"{parts.scheme}://{parts.netloc.lower()}"


# --- identity of the deployment ---------------------------------------------------------------
with named("PUBLIC_URL"):
    PUBLIC_URL = read_public_url()
ISSUER = PUBLIC_URL
MCP_RESOURCE = f"{PUBLIC_URL}/mcp"
PRODUCT_NAME = env.str("PRODUCT_NAME", default="DocJacket")
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", default="support@docjacket.example")
ALLOWED_HOSTS = [urlsplit(PUBLIC_URL).hostname or "", *env.list("EXTRA_ALLOWED_HOSTS", default=[])]

# --- secrets ----------------------------------------------------------------------------------
SECRET_KEY = read_secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
TOKEN_PEPPER = read_secret("TOKEN_PEPPER")
TOKEN_PEPPER_FALLBACKS = [
    check_secret("TOKEN_PEPPER_FALLBACKS", pepper)
    for pepper in env.list("TOKEN_PEPPER_FALLBACKS", default=[])
]
SIGNING_KEYS_DIR = Path(env.str("SIGNING_KEYS_DIR", default=str(VAR_DIR / "signing-keys")))

# --- database: PostgreSQL everywhere ----------------------------------------------------------
if not env.str("DATABASE_URL").startswith(("postgres://", "postgresql://")):
    raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database (postgres://…)")
with named("DATABASE_URL"):
    DATABASES = {"default": env.db_url("DATABASE_URL")}
DATABASE_STATEMENT_TIMEOUT = env.str("DATABASE_STATEMENT_TIMEOUT", default="5s")
DATABASES["default"] |= {
    "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=600),
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {
        **DATABASES["default"].get("OPTIONS", {}),
        "connect_timeout": 2,
        "prepare_threshold": 0,  # only activity.prepared binds values on the server
        # A stuck database answers 503 soon instead of holding every thread.
        "options": f"-c statement_timeout={DATABASE_STATEMENT_TIMEOUT} -c lock_timeout=2s"
        " -c idle_in_transaction_session_timeout=10s",
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- applications: those of the host product, then ours ---------------------------------------
HOST_APPS = read_applications("HOST_APPS")
INSTALLED_APPS = [
    *HOST_APPS,
    "docjacket_mcp",
    "rest_api",
    "mcp_endpoint",
    "oauth_ext",
    "accounts",
    "activity",
    "oauth2_provider",
    "allauth",
    "allauth.account",
    "corsheaders",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
check_applications("HOST_APPS", HOST_APPS, INSTALLED_APPS)

MIDDLEWARE = [
    # What every answer needs stands outside everything that may answer.
    "docjacket_mcp.proxy_headers.ProxyHeadersMiddleware",
    "docjacket_mcp.response_headers.ResponseHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "activity.middleware.ReferenceMiddleware",
    "rest_api.middleware.ApiCorsMiddleware",
    # /mcp and /api/ are answered here: they use none of the page machinery below.
    "mcp_endpoint.middleware.McpMiddleware",
    "rest_api.middleware.ApiMiddleware",
    # Refuses a foreign Host before any view or file looks at the request.
    "django.middleware.common.CommonMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.known_browsers.KnownBrowserMiddleware",
    "accounts.form_limits.HashingBusyMiddleware",
]
ROOT_URLCONF = "docjacket_mcp.urls"
WSGI_APPLICATION = "docjacket_mcp.wsgi.application"
# A redirect turns a client's POST into a GET and drops its token; every path is exact instead.
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context_processors.product",
            ]
        },
    }
]

# --- people and sign-in -----------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.EmailBackend"]
# Argon2id with OWASP's minimum cost: Django's default takes 100 MiB per attempt.
PASSWORD_HASHERS = ["accounts.hashers.Argon2idHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [{"NAME": "accounts.hashers.MaximumLengthValidator"}]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/settings/ai-access"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "change_password": "accounts.forms.ChangePasswordForm",
    "login": "accounts.forms.LoginForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = False
# allauth counts in a cache that each process has for itself; accounts.limits counts for all.
ACCOUNT_RATE_LIMITS = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(PUBLIC_URL).scheme

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not QUICK_START
SESSION_COOKIE_NAME = "sessionid" if QUICK_START else "__Host-sessionid"
CSRF_COOKIE_NAME = "csrftoken" if QUICK_START else "__Host-csrftoken"
KNOWN_BROWSER_COOKIE_NAME = "knownbrowser" if QUICK_START else "__Host-knownbrowser"
# Lax: an authorization request arrives by a cross-site navigation and must keep its session.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "activity.views.csrf_failure"

# --- the toolkit: parsing and models; our own code decides -------------------------------------
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth_ext.Client"
OAUTH2_PROVIDER_GRANT_MODEL = "oauth_ext.AuthorizationCode"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "oauth_ext.AccessToken"
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "oauth_ext.RefreshToken"
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "oauth_ext.IDToken"
OAUTH2_PROVIDER_DEVICE_GRANT_MODEL = "oauth_ext.DeviceGrant"

ACCESS_TOKEN_TTL = env.int("ACCESS_TOKEN_TTL", default=3600)
REFRESH_TOKEN_TTL = env.int("REFRESH_TOKEN_TTL", default=30 * 24 * 3600)
TOKEN_FAMILY_TTL = env.int("TOKEN_FAMILY_TTL", default=180 * 24 * 3600)
REFRESH_WINDOW = env.int("REFRESH_WINDOW", default=60)
AUTHORIZATION_CODE_TTL = 60
DCR_ENABLED = env.bool("DCR_ENABLED", default=True)
PERSONAL_TOKENS_ENABLED = env.bool("PERSONAL_TOKENS_ENABLED", default=True)
PRIVATE_USE_REDIRECT_URIS = env.list(
    "PRIVATE_USE_REDIRECT_URIS", default=["cursor://anysphere.cursor-mcp/oauth/callback"]
)

# Client ID metadata documents: clients that are known by a URL, which is fetched.
CIMD_ENABLED = env.bool("CIMD_ENABLED", default=True)
CIMD_ALLOWED_HOSTS = env.list("CIMD_ALLOWED_HOSTS", default=[])
CIMD_DENIED_HOSTS = env.list("CIMD_DENIED_HOSTS", default=[])
CIMD_ALLOW_LOOPBACK = env.bool("CIMD_ALLOW_LOOPBACK", default=False)
# Half of a process's threads at most may wait for somebody else's server.
WEB_THREADS = env.int("WEB_THREADS", default=8)

OAUTH2_PROVIDER = {
    "OAUTH2_VALIDATOR_CLASS": "oauth_ext.request_validator.RequestValidator",
    "ACCESS_TOKEN_GENERATOR": "oauth_ext.request_validator.issued_access_token",
    "REFRESH_TOKEN_GENERATOR": "oauth_ext.request_validator.issued_refresh_token",
    "OAUTH2_BACKEND_CLASS": "oauth_ext.request_validator.ToolkitBackend",
    "SCOPES": {"read": "Read", "draft": "Draft", "actions": "Actions"},
    "DEFAULT_SCOPES": ["read"],
    "OIDC_ISS_ENDPOINT": ISSUER,
    "OAUTH2_PROTECTED_RESOURCE_IDENTIFIER": MCP_RESOURCE,
    "OAUTH2_RESPONSE_TYPES_SUPPORTED": ["code"],
    "OAUTH2_GRANT_TYPES_SUPPORTED": ["authorization_code", "refresh_token"],
    "OAUTH2_TOKEN_ENDPOINT_AUTH_METHODS_SUPPORTED": [
        "none",
        "client_secret_basic",
        "client_secret_post",
    ],
    "ACCESS_TOKEN_EXPIRE_SECONDS": ACCESS_TOKEN_TTL,
    "REFRESH_TOKEN_EXPIRE_SECONDS": REFRESH_TOKEN_TTL,
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": AUTHORIZATION_CODE_TTL,
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "PKCE_REQUIRED": True,
    "ALLOW_LOCALHOST_LOOPBACK": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https", "http"],
    "DCR_ENABLED": False,
    "CIMD_ENABLED": False,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
}

# --- the MCP endpoint ---------------------------------------------------------------------------
MCP_MAX_BODY_BYTES = env.int("MCP_MAX_BODY_BYTES", default=1024 * 1024)
MCP_CONNECTION_RATE = env.int("MCP_CONNECTION_RATE", default=120)
MCP_ORGANIZATION_RATE = env.int("MCP_ORGANIZATION_RATE", default=600)
MCP_ALLOWED_ORIGINS = env.list(
    "MCP_ALLOWED_ORIGINS",
    default=[
        "https://claude.ai",
        "https://claude.com",
        "https://chatgpt.com",
        "https://vscode.dev",
        "https://github.dev",
        "http://localhost:6274",
        "http://127.0.0.1:6274",
    ],
)

REST_FRAMEWORK = rest_settings.REST_FRAMEWORK
SPECTACULAR_SETTINGS = rest_settings.SPECTACULAR_SETTINGS

# --- what browsers are told -----------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "style-src": [SELF],
        "img-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
# The stock admin has scripts and inline images of its own.
ADMIN_CONTENT_SECURITY_POLICY = {
    "default-src": [SELF],
    "img-src": [SELF, "data:"],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
    "base-uri": [NONE],
    "object-src": [NONE],
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
# Nothing goes to other sites. no-referrer would make browsers send "Origin: null" with our own
# forms, which the CSRF check rightly refuses.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 0 if QUICK_START else 63_072_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not QUICK_START
SECURE_SSL_REDIRECT = False  # a redirect would strip a client's POST; the proxy owns port 80
TRUSTED_PROXY_HOPS = env.int("TRUSTED_PROXY_HOPS", default=0)
if TRUSTED_PROXY_HOPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Many people's calls come from these few addresses: what counts by source is wider for them.
HOSTED_ASSISTANT_NETWORKS = read_networks("HOSTED_ASSISTANT_NETWORKS", ["160.79.104.0/21"])

# No cookies, so any origin may talk to the machine endpoints; /mcp and /api/ have the list above.
CORS_URLS_REGEX = r"^/(\.well-known/.*|token|register|revoke|mcp/?|api/.*)$"
CORS_ALLOW_ALL_ORIGINS = True
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_METHODS = ["GET", "POST", "OPTIONS"]
CORS_ALLOW_HEADERS = ["authorization", "content-type", "accept", "last-event-id"]
CORS_ALLOW_HEADERS += ["mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id"]
CORS_EXPOSE_HEADERS = ["WWW-Authenticate", "Retry-After", "Reference-Id", "MCP-Protocol-Version"]

# --- mail, static files, time, logs ---------------------------------------------------------------
with named("EMAIL_URL"):
    EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://" if QUICK_START else "")
vars().update(EMAIL_CONFIG)
if (
    QUICK_START
    and EMAIL_CONFIG["EMAIL_BACKEND"] == "django.core.mail.backends.console.EmailBackend"
):
    EMAIL_BACKEND = "docjacket_mcp.console_mail.ReadableEmailBackend"
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=SUPPORT_EMAIL)

STATIC_URL = "static/"
# Production runs collectstatic; the quick start serves the files where they lie.
STATIC_ROOT = None if QUICK_START else VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = QUICK_START

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
if LOG_LEVEL not in logging.getLevelNamesMapping():
    raise ImproperlyConfigured("LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL")
LOGGING = build_logging(LOG_LEVEL, is_readable=QUICK_START)

SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # the e-mail address is unique without regard to case, by a constraint
    "security.W021",  # preloading is a promise that only the owner of the domain can make
    "security.W008",  # SECURE_SSL_REDIRECT: see its comment
    "oauth2_provider.W008",  # http redirect URIs: loopback only, see oauth_ext.redirect_uris
]
