"""The table of attacks and the tests that stand for them, held together both ways."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.attack_cases import CASES
from tests.attack_decisions import DECIDED_OTHERWISE, NOT_APPLICABLE

TESTS = Path(__file__).resolve().parents[1]


def find_marks(tree: ast.AST) -> Iterator[ast.Call]:
    """Every ``pytest.mark.case(…)`` in a module, also inside ``pytest.param(marks=…)``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.case":
            yield node


def read_numbers(mark: ast.Call) -> list[int]:
    """The numbers of one mark, which must be plain integers."""
    numbers = [ast.literal_eval(argument) for argument in mark.args]
    assert numbers and all(type(number) is int for number in numbers), ast.unparse(mark)
    return numbers


def find_tagged() -> dict[int, list[str]]:
    """The places that stand for each number."""
    tagged: dict[int, list[str]] = {}
    for path in sorted(TESTS.rglob("*.py")):
        for mark in find_marks(ast.parse(path.read_text())):
            for number in read_numbers(mark):
                place = f"{path.relative_to(TESTS)}:{mark.lineno}"
                tagged.setdefault(number, []).append(place)
    return tagged


def describe(numbers: set[int]) -> str:
    """The numbers with their sentences, one to a line."""
    lines = []
    for number in sorted(numbers):
        priority, sentence = CASES.get(number, (None, "not in the table"))
        lines.append(f"  {number} (P{priority}) {sentence}")
    return "\n".join(lines)


def test_every_urgent_attack_has_a_test_or_a_reason() -> None:
    urgent = {number for number, (priority, _) in CASES.items() if priority < 2}
    missing = urgent - set(find_tagged()) - set(NOT_APPLICABLE)
    assert not missing, f"no test stands for:\n{describe(missing)}"


def test_no_test_stands_for_an_attack_that_is_not_in_the_table() -> None:
    tagged = find_tagged()
    unknown = {number: tagged[number] for number in set(tagged) - set(CASES)}
    assert not unknown, f"numbers without a sentence: {unknown}"


def test_no_attack_is_both_tested_and_said_to_be_impossible() -> None:
    tagged = find_tagged()
    both = set(tagged) & set(NOT_APPLICABLE)
    assert not both, f"tested, so the reason is not true any more:\n{describe(both)}"
    unknown = (set(NOT_APPLICABLE) | set(DECIDED_OTHERWISE)) - set(CASES)
    assert not unknown, describe(unknown)


def test_what_was_decided_otherwise_is_tested_all_the_same() -> None:
    untested = set(DECIDED_OTHERWISE) - set(find_tagged())
    assert not untested, describe(untested)


def test_sentences_and_reasons_are_sentences() -> None:
    sentences = [sentence for _, sentence in CASES.values()]
    sentences += [*NOT_APPLICABLE.values(), *DECIDED_OTHERWISE.values()]
    assert [text for text in sentences if not text.endswith(".") or len(text) < 15] == []
    assert len(set(sentences)) == len(sentences)
