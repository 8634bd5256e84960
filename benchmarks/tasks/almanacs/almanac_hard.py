"""The hard almanac: ten levels about a bigger world, held out as a whole, with clean twins.

Each question of H8 and H9 has a twin, the same in articles without the order and the failure, so
that what these cost can be told from how hard the question is. An instruction follows each
question, but in `bare`, for planners that were trained in this world with bare questions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.almanac.hard import SETTINGS, HardQuestion, HardWorld, questions
from benchmarks.almanac.hard.templates import LEVELS
from benchmarks.almanac.jsonl import row
from benchmarks.items.item import Benchmark, Item, Part, Row
from benchmarks.items.wording import format_question

NAME = "almanac-hard"
SIZE, USUAL, SEED = 1050, 350, 0
"""Questions of `full` and of `agentflow`, without twins; both hold whole rounds of the levels."""
TWINNED = ("H8", "H9")
CLEAN = "almanac-hard-clean"
INSTRUCTION = (
    "Search the encyclopedia. Answer in as few words as possible, between <answer> and </answer>; "
    "if the encyclopedia does not tell, the answer is unknown."
)


def rows() -> Sequence[Row]:
    """The rows, each twin behind its question; the same at each call and on each machine."""
    asked = questions(HardWorld(SEED), "heldout", SIZE, SEED)
    return [each for question in asked for each in _with_twin(question)]


def _with_twin(question: HardQuestion) -> list[dict[str, Any]]:
    whole = {**row(question), "hops": len(question.hops), "calls": question.calls}
    if question.level not in TWINNED:
        return [whole]
    twin = {"id": f"{question.id}-clean", "level": f"{question.level} clean", "twin": question.id}
    calls = len(question.hops) + 1
    return [whole, {**whole, **twin, "calls": calls}]


def item(row: Row) -> Item:
    """From `id`, `question`, `answer`, `level`, `hops`, `calls` and, of a twin, `twin`."""
    twin = row.get("twin", "")
    settings: Mapping[str, str] = {**SETTINGS, "corpus": CLEAN} if twin else SETTINGS
    return Item(
        id=row["id"],
        question=format_question(row["question"], INSTRUCTION),
        golds=(row["answer"],),
        level=row["level"],
        hops=row["hops"],
        calls=row["calls"],
        twin=twin,
        settings=settings,
    )


def _many(most: int) -> int:
    """Questions and twins among the first `most` questions."""
    return most + most * len(TWINNED) // len(LEVELS)


def _usual(items: Sequence[Item]) -> Sequence[Item]:
    return items[: _many(USUAL)]


def _bare(items: Sequence[Item]) -> Sequence[Item]:
    return [replace(one, question=one.question.split("\n\n")[0]) for one in _usual(items)]


BENCHMARK = Benchmark(
    name=NAME,
    title="Hard almanac",
    kind="almanac",
    hub="",
    split="heldout",
    licence="MIT",
    rule="exact",
    official=item,
    generate=rows,
    subsets={
        "agentflow": {"official": Part(_many(USUAL), _usual)},
        "full": {"official": Part(_many(SIZE), lambda items: items)},
        "bare": {"official": Part(_many(USUAL), _bare)},
    },
)
