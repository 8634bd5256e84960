"""A run as inspect_ai sees it: each benchmark a task, each item a sample, each trial an epoch.

inspect gives the parallel work, the limits of its own, the log and the viewer. The solver calls the
graph directly, not through inspect's bridge, and tells the finished state as spans: planner,
executor and verifier of each turn, then the generator. A missing trial is a wrong one, here as in
the report, and says so. Beside the bench, nothing else of this package imports inspect_ai; it takes
a second to load, and it is an extra.
"""

from __future__ import annotations

import gc
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import orjson
from inspect_ai import Epochs, Task, eval_async
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import EvalLog, transcript
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import display_type, span

from benchmarks.errors import RunStopped, TrialFailed
from benchmarks.items.item import Item
from benchmarks.runner.names import models_of
from benchmarks.runner.store.folder import Folder, Request
from benchmarks.runner.store.records import Key
from benchmarks.runner.trials import FinalState, Outcome

LIGHT: dict[str, Any] = {
    "log_format": "eval",
    "log_realtime": False,
    "log_buffer": 100,
    "score_display": False,
    "ctl_server": False,
}
"""The record keeps what is finished, so inspect need not write after every event, nor reckon
accuracy after every sample: that took most of its time (inspect_ai issue 3173)."""


class Run(Protocol):
    """Where the outcome of a trial comes from: a run of the graph, or the record alone."""

    async def outcome(self, key: Key) -> Outcome:
        """The trial; raises TrialFailed or RunStopped where it has no score."""
        ...

    def pop_outcome(self, key: Key) -> Outcome:
        """What `outcome` gave; kept until it is taken, once."""
        ...


async def evaluate(
    folder: Folder,
    request: Request,
    items: Mapping[str, Mapping[str, Item]],
    trials: Run,
    scoring: int = 0,
) -> list[EvalLog]:
    """Run every trial under inspect; logs go to `folder.logs`."""
    named = models_of(request)
    tasks = [task_of(name, own, request.trials, trials) for name, own in items.items()]
    with kept_in(folder.state), young_garbage():
        display_type()  # read now, from the environment: else inspect draws plain text
        return await eval_async(
            tasks,
            model=named.get("planner") or named["generator"],
            model_roles=dict(named),
            log_dir=str(folder.logs),
            max_tasks=len(tasks),
            max_samples=request.concurrency,
            fail_on_error=False,
            **LIGHT,
            tags=[request.name],
            metadata={
                "subsets": request.subsets,
                "settings": request.settings,
                "baseline": request.baseline,
                "as_is": request.as_is,
                "scoring": scoring,
            },
        )


def task_of(name: str, items: Mapping[str, Item], trials: int, run: Run) -> Task:
    """One benchmark as inspect's task."""
    samples = [
        Sample(
            id=item.id,
            input=item.question,
            target=list(item.golds),
            metadata={"level": item.level} if item.level else None,
        )
        for item in items.values()
    ]
    return Task(
        name=name,
        dataset=MemoryDataset(samples, name=name),
        solver=solver_of(name, run),
        scorer=scorer_of(name, run),
        epochs=Epochs(trials, "mean"),
    )


def solver_of(task: str, run: Run) -> Solver:
    """A solver that asks `run` for the outcome of its sample."""

    @solver
    def agentflow() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            try:
                outcome = await run.outcome(Key(task, str(state.sample_id), state.epoch))
            except (TrialFailed, RunStopped) as error:
                state.metadata["missing"] = str(viewable(str(error)))
                return state
            shown = viewable(outcome.state)
            await log_to_transcript(shown)
            state.output = ModelOutput.from_content("agentflow", str(shown["answer"]))
            return state

        return solve

    return agentflow()


def scorer_of(task: str, run: Run) -> Scorer:
    """A scorer that gives the recorded mark; inspect reckons nothing anew.

    The finished state goes into the sample's metadata as one text of JSON, and here: inspect walks
    through structures several times, and compares two copies of everything around a solver.
    """

    @scorer(metrics=[accuracy(), stderr()])
    def recorded() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:
            if missing := state.metadata.get("missing"):
                why = f"missing, counts as wrong: {missing}"
                return Score(value=0.0, explanation=why, metadata={"missing": True})
            outcome = run.pop_outcome(Key(task, str(state.sample_id), state.epoch))
            state.metadata["agentflow"] = json.dumps(viewable(outcome.state), default=str)
            mark = viewable(outcome.mark)
            return Score(
                value=mark["value"],
                answer=mark["answer"],
                explanation=mark["reason"] or None,
                metadata={name: mark[name] for name in ("rule", "by", "judge", "f1")},
            )

        return score

    return recorded()


async def log_to_transcript(state: FinalState) -> None:
    """The finished state as spans and info events of the current sample."""
    log = transcript()
    if state["analysis"]:
        async with span("analysis", type="agentflow"):
            log.info(state["analysis"], source="analysis")
    for turn in state["turns"]:
        number = turn["index"]
        async with span(f"planner {number}", type="agentflow"):
            log.info({name: turn[name] for name in PLAN if name in turn}, source="planner")
        async with span(f"executor {number}", type="agentflow"):
            for call in turn["calls"]:
                log.info(call, source="executor")
        async with span(f"verifier {number}", type="agentflow"):
            log.info(turn.get("verdict"), source="verifier")
    async with span("generator", type="agentflow"):
        names = ("outputs", "answer", "stopped_by", "usage", "seconds")
        log.info({name: state[name] for name in names}, source="generator")


PLAN = ("justification", "context", "sub_goal", "tool", "error", "planner")


def viewable(value: Any) -> Any:
    """Plain data in whole text: a lone surrogate, which a model can write, ends inspect's log."""
    try:
        orjson.dumps(value)
    except TypeError:
        return _replaced(value)
    return value


def _replaced(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(_replaced(k)): _replaced(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_replaced(one) for one in value]
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


@contextmanager
def young_garbage() -> Iterator[None]:
    """Spare the collector the half million objects that are there already and stay.

    Else it walks through them again and again: a fifth of the runner's time.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def kept_in(state: Path) -> Iterator[None]:
    """What inspect writes beside its logs goes into `state`, and nothing is drawn on the screen."""
    ours = {
        "XDG_DATA_HOME": str(state.absolute()),
        "INSPECT_DISPLAY": "none",
        "INSPECT_TELEMETRY": "",
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    for handler in logging.getLogger().handlers:  # inspect lets every logger speak, to record it
        handler.setLevel(max(handler.level, logging.WARNING))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
