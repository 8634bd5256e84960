"""The questions: every row readable, enough of them, none shared by training and evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agentflow_graph.errors import SettingError
from benchmarks.worlds import WORLDS
from rl.preflight.planner import Planner
from rl.questions import data
from rl.questions.survey import Survey, list_counts
from rl.settings.config import Config
from tools.outcomes.finding import Finding, failure, ok, warning


def questions(config: Config, known: Planner) -> Iterator[Finding]:
    """Findings about both files, or a generated world in their places; notes a long question."""
    surveys: list[Survey] = []
    for part, given in (("train", config.data.train), ("heldout", config.data.heldout)):
        try:
            survey = _survey(config, part, given)
        except SettingError as error:
            yield failure(f"data.{part}", str(error), f"correct data.{part}")
            continue
        surveys.append(survey)
        yield from _faults(f"data.{part}", given, survey)
    if len(surveys) == 2:
        known.question = max((task.question for task in surveys[0].first), key=len, default="")
        yield from _use(config, *surveys)


def _survey(config: Config, part: str, given: str) -> Survey:
    if given not in WORLDS:
        return Survey.of(Path(given))
    survey = Survey()
    for task in data.training(config) if part == "train" else data.heldout(config):
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
        f"first: {first.question[:60]!r} -> {first.answers[0][:30]!r}",
    )
    if survey.repeated and given not in WORLDS:
        text = f"{survey.repeated:,} rows ask what another row asks"
        yield warning(part, text, "leave repeated questions out, or accept their weight")


def _use(config: Config, train: Survey, heldout: Survey) -> Iterator[Finding]:
    shared = len(train.asked & heldout.asked)
    if shared:
        text = f"{shared:,} questions are in both files: success on them shows nothing"
        yield failure("data", text, "take them out of one of the two")
    needed = config.steps * config.rollout.questions
    if config.data.train not in WORLDS and train.rows:
        passes = f"{needed:,} questions in {config.steps} steps: {needed / train.rows:.2f} passes"
        yield ok("data", f"{passes} over data.train")
    if 0 < heldout.rows < config.data.heldout_n:
        text = f"data.heldout has {heldout.rows:,} questions, heldout_n={config.data.heldout_n:,}"
        yield warning("data", text, "the interval of held-out success will be wider: add questions")
