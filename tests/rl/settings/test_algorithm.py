"""Options of the objective that cannot go together are refused by name, and the others are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentflow_graph.errors import SettingError
from rl.preflight.price.cost import cost
from rl.settings.config import load

NANO = Path(__file__).parents[3] / "rl" / "configs" / "nano.yaml"
GSPO, PUNISH = "algorithm.ratio=sequence", "algorithm.overlong=punish"


@pytest.mark.parametrize(
    ("overrides", "fragments"),
    [
        (["algorithm.dual_clip=1"], ["algorithm.dual_clip=1.0", "above 1", "0 for none"]),
        (["algorithm.entropy=-1"], ["algorithm.entropy=-1", "greater than or equal to 0"]),
        (["optimizer.epochs=0"], ["optimizer.epochs=0"]),
        (
            [GSPO, "algorithm.weighting=token-mean"],
            ["algorithm.weighting=token-mean", GSPO, "set algorithm.weighting=paper"],
        ),
        ([GSPO, "algorithm.weighting=constant"], ["algorithm.weighting=constant", GSPO]),
        ([GSPO, "algorithm.correction=mask"], ["algorithm.correction=mask", GSPO, "auto or none"]),
        (
            ["algorithm.advantage=leave-one-out", "algorithm.statistics=row"],
            ["algorithm.advantage=leave-one-out", "set algorithm.statistics=trajectory"],
        ),
        ([PUNISH], [PUNISH, "algorithm.overlong_buffer=0", "punish needs"]),
        (
            ["algorithm.overlong=mask", "algorithm.overlong_buffer=8"],
            ["algorithm.overlong=mask", "algorithm.overlong_buffer=8"],
        ),
        (
            [PUNISH, "algorithm.overlong_buffer=33"],
            ["algorithm.overlong_buffer=33", "rollout.reply_tokens=32", "lower it"],
        ),
        (["algorithm.loss_type=dr_grpo"], ["did you mean", "algorithm.weighting"]),
        (["actor.entropy_coef=0.1"], ["did you mean", "algorithm.entropy"]),
        (["train.max_epochs=2"], ["did you mean", "optimizer.epochs"]),
    ],
)
def test_what_cannot_be_is_named_with_its_remedy(
    overrides: list[str], fragments: list[str]
) -> None:
    with pytest.raises(SettingError) as caught:
        load(NANO, overrides)
    assert [part for part in fragments if part not in str(caught.value)] == [], caught.value


def test_what_can_be_is_taken() -> None:
    config = load(NANO, [PUNISH, "algorithm.overlong_buffer=32", "algorithm.dual_clip=3"])
    assert config.run_tokens == 32 * 3, "tokens of a reply, times turns"
    assert load(NANO, [GSPO, "algorithm.overlong=mask"]).algorithm.weighting == "paper"


def test_gpus_and_steps_ahead_are_corrected_unasked() -> None:
    gpu = ["engine.device=gpu", "model.dtype=bf16"]
    assert [load(NANO, some).correction() for some in ([], gpu)] == ["none", "clip"]
    assert load(NANO, ["rollout.max_steps_ahead=1"]).correction() == "clip"


def test_each_epoch_costs_its_optimizer_steps() -> None:
    once, thrice = (cost(load(NANO, [f"optimizer.epochs={n}"])).optimizer_steps for n in (1, 3))
    assert thrice == 3 * once > 0
