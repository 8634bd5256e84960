"""A prefix tree gives the log-probabilities and gradients of padded rows, for every model known."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import peft
import prefixes
import pytest
import torch
from prefixes import (
    CONFIGS,
    Batch,
    Distance,
    Learned,
    batch,
    changed,
    distance,
    group,
    learned,
    rotary,
    tiny,
)
from torch import Tensor

from rl.prefix import attention
from rl.prefix.attention import install
from rl.prefix.edges import edge_attention, proved
from rl.prefix.flex import flex

ROWS = batch(group())
ODD = {
    "one row": batch([[3, 1, 4, 1, 5]], blanks=0),
    "one token": batch([[7], [7, 8, 9]], blanks=1),
    "one row again": batch([[3, 1, 4, 1, 5]] * 3, blanks=0),
    "a part of the others": batch([[3, 1], [3, 1, 4, 1, 5], [3, 1, 4]], blanks=0),
    "nothing alike": batch([[1, 2, 3, 4], [5, 6, 7], [8, 9, 10, 11, 12]], blanks=1),
}


@pytest.fixture(params=["edges", "plain"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "plain":
        monkeypatch.setattr(attention, "proved", lambda _: "not wanted here")
    return str(request.param)


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The forms of attention that a test has used, once a layer."""
    found: list[str] = []

    def watch(name: str) -> None:
        stock: Callable[..., Tensor] = getattr(attention, f"{name}_attention")

        def noted(*given: Any) -> Tensor:
            found.append(name)
            return stock(*given)

        monkeypatch.setattr(attention, f"{name}_attention", noted)

    watch("edge")
    watch("plain")
    return found


def installed(model: Any) -> Any:
    """A copy that follows trees."""
    ours: Any = copy.deepcopy(model)
    base: Any = ours.get_base_model() if isinstance(ours, peft.PeftModel) else ours
    install(base)
    return ours


def both(model: Any, given: Batch = ROWS, temperature: float = 1.0) -> list[Learned]:
    """Padded rows of a model as it was, and their tree in a copy."""
    ours = installed(model)
    return [
        learned(model, prefixes.padded(model, given, temperature)),
        learned(ours, prefixes.shared(ours, given, temperature)),
    ]


def off(model: Any, given: Batch = ROWS, temperature: float = 1.0) -> Distance:
    return distance(*both(model, given, temperature))


@pytest.mark.parametrize("name", CONFIGS)
def test_every_model_known(name: str, form: str, used: list[str]) -> None:
    found = off(tiny(name))
    assert found.exact, found
    windows = {"mistral": ["plain", "plain"], "gemma3": ["plain", "edge"]}
    assert used == (["plain"] * 2 if form == "plain" else windows.get(name, ["edge"] * 2))


@pytest.mark.parametrize("broken", [prefixes.blind, prefixes.astray])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_tree_that_is_lost_shows(name: str, broken: Callable[[Any], Any]) -> None:
    model = tiny(name)
    ours = installed(model)
    wanted = learned(model, prefixes.padded(model, ROWS))
    found = distance(wanted, learned(ours, prefixes.shared(broken(ours), ROWS)))
    assert found.wrong, found


@pytest.mark.parametrize("name", ["mistral", "gemma3"])
def test_a_window_that_is_lost_shows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def wide(query: Tensor, key: Tensor, value: Tensor, tree: Any, scale: float, _: int) -> Tensor:
        return edge_attention(query, key, value, tree, scale)

    monkeypatch.setattr(attention, "plain_attention", wide)
    found = off(tiny(name))
    assert found.wrong, found


def test_no_known_model_is_left_out() -> None:
    assert {CONFIGS[name]().model_type for name in CONFIGS} == set(attention.KNOWN)


@pytest.mark.parametrize("case", ODD)
@pytest.mark.parametrize("name", ["qwen2", "gemma3"])
@pytest.mark.usefixtures("form")
def test_odd_rows(name: str, case: str) -> None:
    found = off(tiny(name), ODD[case])
    assert found.exact, found


SCALED = {
    "linear": rotary("linear"),
    "yarn": rotary("yarn"),
    "llama3": rotary("llama3", low_freq_factor=1.0, high_freq_factor=4.0),
}


@pytest.mark.parametrize("kind", SCALED)
def test_angles_that_are_scaled(kind: str) -> None:
    config = changed("qwen2", rope_parameters=SCALED[kind])
    found = off(tiny(config))
    assert found.exact, found


@pytest.mark.parametrize("temperature", [0.5, 1.7])
def test_a_temperature(temperature: float) -> None:
    model = tiny("qwen2")
    one, other = both(model, temperature=temperature)
    assert distance(one, other).exact
    plain = learned(model, prefixes.padded(model, ROWS))
    assert distance(plain, other).wrong, "it must change something"


def test_rows_without_targets_reach_every_parameter() -> None:
    blank = batch([], blanks=3)
    model = installed(tiny("qwen2"))
    log_probs, gradient = learned(model, prefixes.shared(model, blank))
    assert log_probs.shape == (3, 1)
    assert not log_probs.any() and not gradient.any()


def test_a_long_row_in_whose_middle_others_begin() -> None:
    """Longer than the blocks of the kernel for CPUs."""
    draw = torch.Generator().manual_seed(5)
    long = torch.randint(1, prefixes.VOCABULARY, (1100,), generator=draw).tolist()
    model = tiny("qwen2")
    found = off(model, batch([long, long[:300] + long[:40], long[:700] + long[:90]]))
    assert found.exact, found


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile:UserWarning")
@pytest.mark.parametrize("name", ["llama", "gemma3", "mistral"])
def test_flex_says_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its forward pass; on CPU it has no other."""
    monkeypatch.setattr(attention, "tree_attention", flex)
    model = tiny(name)
    with torch.no_grad():
        wanted = prefixes.padded(model, ROWS)
        found = prefixes.shared(installed(model), ROWS)
    assert (found - wanted).abs().max() <= 1e-5


def adapted(model: Any) -> Any:
    """With adapters that change something."""
    found = peft.get_peft_model(model, peft.LoraConfig(r=4, target_modules="all-linear"))
    for name, weight in found.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    return found


@pytest.mark.parametrize("reentrant", [None, False, True])
def test_adapters(reentrant: bool | None) -> None:
    model = adapted(tiny("qwen2"))
    ours = installed(model)
    if reentrant is not None:
        ours.train()
        ours.enable_input_require_grads()
        ours.gradient_checkpointing_enable({"use_reentrant": reentrant})
    wanted = learned(model, prefixes.padded(model, ROWS))
    found = distance(wanted, learned(ours, prefixes.shared(ours, ROWS)))
    assert found.exact, found


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("name", CONFIGS)
def test_gradient_checkpointing(name: str, reentrant: bool, used: list[str]) -> None:
    model = tiny(name)
    ours = installed(model).train()
    ours.gradient_checkpointing_enable({"use_reentrant": reentrant})
    wanted = learned(model, prefixes.padded(model, ROWS))
    proved.cache_clear()  # who asks first is a layer that is checkpointed
    log_probs = prefixes.shared(ours, ROWS)
    used.clear()
    found = distance(wanted, learned(ours, log_probs))
    assert found.exact, found
    assert len(used) == 2, "each layer again on the way back"


@pytest.mark.parametrize("name", ["qwen2", "gemma3"])
@pytest.mark.usefixtures("form")
def test_in_bf16_it_is_as_near_to_float32_as_padded_rows_are(name: str) -> None:
    model: Any = tiny(name)
    wanted = learned(model, prefixes.padded(model, ROWS))
    padded, shared = (distance(wanted, found) for found in both(model.to(torch.bfloat16)))
    assert padded.log_probs > 1e-3, "bf16 must show"
    for one, other in zip(shared, padded, strict=True):
        assert one < 2 * other


def test_no_logits_are_kept_in_fp32_for_the_backward_pass() -> None:
    """At 7B a step whose replies are long would hold tens of GiB of them."""
    model = installed(tiny("qwen2")).to(torch.bfloat16)
    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        found = prefixes.shared(model, ROWS, 0.7)
    assert found.dtype == torch.float32
    wide = {t.dtype for t in kept if t.shape[-1:] == (prefixes.VOCABULARY,) and t.dim() == 2}
    assert wide <= {torch.bfloat16}
