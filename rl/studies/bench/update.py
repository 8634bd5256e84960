"""Training tokens per second: `python -m rl bench-update` prints a table and one line of JSON.

The policy step of this project over stock OpenRLHF's (its own actor, experience maker and PPO
trainer) and over TRL's GRPOTrainer, on the same turn rows, model, batch sizes and threads:

* `full`: rows that fill every optimizer step, so that nothing is padded with blank rows;
* `ragged`: a tenth fewer for us, blank rows in their place; stock keeps its full ones.

Counted are the tokens of real rows, without padding. Starting the processes is not in the time;
rounds of the three alternate, and medians count. TRL's generation is left out: its trainer is
handed the rows where it would have generated them, and computes old and reference log-probabilities
of them as it always does. Ours and stock also pass rows between processes, TRL is one process.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

from agentflow_graph.models.strings import NANO
from rl.rollout import Trajectory
from rl.settings.config import Config
from rl.studies.bench.rows import rollouts, tokens

ROWS, BATCH, GROUP = 256, 64, 8
RAGGED = 230
WARM = 2
"""Rounds before those that count."""


def configuration(run: Path) -> Config:
    """The nano run's, on one thread each."""
    return Config.model_validate(
        {
            "run": run,
            "model": {"path": str(NANO)},
            "rollout": {"group_size": GROUP, "window": 512, "reply_tokens": 32},
            "optimizer": {"batch_rows": BATCH, "micro_batch": BATCH, "lr": 1e-6, "threads": 1},
        }
    )


def tokens_per_second(step: Callable[[list[Trajectory]], object], given: list[Trajectory]) -> float:
    """Real tokens per second of one step."""
    begun = time.perf_counter()
    step(given)
    return tokens(given) / (time.perf_counter() - begun)


def measure(rounds: int, folder: Path) -> dict[str, float]:
    """Median tokens per second of each contender."""
    from rl.adapter.update.contenders import Contenders

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="TRL currently supports vLLM")
        from rl.studies.bench.grpo import Grpo

    contenders = Contenders(configuration(folder / "run"))
    full, ragged = rollouts(ROWS, GROUP, 0), rollouts(RAGGED, GROUP, 0)
    rates: dict[str, list[float]] = {"ours": [], "ours ragged": [], "stock": [], "trl": []}

    def others(number: int, trl: float) -> None:
        found = {
            "ours": tokens_per_second(contenders.ours, full),
            "stock": tokens_per_second(contenders.stock, full),
            "ours ragged": tokens_per_second(contenders.ours, ragged),
            "trl": trl,
        }
        if number >= WARM:
            for name, rate in found.items():
                rates[name].append(rate)

    try:
        Grpo(full, NANO, folder / "trl", BATCH, rounds + WARM).run(others)
    finally:
        contenders.close()
    return {name: median(found) for name, found in rates.items()}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rates = measure(chosen.rounds, Path(folder))
    for name, rate in rates.items():
        print(f"{name:12} {rate:10,.0f} tokens/s")
    ratios = {
        "over_stock": rates["ours"] / rates["stock"],
        "over_stock_ragged": rates["ours ragged"] / rates["stock"],
        "over_trl": rates["ours"] / rates["trl"],
    }
    print(f"over stock {ratios['over_stock']:.2f} (target 1.00), ", end="")
    print(f"ragged {ratios['over_stock_ragged']:.2f}; over TRL {ratios['over_trl']:.2f}")
    print(json.dumps({"tokens_per_second": rates, **ratios, "rounds": chosen.rounds}))


if __name__ == "__main__":
    main()
