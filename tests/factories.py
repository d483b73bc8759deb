"""Rows that tests need many of."""

import factory
from django.contrib.auth.hashers import make_password

from accounts.models import Membership, Organization, Role, User

PASSWORD = "correct horse battery staple"
HASH = make_password(PASSWORD)


class UserFactory(factory.django.DjangoModelFactory[User]):
    """A person who signs in with ``PASSWORD``."""

    class Meta:
        model = User

    email = factory.Sequence(lambda number: f"person{number}@example.com")
    name = factory.Sequence(lambda number: f"Person {number}")
    password = HASH


class OrganizationFactory(factory.django.DjangoModelFactory[Organization]):
    """A customer."""

    class Meta:
        model = Organization

    name = factory.Sequence(lambda number: f"Organization {number}")
    slug = factory.Sequence(lambda number: f"organization-{number}")


class MembershipFactory(factory.django.DjangoModelFactory[Membership]):
    """One person in one organization."""

    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    organization = factory.SubFactory(OrganizationFactory)
    role = Role.MEMBER
