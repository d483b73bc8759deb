"""References: 65 random bits that survive being read out on the phone."""

import pytest

from activity.references import (
    ALPHABET,
    derive_reference,
    encode_reference,
    new_reference,
    parse_reference,
)


def test_a_reference_is_thirteen_characters_of_crockfords_alphabet() -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 32
    assert not set("ILOU") & set(ALPHABET)
    for _ in range(500):
        reference = new_reference()
        assert len(reference) == 13
        assert set(reference) <= set(ALPHABET)


def test_all_sixty_five_bits_are_used() -> None:
    assert encode_reference(0) == "0" * 13
    assert encode_reference(1) == "0" * 12 + "1"
    assert encode_reference(2**64) == "G" + "0" * 12
    assert encode_reference(2**65 - 1) == "Z" * 13
    drawn = [new_reference() for _ in range(500)]
    assert len(set(drawn)) == 500
    # Every one of the thirteen places takes many values.
    assert all(len({reference[place] for reference in drawn}) > 20 for place in range(13))


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        ("0123456789ABC", "0123456789ABC"),
        ("0123456789abc", "0123456789ABC"),
        ("  0123456789ABC \n", "0123456789ABC"),
        ("01234-56789-ABC", "0123456789ABC"),
        ("01234 56789 ABC", "0123456789ABC"),
        ("O123456789ABC", "0123456789ABC"),
        ("0I23456789ABC", "0123456789ABC"),
        ("0l23456789abc", "0123456789ABC"),
        ("", None),
        ("0123456789AB", None),
        ("0123456789ABCD", None),
        ("U123456789ABC", None),
        ("0123456789AB!", None),
        ("0123456789AB\x00", None),
        ("０123456789ABC", None),
        ("%" * 13, None),
    ],
)
def test_what_a_person_types_is_made_canonical(typed: str, parsed: str | None) -> None:
    assert parse_reference(typed) == parsed


def test_every_reference_parses_to_itself() -> None:
    for reference in [new_reference() for _ in range(200)]:
        assert parse_reference(reference) == reference
        assert parse_reference(reference.lower()) == reference


def test_a_derived_reference_depends_on_the_key_and_every_part() -> None:
    reference = derive_reference("key", "noise", "192.0.2.1", "7")
    assert parse_reference(reference) == reference
    assert reference == derive_reference("key", "noise", "192.0.2.1", "7")
    others = {
        derive_reference("another key", "noise", "192.0.2.1", "7"),
        derive_reference("key", "noise", "192.0.2.1", "8"),
        derive_reference("key", "noise", "192.0.2.17", ""),
        derive_reference("key", "noise192.0.2.1", "7"),
        reference,
    }
    assert len(others) == 5
