"""Every guard that a mutant takes away still is where the table says, and so are its tests."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.attack_cases import CASES
from tests.mutants.mutant import ROOT, Mutant
from tests.mutants.table import MUTANTS, WITHOUT_A_GUARD


@cache
def list_functions(path: Path) -> frozenset[str]:
    """The names of a module's functions."""
    tree = ast.parse(path.read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("each", MUTANTS, ids=lambda each: f"{each.cases[0]} {each.file}")
def test_the_guard_and_its_tests_are_where_the_table_says(each: Mutant) -> None:
    mutated = each.mutate(ROOT)
    if each.file.endswith(".py"):
        ast.parse(mutated)
    assert each.tests
    for test in each.tests:
        file, _, name = test.partition("::")
        assert name in list_functions(ROOT / "tests" / file), test


def test_mutants_speak_of_attacks_in_the_table() -> None:
    numbers = {number for each in MUTANTS for number in each.cases} | set(WITHOUT_A_GUARD)
    assert numbers <= set(CASES)
