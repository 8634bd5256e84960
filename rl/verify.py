"""Verify a finished run: `python -m rl verify RUN`.

Reads what a deterministic run left, and nothing else: no engine, no sampling, no network. It holds
every recorded event to the run's ledger, grades every run anew, computes the log-probability of
every recorded reply under the weights that it says it is of, makes every update again from the
first weights on, and compares the published weights to the last bit. docs/verify.md says what that
proves and what not. Nothing is written.

Exit codes: 0 equal, 1 something differs and is named, 2 the run cannot be verified.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import guard_output
from rl.run.quiet import noise_to, without_gpu
from rl.run.saved.claims import claims
from rl.settings.config import Config, load
from rl.settings.errors import exit_code

if TYPE_CHECKING:
    from rl.adapter.verifying.verification import Proof

SURROUNDINGS = {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1",
}
"""Of the libraries: no network, one thread as in a deterministic run, no progress bars."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(
        prog="python -m rl verify", description="Train a run again on its record, and compare."
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a finished run")
    where = "folder of the planner that it began from, if it lies elsewhere now"
    parser.add_argument("--planner", default="", metavar="DIR", help=where)
    trust = "call the reward function that the run names"
    parser.add_argument("--trust", action="store_true", help=trust)
    chosen = parser.parse_args(arguments)
    return exit_code(
        lambda: verify(chosen.run, chosen.planner, chosen.trust), "nothing was written"
    )


def verify(folder: Path, planner: str = "", trusted: bool = False) -> Proof:
    """Verify the run in `folder`; prints a line a step and what was proved.

    Args:
        folder: of the run.
        planner: folder of the planner that it began from; empty: as the run says.
        trusted: the reward function that the run names may be imported.

    Raises:
        SettingError: the run cannot be verified, and why.
        Differs: naming the first step, run and token that differ.
    """
    if not (folder / "config.yaml").exists():
        raise SettingError(f"{folder} has no config.yaml: it is no run; name the folder of one")
    config = _at(load(folder / "config.yaml", [f"run={folder}"]), planner)
    lines = claims(config)
    _check_planner(Path(config.model.path))
    os.environ |= SURROUNDINGS
    without_gpu()
    begun = time.time()
    with tempfile.TemporaryDirectory() as aside, noise_to(Path(aside) / "log.txt") as screen:
        from rl.adapter.verifying.verification import Verification

        def say(text: str) -> None:
            print(f"[{time.time() - begun:6.1f} s] {text}", file=screen, flush=True)

        proof = Verification(config, lines, trusted, say).run()
    print("\n".join(_told(proof, config, lines[-1]["chain"])))
    return proof


def _at(config: Config, planner: str) -> Config:
    model = config.model.model_copy(update={"path": planner or config.model.path})
    return config.model_copy(update={"model": model})


def _check_planner(folder: Path) -> None:
    """Raise SettingError where there is no planner."""
    if not (folder / "config.json").exists():
        raise SettingError(
            f"{folder}, the planner that the run began from, has no config.json; name its folder "
            "with --planner"
        )


def _told(proof: Proof, config: Config, chain: str) -> Iterator[str]:
    """What was proved and what not, for a person."""
    yield (
        f"proved: {proof.events:,} recorded events are those of the ledger; {proof.graded:,} "
        f"rewards are what grading gives; {proof.replies:,} replies of the planner are of the "
        f"weights they say, log-probabilities within {proof.gap:.1e}"
    )
    names = " and ".join(proof.published)
    if proof.exact:
        yield (
            f"proved: {proof.steps} steps from the first weights on end in the published weights "
            f"({names}), each of them to the last bit"
        )
    else:
        apart = ", ".join(f"{name} {share:.1e}" for name, share in proof.apart.items())
        yield (
            f"not proved: the last bit. The run was made on another processor or with other "
            f"packages ({proof.made}); {proof.equal} of {proof.steps} steps end in the same bits"
        )
        yield (
            "proved: the published weights are apart from those found here by so small a share "
            f"of the way that training moved them: {apart}"
        )
    if proof.taken:
        yield (
            f"not proved: {proof.taken:,} rewards by {', '.join(config.reward.functions)} were "
            "taken from the record; --trust imports it and grades anew"
        )
    for judge in dict.fromkeys(config.reward.judges.values()):
        yield f"not proved: that {judge} gave the verdicts on record"
    yield "not proved: that replies were drawn and not chosen, and what tools answered"
    how = "equal" if proof.exact else "equal within a tolerance"
    yield f"{how}; the ledger ends in {chain}"


if __name__ == "__main__":
    sys.exit(main())
