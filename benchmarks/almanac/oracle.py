"""Two scripted planners: one that is always right, and one that only keeps the format.

Both see what a planner sees, the question and the texts of the tool results so far. The world
and the gold answer stay hidden.

    plan("Who is the mayor of the town where Olen Hale lives?", [])
    # Plan(sub_goal="find the facts", context="Olen Hale", tool="wikipedia_search")

`plan` gives the ceiling of a benchmark and the traces for a supervised comparison. `babble` gives
the warm start: well-formed steps whose choice of context and tool carries no skill.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

SubGoal = Literal["find the facts", "compute the value"]
Tool = Literal["python_coder", "wikipedia_search", "base_generator"]
TOOLS: tuple[Tool, ...] = get_args(Tool)

_NAME = r"[A-Z][a-z]+ [A-Z][a-z]+"
_ANY_NAME = re.compile(rf"\b{_NAME}\b")
_HOME = re.compile(rf"({_NAME}): a \w+ from the town of ({_NAME})\.")
_POPULATION = re.compile(rf"({_NAME}): a town with mayor {_NAME} and population (\d+)\.")
_ANY_POPULATION = re.compile(r"\bpopulation (\d+)\b")
_EXPRESSION = re.compile(r"\d+ [-+*] \d+(?=\?)")
_OPERATION = re.compile(r"[-+*] \d+(?=\?)")


@dataclass(frozen=True)
class Plan:
    """One step: what to reach, the text to work on, the tool that works on it."""

    sub_goal: SubGoal
    context: str
    tool: Tool


def plan(question_text: str, results: Sequence[str]) -> Plan:
    """The right next step, whatever happened before: it reads only results about the right entity.

    Asked again after its last step, it repeats that step; a failed call is thereby tried again.

    Args:
        question_text: a question of this world, see `benchmarks.almanac.questions`.
        results: what the tools returned so far: `title: text` from wikipedia_search, a number
            from python_coder, anything else from a failed call.

    Raises:
        ValueError: the question names no entity and holds no expression.
    """
    if expression := _EXPRESSION.search(question_text):
        return _compute(expression[0])
    entity = _subject(question_text)
    if "the town where" in question_text:
        home = _facts(_HOME, results).get(entity)
        if home is None:
            return _look_up(entity)
        entity = home
    operation = _OPERATION.search(question_text)
    population = _facts(_POPULATION, results).get(entity)
    if operation and population:
        return _compute(f"{population} {operation[0]}")
    return _look_up(entity)


def contexts(question_text: str, results: Sequence[str]) -> tuple[list[str], list[str]]:
    """All that one could copy into a step, useful or not: `(entities, expressions)`.

    Entities stand in the question and in the results. An expression stands in the question, or
    is a population from a result followed by the question's operator and operand. Each occurs
    once, in the order of first sight.
    """
    seen = [question_text, *results]
    entities = [name for text in seen for name in _ANY_NAME.findall(text)]
    expressions = _EXPRESSION.findall(question_text)
    operation = _OPERATION.search(question_text)
    if operation and not expressions:
        populations = [number for text in results for number in _ANY_POPULATION.findall(text)]
        expressions = [f"{number} {operation[0]}" for number in populations]
    return list(dict.fromkeys(entities)), list(dict.fromkeys(expressions))


def babble(rng: random.Random, question_text: str, results: Sequence[str]) -> Plan:
    """A well-formed step without skill: any context, and independently any tool, uniformly.

    Where both are in sight, entity or expression is drawn first, evenly: copying a number out of a
    result is the rarest and hardest thing to learn from these steps.

    Raises:
        ValueError: the question names no entity and holds no expression.
    """
    entities, expressions = contexts(question_text, results)
    if not entities and not expressions:
        raise _foreign(question_text)
    context = rng.choice(rng.choice([kind for kind in (entities, expressions) if kind]))
    sub_goal: SubGoal = "compute the value" if context in expressions else "find the facts"
    return Plan(sub_goal, context, rng.choice(TOOLS))


def _compute(expression: str) -> Plan:
    return Plan("compute the value", expression, "python_coder")


def _look_up(entity: str) -> Plan:
    return Plan("find the facts", entity, "wikipedia_search")


def _subject(question_text: str) -> str:
    name = _ANY_NAME.search(question_text)
    if name is None:
        raise _foreign(question_text)
    return name[0]


def _facts(pattern: re.Pattern[str], results: Sequence[str]) -> dict[str, str]:
    """What the results tell about each entity, read with a two-group (entity, value) pattern."""
    return {found[1]: found[2] for text in results for found in pattern.finditer(text)}


def _foreign(question_text: str) -> ValueError:
    return ValueError(
        f"question {question_text!r} names no entity and holds no expression: "
        "the scripted planners only know questions from benchmarks.almanac.questions"
    )
