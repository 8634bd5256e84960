"""GPQA Diamond: the 198 questions of GPQA that experts agree on and others get wrong.

Most published numbers of GPQA are of these; the paper's are of `main`.
"""

from dataclasses import replace

from benchmarks.items.subsets import everything
from benchmarks.tasks.gated import gpqa

BENCHMARK = replace(
    gpqa.BENCHMARK,
    name="gpqa-diamond",
    title="GPQA Diamond",
    config="gpqa_diamond",
    original=None,
    official=gpqa.official_of("gpqa-diamond"),
    subsets={"full": {"official": everything(198)}},
    sha256="",
    paper={},
)
