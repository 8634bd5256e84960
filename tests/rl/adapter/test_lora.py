"""LoRA of the planner: what the engines are given and what is exported is base plus adapter."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from launched import run_program
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from agentflow_graph.errors import SettingError
from agentflow_graph.models.strings import NANO
from agentflow_graph.models.tokens.weights import trained_under
from rl.adapter.stack import flags
from rl.adapter.update import lora, training
from rl.run.record import rows
from rl.settings.config import load

CONFIG = Path(__file__).parents[3] / "rl" / "configs" / "nano.yaml"


def plain(folder: Path = NANO, dtype: torch.dtype = torch.float32) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()


def adapted(dtype: torch.dtype = torch.float32) -> PeftModel:
    """The nano planner with adapters that change it."""
    settings = LoraConfig(
        task_type="CAUSAL_LM", r=4, lora_alpha=8, target_modules="all-linear", bias="none"
    )
    model = get_peft_model(plain(dtype=dtype), settings)
    torch.manual_seed(0)
    for name, parameter in model.named_parameters():
        if ".lora_" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


def logits(model: Any) -> torch.Tensor:
    ids = torch.arange(3, 43).reshape(2, 20)
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=ids).logits
    return found


def test_the_weights_have_the_names_and_shapes_of_the_base() -> None:
    expected = {name: p.shape for name, p in plain().named_parameters()}
    assert {name: w.shape for name, w in lora.weights(adapted())} == expected
    assert {name: w.shape for name, w in lora.weights(plain())} == expected


def test_the_weights_are_those_that_peft_merges() -> None:
    model = adapted()
    ours = dict(lora.weights(model))
    theirs = dict(adapted().merge_and_unload().named_parameters())
    for name, weight in ours.items():
        torch.testing.assert_close(weight, theirs[name].detach(), atol=1e-6, rtol=1e-6)
    moved = [n for n, w in plain().named_parameters() if not torch.equal(ours[n], w)]
    assert len(moved) == 14, "seven linear layers in each of two blocks"


def test_merging_leaves_base_and_adapter_as_they_were() -> None:
    model = adapted()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    list(lora.weights(model))
    assert all(torch.equal(before[name], p) for name, p in model.named_parameters())


def test_weights_keep_the_dtype_of_the_base() -> None:
    model = adapted(torch.bfloat16)
    assert {p.dtype for n, p in model.named_parameters() if ".lora_" in n} == {torch.float32}
    assert {weight.dtype for _, weight in lora.weights(model)} == {torch.bfloat16}


def test_both_exports_load_and_agree(tmp_path: Path) -> None:
    model = adapted()
    base: Any = model.get_base_model()
    base.save_pretrained(tmp_path / "model", state_dict=dict(lora.weights(model)))
    lora.save_adapter(model, tmp_path / "adapter")
    again = PeftModel.from_pretrained(plain(), tmp_path / "adapter").eval()
    torch.testing.assert_close(logits(again), logits(model), atol=1e-6, rtol=0)
    merged = logits(plain(tmp_path / "model"))
    torch.testing.assert_close(merged, logits(model), atol=1e-4, rtol=0)
    assert (merged - logits(plain())).abs().max() > 0.1, "the adapter changes nothing: no test"


def test_the_stock_transport_is_given_merged_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, torch.Tensor] = {}
    calls = []

    def transport(trainer: Any) -> None:
        named = list(trainer.actor.model.module.named_parameters())
        calls.append(len(named))
        assert all(parameter.ds_shape == parameter.shape for _, parameter in named)
        sent.update(named)

    stock = training.FlowActorTrainer.__mro__[1]
    monkeypatch.setattr(stock, "broadcast_to_vllm", transport)
    monkeypatch.setattr(lora, "TOGETHER", 10)
    trainer = object.__new__(training.FlowActorTrainer)
    model = adapted()
    actor = trainer.actor = SimpleNamespace(model=SimpleNamespace(module=model))
    trainer.strategy = SimpleNamespace(args=SimpleNamespace(ds=SimpleNamespace(zero_stage=2)))
    trainer.broadcast_to_vllm()
    assert calls == [10, 10, 6]
    assert trainer.actor is actor
    for name, weight in lora.weights(model):
        assert torch.equal(sent[name], weight)


def test_the_flags_are_given_only_where_there_is_an_adapter() -> None:
    assert not any("lora" in word for word in flags.flags(load(CONFIG)))
    words = flags.flags(load(CONFIG, ["model.lora.rank=8", "model.lora.targets=[q_proj,v_proj]"]))
    at = words.index("--ds.lora.target_modules")
    assert words[at + 1 : at + 3] == ["q_proj", "v_proj"]
    assert words[words.index("--ds.lora.rank") + 1] == "8"
    every = flags.flags(load(CONFIG, ["model.lora.rank=8"]))
    assert "--ds.lora.target_modules" not in every, "OpenRLHF's own word for all linear layers"


def test_layers_that_share_a_weight_are_refused() -> None:
    with pytest.raises(SettingError, match="lm_head"):
        load(CONFIG, ["model.lora.rank=8", "model.lora.targets=[q_proj,lm_head]"])


# ------------------------------------------------------------------- training


@pytest.mark.integration
def test_two_steps_with_adapters_serve_what_they_trained(
    warm_planner: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    given = {
        "run": run,
        "steps": 2,
        "model.path": warm_planner,
        "model.lora.rank": 8,
        "model.lora.alpha": 16,
        "rollout.questions": 8,
        "optimizer.lr": 5e-3,
        "optimizer.warmup": 0,
        "data.heldout_n": 20,
    }
    pairs = [f"{name}={value}" for name, value in given.items()]
    done = run_program("-m", "rl.train", "--config", "rl/configs/nano.yaml", *pairs)
    assert done.returncode == 0, done.stdout + done.stderr
    entries = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    first, second = (e for e in entries if e["kind"] == "step")
    assert (first["updated"], second["updated"]) == (1, 1)
    assert second["policy_versions"] == [1]
    assert second["mismatch_max"] < 1e-3, "the engine serves something else than base plus adapter"
    assert _furthest(run / "record" / "train-00002", plain(warm_planner)) > 1e-2, (
        "the control does not discriminate: the first step changed too little"
    )
    base = PeftModel.from_pretrained(plain(warm_planner), run / "adapter").eval()
    torch.testing.assert_close(logits(plain(run / "model")), logits(base), atol=1e-3, rtol=0)
    assert trained_under(run / "model")["recipe"] == "flow-grpo"
    assert (run / "model" / "tokenizer" / "tokenizer.json").exists()


def _furthest(batch: Path, model: Any) -> float:
    """The largest distance of a recorded log-probability from that under `model`, 50 replies."""
    calls = [row["state"]["turns"][0]["planner"][0] for row in rows(batch)[:50]]
    assert len(calls) == 50
    worst = 0.0
    for call in calls:
        prompt, reply = call["prompt_ids"], call["token_ids"]
        with torch.no_grad():
            seen = model(input_ids=torch.tensor([prompt + reply])).logits[0, len(prompt) - 1 : -1]
        own = seen.log_softmax(-1).gather(1, torch.tensor(reply)[:, None])[:, 0]
        worst = max(worst, (own - torch.tensor(call["logprobs"])).abs().max().item())
    return worst
