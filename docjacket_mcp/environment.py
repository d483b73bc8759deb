"""Reading the environment: what is missing or makes no sense is told by its name."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured


@contextmanager
def named(name: str) -> Iterator[None]:
    """Nonsense in a variable is told by its name alone: its value may be a secret."""
    try:
        yield
    except (ImproperlyConfigured, KeyError, ValueError) as error:
        if isinstance(error, ImproperlyConfigured) and name in str(error):
            raise
        raise ImproperlyConfigured(f"{name} has a value that makes no sense") from error


class Environment(environ.Env):
    """The environment, whose numbers must be numbers."""

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        """The value of one variable."""
        with named(var):
            return super().get_value(var, *args, **kwargs)


env = Environment()


def require(*names: str) -> None:
    """Ask for everything that is missing at once."""
    if missing := [name for name in names if not env.str(name, default="")]:
        raise ImproperlyConfigured(
            f"These must be set: {', '.join(missing)}. docs/operate.md says what they are."
        )


def read_secret(name: str) -> str:
    """At least 32 characters; there is no default, so no deployment runs on a sample value."""
    return check_secret(name, env.str(name, default=""))


def check_secret(name: str, value: str) -> str:
    """The value, if it is long enough to be a secret."""
    if len(value) < 32:
        raise ImproperlyConfigured(f"{name} must be set to at least 32 random characters")
    return value


def read_applications(name: str) -> list[str]:
    """Packages with Django applications, which must be there."""
    applications: list[str] = env.list(name, default=[])
    for application in applications:
        try:
            spec = find_spec(application)
        except (ImportError, ValueError):
            spec = None
        if spec is None:
            raise ImproperlyConfigured(
                f"{name}: there is no package {application}. Write names of Python packages, with "
                "commas between them"
            )
        if spec.submodule_search_locations is None:
            raise ImproperlyConfigured(
                f"{name}: {application} is a module. Write the package it is in: "
                f"{application.rpartition('.')[0] or 'a folder with an __init__.py'}"
            )
    return applications


def check_applications(name: str, applications: list[str], installed: list[str]) -> None:
    """Each application is installed once: the product's own need not be named."""
    for application in applications:
        if installed.count(application) > 1:
            raise ImproperlyConfigured(
                f"{name}: {application} is installed already. Leave it out, and name each of your "
                "own once"
            )


def read_networks(name: str, default: list[str]) -> list[IPv4Network | IPv6Network]:
    """Networks in CIDR notation."""
    try:
        return [ip_network(text.strip()) for text in env.list(name, default=default)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from error
