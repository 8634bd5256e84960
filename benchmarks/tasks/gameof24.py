"""Game of 24: four numbers, each used once, +, -, *, / and parentheses, to make 24.

Any valid expression is right; the golds are examples of one. The paper's 100 are the first in
alphabetical order and so among the easiest; `tot-900-1000` are the 100 of Tree of Thoughts (Yao et
al., 2023), ranks 901 to 1000 by people's time on 4nums.com.
"""

import re
from fractions import Fraction
from itertools import permutations

from benchmarks.items.item import Benchmark, Item, Row, reported
from benchmarks.items.rows import first as field
from benchmarks.items.subsets import by_fingerprint, everything, first
from benchmarks.items.wording import EXPRESSION, fingerprint, format_question
from benchmarks.scoring.scorers import game24

NAME = "gameof24"
RULES = (
    "Make 24 from the numbers {numbers}. Use each of the four numbers exactly once, and of "
    "operations only +, -, *, / and parentheses."
)


def item(row: Row) -> Item:
    """From lists of numbers (`question`, `answer`; `numbers`, `solutions`) or the text `Puzzles`.

    The last is the table of Tree of Thoughts; it has no solutions, so one is worked out here.
    """
    given = field(row, "numbers", "question", "Puzzles")
    numbers = sorted(int(number) for number in re.findall(r"\d+", str(given)))
    if len(numbers) != 4:
        raise ValueError(f"{given!r} are not four numbers")
    solutions = row.get("solutions") or row.get("answer") or [solution(numbers)]
    return Item(
        id=f"{NAME}-{fingerprint(' '.join(map(str, numbers)))}",
        question=format_question(RULES.format(numbers=", ".join(map(str, numbers))), EXPRESSION),
        golds=tuple(map(str, solutions)),
        numbers=tuple(numbers),
    )


def solution(numbers: list[int]) -> str:
    """An expression of 24.

    Raises:
        ValueError: there is none.
    """
    found = _search([(Fraction(number), str(number)) for number in numbers])
    if found is None:
        raise ValueError(f"{numbers} cannot make 24")
    return found


def _search(terms: list[tuple[Fraction, str]]) -> str | None:
    if len(terms) == 1:
        return terms[0][1] if terms[0][0] == 24 else None
    for i, j in permutations(range(len(terms)), 2):
        rest = [term for place, term in enumerate(terms) if place not in (i, j)]
        for joined in _joined(*terms[i], *terms[j]):
            if (found := _search([*rest, joined])) is not None:
                return found
    return None


def _joined(a: Fraction, left: str, b: Fraction, right: str) -> list[tuple[Fraction, str]]:
    joined = [
        (a + b, f"({left} + {right})"),
        (a - b, f"({left} - {right})"),
        (a * b, f"({left} * {right})"),
    ]
    return [*joined, (a / b, f"({left} / {right})")] if b else joined


BENCHMARK = Benchmark(
    name=NAME,
    title="Game of 24",
    kind="math",
    hub="nlile/24-game",
    split="train",
    licence="Apache-2.0; table of Tree of Thoughts MIT",
    rule="game24",
    original=item,
    official=item,
    files=("24",),
    rule_of=lambda item, reply: game24(item.numbers, reply),
    subsets={
        "agentflow": {"original": first(100), "official": by_fingerprint(NAME, "agentflow")},
        "full": {"official": everything(1_362), "original": everything(300)},
        "tot-900-1000": {"official": by_fingerprint(NAME, "tot-900-1000")},
    },
    sha256="ffb0c95018ba400931f2940a2dabae666f1ed6d0383beadd969f0447869a14ff",
    paper=reported(33.0, 32.0, 24.0, 31.0, 53.0),
)
