"""Every verb of training, a line each: `python -m rl`, and `python -m rl VERB ...` to start one."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from importlib.util import find_spec

from agentflow_graph.errors.outside import guard_output
from rl.settings.errors import EXTRA
from tools.outcomes.extras import explained
from tools.outcomes.interrupts import ended

VERBS = {
    "demo": ("rl.demo", "make a planner from nothing, train it, ask it one question"),
    "real": ("rl.real", "train a real language model, SmolLM2-135M, and ask it one question"),
    "train": ("rl.train", "train a planner in the live graph, or resume a run"),
    "settings": ("rl.settings.table", "print every setting of training, as docs/settings.md"),
    "report": ("rl.report", "write a run's report again"),
    "verify": ("rl.verify", "train a finished run again on its record, and compare"),
    "export": ("rl.run.export", "make a run's planner ready to be published"),
    "serve": ("rl.serve", "serve a planner, or what a run trained, with vLLM"),
    "evaluate": ("rl.evaluate", "measure a planner on held-out questions"),
    "data": ("rl.questions.cli", "build and check question sets"),
    "weights": ("rl.planners.weights", "fetch or convert a real language model's weights"),
    "warmstart": ("rl.planners.warmstart", "make a nano planner by supervised steps"),
    "formatstart": ("rl.planners.formatstart", "teach a language model the planner's format"),
    "modulestart": ("rl.planners.modulestart", "teach one the formats of the other modules"),
    "traces": ("rl.planners.traces", "let a planner or its teacher play, and keep the runs"),
    "sft": ("rl.planners.sft", "train a planner on the runs of others"),
    "score": ("rl.run.rescore", "score recorded runs with another reward"),
    "ablations": ("rl.studies.ablations", "compare ways to train over several seeds"),
    "killing": ("rl.studies.killing", "kill a training run at random moments and compare"),
    "gpu-check": ("rl.studies.gpu_check", "check a GPU machine before a long run"),
    "prefix-check": ("rl.prefix.check", "hold shared prefixes against padded rows"),
    "bench-update": ("rl.studies.bench.update", "time the update against other trainers"),
    "bench-pools": ("rl.studies.bench.pools", "simulate a step at 7B with pools of servers"),
    "bench-memory": ("rl.studies.bench.memory", "watch the memory of a long training"),
}
"""Module and line of help by verb."""


def main(arguments: list[str] | None = None) -> int:
    """Start a verb, or list them; returns the exit code."""
    guard_output()
    verb, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if verb in ("-h", "--help"):
        print("usage: python -m rl VERB ...\n")
        print("\n".join(f"  {name:14}{text}" for name, (_, text) in VERBS.items()))
        print("\n`python -m rl VERB --help` explains one.")
        return 0
    if verb not in VERBS:
        print(f"error: no verb {verb!r}; choose among {', '.join(VERBS)}", file=sys.stderr)
        return 2
    sys.argv = [f"python -m rl {verb}", *rest]
    return ended(partial(_run, VERBS[verb][0]))


def _run(module: str) -> int:
    try:
        # Imported, not run as __main__: pydantic finds the names of its models in their module.
        found = find_spec(module)
        package = found is not None and found.submodule_search_locations is not None
        begin = import_module(f"{module}.__main__" if package else module).main
    except ModuleNotFoundError as error:
        print(f"error: {explained(error, EXTRA)}", file=sys.stderr)
        return 2
    return begin() or 0


if __name__ == "__main__":
    sys.exit(main())
