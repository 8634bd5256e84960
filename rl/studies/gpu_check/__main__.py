"""Check this machine's GPUs for training: `python -m rl gpu-check [--out DIR] [--json]`.

In turn: the device, a bf16 training step, flash-attn packing against sdpa, throughput, and a short
run of the real trainer with its engine on a GPU, whose served weights must be the trained ones.
With one GPU weights go by CUDA IPC; NCCL shows from two on. Takes some minutes; `--quick` leaves
the run of the trainer out.

Exit codes: 0 nothing failed, 1 a check failed, 2 there is no GPU, and nothing was checked.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from agentflow_graph.errors.outside import guard_output
from agentflow_graph.models.strings import NANO
from rl.studies.gpu_check.arithmetic import bf16, throughput
from rl.studies.gpu_check.training import training
from tools.outcomes.finding import Finding, skip, verdict

PACKED = 0.25
"""Largest share of the distance that a lost end would make."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(
        prog="python -m rl gpu-check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, help="folder of the training run; default: a new one")
    parser.add_argument("--quick", action="store_true", help="without a run of the trainer")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    chosen = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print(
            f"error: torch {torch.__version__} sees no GPU; nothing was checked. On a machine with "
            "one, install the extra `gpu` (docs/gpu.md), and look at `nvidia-smi`",
            file=sys.stderr,
        )
        return 2
    findings = list(_print_each(checks(chosen.out, chosen.quick), quiet=chosen.json))
    if chosen.json:
        print(json.dumps({"findings": [asdict(finding) for finding in findings]}, indent=2))
    return int(any(finding.state == "failed" for finding in findings))


def checks(out: Path | None, quick: bool) -> Iterator[Finding]:
    """Every check in turn; what needs a part that is not installed is skipped, and says so."""
    yield device()
    yield bf16("cuda")
    yield packing()
    yield throughput("cuda")
    missing = [name for name in ("vllm", "openrlhf", "ray") if not is_installed(name)]
    if quick or missing:
        why = "--quick" if quick else f"not installed: {', '.join(missing)}"
        yield skip("training", why, "install the extra `gpu` and run without --quick")
        return
    folder = out or Path(tempfile.mkdtemp(prefix="gpu-check-")) / "run"
    yield from training(folder, torch.cuda.device_count())
    if torch.cuda.device_count() == 1:
        yield skip("sync by NCCL", "one GPU", "run this where there are two")


def device() -> Finding:
    """Which GPUs there are, and whether they have bf16 units."""
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30
    text = f"{len(names)} x {names[0]}, {memory:.0f} GiB, torch {torch.__version__}"
    right = torch.cuda.get_device_capability(0) >= (8, 0)
    return verdict("device", right, text, "bf16 needs compute capability 8.0: Ampere or later")


def packing() -> Finding:
    """Rows packed by flash-attn against padded rows under sdpa."""
    if not is_installed("flash-attn"):
        remedy = "pip install --no-build-isolation flash-attn==2.8.3"
        return skip("packing", "flash-attn is not installed", remedy)
    from rl.adapter.update.packing import leaked_mismatch, packed_mismatch

    mismatch, lost = packed_mismatch(NANO, "cuda"), leaked_mismatch(NANO, "cuda")
    text = (
        f"packed flash-attn to padded sdpa: |dlogp| at most {mismatch:.4f}; a lost end: {lost:.4f}"
    )
    remedy = "rows see one another: set model.packing=false, and try another flash-attn"
    return verdict("packing", mismatch < PACKED * lost, text, remedy)


def is_installed(distribution: str) -> bool:
    """Whether it is, whatever stands in for it: a stub of flash-attn can be imported as well."""
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def _print_each(findings: Iterator[Finding], quiet: bool) -> Iterator[Finding]:
    for finding in findings:
        if not quiet:
            print(finding.render(width=14), flush=True)
        yield finding


if __name__ == "__main__":
    sys.exit(main())
