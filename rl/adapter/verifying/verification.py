"""A run held to its record: each event, reward, reply and update, in the order of the training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from agentflow_graph.errors import SettingError
from agentflow_graph.models.tokens.weights import trained_under
from agentflow_graph.record.artifacts import interpreting
from rl.adapter.stack.cpu import made_on
from rl.adapter.verifying.replies import TOLERANCE, gaps, replies_of
from rl.adapter.verifying.retraining import Retraining
from rl.adapter.verifying.rollouts import RecordedSamples
from rl.adapter.verifying.weights import NEAR, distance, hold_equal, published
from rl.rollout import FINISHED, Trajectory
from rl.run.folder import records
from rl.run.saved import exports
from rl.run.saved.claims import batch_of, missing, told
from rl.run.saved.fingerprints import Change, Seen, changes, seen_in
from rl.run.saved.grades import recalled, unlike
from rl.run.saved.ledger import Line, digest_of_weights
from rl.run.scoring import of_set, outcome, success
from rl.settings.config import Config
from rl.settings.errors import Differs
from rl.settings.measures import HELDOUT

SHOWN = 3
"""Differences that are told, of runs and of events in each."""


@dataclass
class Proof:
    """What was found so far."""

    exact: bool
    """Whether weights are compared to the last bit: same kind of processor, same packages."""
    made: str
    """Where they are not: on what the run was made."""
    steps: int = 0
    events: int = 0
    graded: int = 0
    taken: int = 0
    """Rewards that were not graded anew but taken from the record."""
    replies: int = 0
    gap: float = 0.0
    """Largest of a log-probability between engine and trainer."""
    equal: int = 0
    """Updates whose weights are those of the training to the last bit."""
    apart: dict[str, float] = field(default_factory=dict)
    """Where not exact: distance of published weights, by folder."""
    published: list[str] = field(default_factory=list)


class Verification:
    """Goes through the lines of a ledger.

    Args:
        config: of the run, with the planner that it began from.
        lines: of its ledger.
        trusted: a reward that is a function may be imported and called.
        say: takes a line about each step.
    """

    def __init__(
        self, config: Config, lines: Sequence[Line], trusted: bool, say: Callable[[str], None]
    ) -> None:
        self._config, self._lines, self._say = config, lines, say
        if lost := list(missing(config.run, list(lines))):
            raise SettingError(f"{config.run}/record lacks {', '.join(lost[:3])}; put it back")
        self._reward = recalled(config.reward, trusted)
        self._training = Retraining(config)
        self._samples = RecordedSamples(self._training.strategy, config)
        self._bound = TOLERANCE[config.model.dtype]
        self._metrics = records(config.run / "metrics.jsonl")
        begun, here = lines[0], made_on()
        same = all(begun[name] == here[name] for name in here)
        what = [begun["processor"], *(f"{n} {v}" for n, v in sorted(begun["versions"].items()))]
        self.proof = Proof(same, ", ".join(what))
        self._begun: dict[str, Tensor] = {}

    def run(self) -> Proof:
        """Verify all of it.

        Raises:
            Differs: naming the first step, run and token that differ.
            SettingError: something that is needed is not there, or damaged.
        """
        self._hold_beginning()
        for line in self._lines[1:]:
            with interpreting(self._config.run, "put the run's own files back"):
                self._part(line)
        self._hold_published("model", self.proof.steps)
        if (self._config.run / "best").exists() and "best" not in self.proof.published:
            raise Differs("best: the step that it says it is of is none of the run")
        return self.proof

    def _weights(self) -> dict[str, Tensor]:
        found: dict[str, Tensor] = self._training.policy.weights()
        return found

    def _hold_beginning(self) -> None:
        wanted, found = self._lines[0]["weights"], self._training.policy.digests()
        if apart := sorted(n for n in {*wanted, *found} if wanted.get(n) != found.get(n)):
            raise Differs(
                f"beginning: {apart[0]} of {self._config.model.path} is not the weight that the "
                f"run began with ({len(apart)} of {len(wanted)} differ)"
            )
        if not self.proof.exact:
            self._begun = self._weights()
        self._hold_best(0)

    def _part(self, line: Line) -> None:
        batch, step = batch_of(line), line["step"]
        seen = seen_in(self._config.run / "record" / batch)
        self._samples.recorded.open(batch)
        heat = line.get("temperature", self._config.rollout.temperature)
        self._hold_events(line, seen, heat)
        self._hold_replies(line, heat)
        if line["kind"] == "evaluation":
            runs = self._samples.evaluate(step, heat, line.get("set", HELDOUT))
        else:
            runs = self._samples.of_step(step)
        graded = self._hold_rewards(line, runs)
        self.proof.events += sum(map(len, seen.values()))
        if line["kind"] == "step":
            self._hold_update(line, runs)
        same = ", weights the same" * (line["kind"] == "step" and self.proof.exact)
        count = sum(map(len, seen.values()))
        self._say(f"{told(line)}: {count} events, {graded} of {len(runs)} runs graded anew{same}")

    def _hold_events(self, line: Line, seen: dict[str, list[Seen]], heat: float) -> None:
        marks = line["runs"]
        wrong: list[str] = []
        for run in [*marks, *(name for name in seen if name not in marks)]:
            if found := changes(marks.get(run, ""), seen.get(run, [])):
                wrong += [f"{told(line)}: {text}" for text in self._about(run, found, heat)]
        if wrong:
            more = [f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
            raise Differs("\n  ".join(wrong[:SHOWN] + more))

    def _about(self, run: str, found: list[Change], heat: float) -> Iterator[str]:
        """The differences of a run, each with what can be said of it."""
        for change in found[:SHOWN]:
            kind = change.event["event"] if change.event else ""
            more = self._token(run, change, heat) if kind == "answered" else ""
            if kind == FINISHED and change.event:
                more = f"; it says that the reward was {change.event.get('reward')}"
            yield f"run {run}: {change.text}{more}"

    def _token(self, run: str, change: Change, heat: float) -> str:
        """Which token of a planner's answer is not of the weights, if one can be found."""
        _, turn, number, _ = change.event["call"] if change.event else ("", 0, 0, "")
        runs = self._samples.recorded.runs
        some = [r for r in replies_of([runs[run]]) if (r.turn, r.number) == (turn, number)]
        try:
            found = [gap.told(self._bound) for gap in gaps(self._training, some, heat)]
        except (LookupError, TypeError, ValueError, RuntimeError):  # whatever stands there now
            return ""
        return "; " + found[0] if found and found[0] else ""

    def _hold_replies(self, line: Line, heat: float) -> None:
        replies = replies_of(self._samples.recorded.runs.values())
        version = self._training.version
        for reply in replies:
            if (said := reply.answer["policy_version"]) != version:
                raise Differs(f"{told(line)}: {reply}: it carries version {said}, not {version}")
        found = gaps(self._training, replies, heat)
        for gap in found:
            if text := gap.told(self._bound):
                raise Differs(f"{told(line)}: {gap.reply}: {text}")
        self.proof.replies += len(replies)
        self.proof.gap = max([self.proof.gap, *(max(gap.sizes) for gap in found)])

    def _hold_rewards(self, line: Line, runs: list[Trajectory]) -> int:
        known = self._samples.recorded.known
        graded = [key for key, (event, _) in known.items() if event["grade"]]
        tasks = {run.task.id: run.task for run in runs}
        if strange := sorted({name for name, _ in known} - tasks.keys()):
            raise Differs(f"{told(line)}: question {strange[0]!r} was not to be asked here")
        for name, number in graded:
            event, run = known[name, number]
            if text := unlike(self._config.reward, self._reward, tasks[name], event, run):
                raise Differs(f"{told(line)}: run {run.name}: {text}")
        if self._reward is None:
            self.proof.taken += len(graded)
            return 0
        self.proof.graded += len(graded)
        self._hold_metrics(line, runs)
        return len(graded)

    def _hold_metrics(self, line: Line, runs: list[Trajectory]) -> None:
        wanted = {name: line[name] for name in ("kind", "step", "temperature") if name in line}
        known = of_set(self._metrics, line.get("set", HELDOUT))  # a step is of no set
        entry = next((e for e in known if wanted.items() <= e.items()), {})
        name = "reward" if line["kind"] == "step" else "success"
        mean = outcome(runs)["reward"] if line["kind"] == "step" else success(runs)
        if entry.get(name) != mean:
            raise Differs(
                f"{told(line)}: metrics.jsonl says {name} {entry.get(name)}, it is {mean}"
            )

    def _hold_update(self, line: Line, runs: list[Trajectory]) -> None:
        self._training.update(line["step"], runs)
        self.proof.steps = line["step"]
        if line["version"] != self._training.version:
            raise Differs(
                f"{told(line)}: policy version {line['version']} after it in the ledger, "
                f"{self._training.version} anew"
            )
        same = digest_of_weights(self._training.policy.digests()) == line["weights"]
        self.proof.equal += same
        if self.proof.exact and not same:
            raise Differs(
                f"{told(line)}: the weights after its update are not those of the training: what "
                f"it was made from is not what the ledger says{self._suspects()}"
            )
        self._hold_best(line["step"])

    def _suspects(self) -> str:
        """Runs whose state has fewer or more replies than were recorded."""
        names = []
        for event, run in self._samples.recorded.known.values():
            turns = (run.state or {}).get("turns", [])
            told = sum(len(turn["planner"]) for turn in turns)
            if event["event"] == FINISHED and told != (made := len(run.answers_of("planner"))):
                names.append(f"run {run.name} has {told} replies in its state and {made} on record")
        return "".join(f"; {name}" for name in names[:SHOWN])

    def _hold_best(self, step: int) -> None:
        run = self._config.run
        for folder in (run / "best", exports.folder(run, step)):
            if folder.exists() and trained_under(folder).get("steps") == step:
                self._hold_published(str(folder.relative_to(run)), step)

    def _hold_published(self, name: str, step: int) -> None:
        where = f"{name}, the weights after step {step}"
        found, wanted = published(self._config.run / name), self._weights()
        self.proof.published.append(name)
        if self.proof.exact:
            hold_equal(where, found, wanted)
            return
        apart = distance(found, wanted, self._begun)
        self.proof.apart[name] = apart
        if not apart <= NEAR:
            raise Differs(f"{where}: {apart:.1%} of the way that training moved them apart")
