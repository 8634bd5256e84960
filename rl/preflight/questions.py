"""The questions: every row readable, enough of them, none shared by training and evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agentflow_graph.errors import SettingError
from benchmarks.report.table import shorten
from benchmarks.worlds import WORLDS
from rl.preflight.planner import Planner
from rl.questions import data
from rl.questions.survey import Survey, list_counts
from rl.settings.config import Config
from rl.settings.measures import HELDOUT
from tools.outcomes.finding import Finding, failure, ok, warning


def questions(config: Config, known: Planner) -> Iterator[Finding]:
    """Findings about each file, or a generated world in its place; notes a long question."""
    surveys: dict[str, Survey] = {}
    for part, given in _given(config):
        try:
            survey = surveys[part] = _survey(config, part, given)
        except SettingError as error:
            yield failure(part, str(error), f"correct {part}")
            continue
        yield from _faults(part, given, survey)
    if train := surveys.pop("data.train", None):
        known.question = max((task.question for task in train.first), key=len, default="")
        yield from _use(config, train, surveys)


def _given(config: Config) -> Iterator[tuple[str, str]]:
    """Name of the setting and what it is, of the training questions and of each set."""
    yield "data.train", config.data.train
    for name, one in config.sets.items():
        yield _setting(name), one.questions


def _setting(name: str) -> str:
    return "data.heldout" if name == HELDOUT else f"evaluation.sets.{name}"


def _survey(config: Config, part: str, given: str) -> Survey:
    one = next((one for name, one in config.sets.items() if _setting(name) == part), None)
    if given not in WORLDS and not (one and one.skip):
        return Survey.of(Path(given))
    survey = Survey()
    for task in data.heldout(config, one) if one else data.training(config):
        survey.count(task)
    return survey


def _faults(part: str, given: str, survey: Survey) -> Iterator[Finding]:
    if survey.wrong:
        text = f"{survey.wrong:,} of {survey.rows + survey.wrong:,} rows cannot be used: "
        yield failure(part, text + "; ".join(map(str, survey.faults)), "mend or leave them out")
        return
    if not survey.rows:
        yield failure(part, f"{given} has no questions", f"name another file in {part}")
        return
    first = survey.first[0]
    yield ok(
        part,
        f"{given}: {survey.rows:,} questions, scorers: {list_counts(survey.scorers)}, "
        f"levels: {list_counts(survey.levels, 6)}; "
        f"first: {shorten(first.question, 60)!r} -> {shorten(first.answers[0], 30)!r}",
    )
    if survey.repeated and given not in WORLDS:
        text = f"{survey.repeated:,} rows ask what another row asks"
        yield warning(part, text, "leave repeated questions out, or accept their weight")


def _use(config: Config, train: Survey, sets: dict[str, Survey]) -> Iterator[Finding]:
    for part, survey in sets.items():
        if shared := len(train.asked & survey.asked):
            text = f"{shared:,} questions are in both files, of data.train and {part}"
            remedy = "success on them shows nothing: take them out of one of the two"
            yield failure("data", text, remedy)
    needed = config.steps * config.rollout.questions
    if config.data.train not in WORLDS and train.rows:
        passes = f"{needed:,} questions in {config.steps} steps: {needed / train.rows:.2f} passes"
        yield ok("data", f"{passes} over data.train")
    for name, one in config.sets.items():
        rows = sets[_setting(name)].rows if _setting(name) in sets else 0
        if 0 < rows < one.n:
            text = f"{_setting(name)} has {rows:,} questions, and {one.n:,} are wanted"
            yield warning("data", text, "the interval of success will be wider: add questions")
    yield from _chosen(config, sets)


def _chosen(config: Config, sets: dict[str, Survey]) -> Iterator[Finding]:
    """Whether the set that chooses is apart from those that are reported."""
    own, evaluation = _setting(config.evaluation.choose), config.evaluation
    if own == "data.heldout" or own not in sets or not (evaluation.best or evaluation.patience):
        return
    for part, survey in sets.items():
        if part != own and (shared := len(sets[own].asked & survey.asked)):
            text = f"{shared:,} questions of {own}, which chooses the best, are in {part} too"
            yield warning("data", text, "leave them out of one of the two")
