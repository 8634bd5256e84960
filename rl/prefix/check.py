"""Hold shared prefixes against padded rows: `python -m rl.prefix.check --size 0.5b --device cuda`.

Says how far log-probabilities and gradients are apart, in fp32 and bf16, and how fast each form is.
Rows have the sizes of a real run: questions in some runs of some turns, all with the same rules and
tool cards. Padded rows have transformers' own attention (sdpa). Exactness is looked at on the first
question, speed on all. Needs torch and transformers alone; weights are random unless --model names
a model.

Exit codes: 0 the tree is exact, 1 it is not, 2 the model cannot be taken.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import torch
import transformers

from rl.prefix.edges import proved
from rl.prefix.packing import Numbers, in_order, windows
from rl.prefix.shapes import SHAPES, configuration, loaded, narrow
from rl.prefix.tree import size
from rl.prefix.trial import (
    HELP,
    Asked,
    Distance,
    Sizes,
    Speed,
    Way,
    distance,
    learned,
    lost_distance,
    made,
    padded,
    shared,
    speed,
)

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}

CLOSE = 1e-4
"""In fp32: largest distance of log-probabilities, and relative one of gradients."""

AS_FAR = 2.0
"""In bf16 the tree may be so many times as far from fp32 as padded rows are."""

VISIBLE = 1e-2
"""A tree that is lost must move a log-probability by more, or the check is blind."""


@dataclass(frozen=True)
class Plan:
    """The rows of a step, and which are computed together in each form."""

    asked: list[Asked]
    trees: list[Numbers]
    rows: list[Numbers]

    @classmethod
    def of(cls, asked: list[Asked], micro_tokens: int, micro_rows: int) -> Plan:
        """Trees of at most so many nodes, padded batches of at most so many rows."""
        rows, count = [one.row for one in asked], len(asked)
        [[trees]] = windows(rows, count, 1, micro_tokens)
        [[batches]] = in_order(count, count, 1, micro_rows)
        return cls(asked, trees, batches)

    @property
    def ways(self) -> dict[str, tuple[Way, Sequence[Numbers]]]:
        """The two forms by name."""
        return {"padded": (padded, self.rows), "shared": (shared, self.trees)}


@dataclass
class Found:
    """What the check found."""

    machine: dict[str, Any]
    exact: dict[str, Distance] = field(default_factory=dict)
    """`fp32`: the tree from padded rows. `bf16`, `bf16 padded`: each from padded rows in fp32."""
    lost: float = 0.0
    """Of log-probabilities, if the tree were lost."""
    speed: dict[str, Speed] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the tree is exact, and the check would have seen if it were not."""
        fp32, bf16, other = (self.exact[name] for name in ("fp32", "bf16", "bf16 padded"))
        exact = max(fp32.log_probs, fp32.gradient) <= CLOSE
        as_near = all(a <= AS_FAR * b for a, b in zip(bf16[:2], other[:2], strict=True))
        return exact and as_near and self.lost > VISIBLE


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    chosen = parser().parse_args(arguments)
    try:
        config = configuration(chosen.model, chosen.size, chosen.layers, chosen.device)
        model = loaded(config, chosen.model, chosen.device, chosen.checkpointing)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    found = check(model, chosen)
    print(render(found, chosen.dtype))
    print(json.dumps(plain(found)))
    return 0 if found.ok else 1


def parser() -> argparse.ArgumentParser:
    """Of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m rl.prefix.check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--model", help="name or folder of a model, in place of random weights")
    made.add_argument("--size", choices=SHAPES, default="0.5b", help="shape of random weights")
    made.add_argument("--layers", type=int, default=0, help="0: all, on a GPU as many as fit")
    made.add_argument("--dtype", choices=DTYPES, default="bf16", help="where speed is measured")
    made.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    made.add_argument("--no-checkpointing", dest="checkpointing", action="store_false")
    made.add_argument("--micro-tokens", type=int, default=16_384, help="nodes of a tree, at most")
    made.add_argument("--micro-rows", type=int, default=8, help="padded rows together")
    made.add_argument("--rounds", type=int, default=2, help="of which the median counts")
    for name, default in asdict(Sizes()).items():
        made.add_argument(f"--{name}", type=int, default=default, help=HELP[name])
    return made


def check(model: Any, chosen: argparse.Namespace) -> Found:
    """Exactness on the rows of the first question, speed on all."""
    sizes = Sizes(*(getattr(chosen, one.name) for one in fields(Sizes)))
    asked = made(sizes, model.config.vocab_size)
    limits = chosen.micro_tokens, chosen.micro_rows
    few = Plan.of([one for one in asked if one.row.group == 0], *limits)
    every = Plan.of(asked, *limits)
    found = Found(machine(model, every, chosen))

    def timed(dtype: str) -> None:
        if dtype == chosen.dtype:
            for name, (way, batches) in every.ways.items():
                found.speed[name] = speed(model, asked, batches, way, chosen.rounds)

    wanted = learned(model, few.asked, few.rows, padded)
    found.exact["fp32"] = distance(wanted, learned(model, few.asked, few.trees, shared))
    found.lost = lost_distance(model, few.asked, few.trees)
    timed("fp32")
    narrow(model)
    for name, (way, batches) in few.ways.items():
        here = distance(wanted, learned(model, few.asked, batches, way))
        found.exact["bf16" if name == "shared" else "bf16 padded"] = here
    timed("bf16")
    return found


def machine(model: Any, plan: Plan, chosen: argparse.Namespace) -> dict[str, Any]:
    """What is measured, and on what."""
    config, ids = model.config, [one.row.ids for one in plan.asked]
    on_gpu = chosen.device == "cuda"
    form = "flex" if on_gpu else "plain" if proved(DTYPES[chosen.dtype]) else "edges"
    return {
        "card": torch.cuda.get_device_name() if on_gpu else platform.processor() or "CPU",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "model": chosen.model or f"random weights, shape of Qwen2.5-{chosen.size}",
        "layers": config.num_hidden_layers,
        "layers_whole": config.whole,
        "weights": sum(weight.numel() for weight in model.parameters()),
        "checkpointing": chosen.checkpointing,
        "rows": len(ids),
        "tokens": sum(map(len, ids)),
        "nodes": size(ids),
        "trees": len(plan.trees),
        "tree_nodes": sum(size(ids[number] for number in numbers) for numbers in plan.trees),
        "attention": form,
    }


def render(found: Found, dtype: str) -> str:
    """The tables."""
    its = found.machine
    lines = [
        f"{its['card']}, torch {its['torch']}, transformers {its['transformers']}",
        f"{its['model']}: {its['layers']} of {its['layers_whole']} layers, "
        f"{its['weights']:,} weights, checkpointing {'on' if its['checkpointing'] else 'off'}",
        f"{its['rows']} rows of {its['tokens']:,} tokens; {its['trees']} trees of "
        f"{its['tree_nodes']:,} nodes, attention by {its['attention']}",
        "",
        f"{'distance':14}{'log-probs':>12}{'gradient':>12}{'1 - cos':>12}",
        *(f"{name:14}" + "".join(f"{one:12.1e}" for one in of) for name, of in found.exact.items()),
        f"{'a lost tree':14}{found.lost:12.1e}",
        f"{'exact' if found.ok else 'NOT EXACT'}: fp32 within {CLOSE:.0e} of padded rows, bf16 at "
        f"most {AS_FAR:g} times as far from fp32 as padded rows",
        "",
        f"{dtype + ', seconds':14}{'forward':>12}{'and backward':>14}{'peak GiB':>12}",
        *(f"{n:14}{o.forward:12.3f}{o.both:14.3f}{o.peak:12.1f}" for n, o in found.speed.items()),
    ]
    one, other = found.speed["padded"], found.speed["shared"]
    ratios = [one.forward / other.forward, one.both / other.both]
    return "\n".join([*lines, f"{'times as fast':14}{ratios[0]:12.2f}{ratios[1]:14.2f}"])


def plain(found: Found) -> dict[str, Any]:
    """For a program to read."""
    return {
        "machine": found.machine,
        "exact": {name: one._asdict() for name, one in found.exact.items()},
        "lost": found.lost,
        "speed": {name: one._asdict() for name, one in found.speed.items()},
        "ok": found.ok,
    }


if __name__ == "__main__":
    sys.exit(main())
