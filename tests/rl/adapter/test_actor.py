"""The actor that computes logits of replies only says what stock's says, gradients included."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from agentflow_graph.errors import SettingError
from agentflow_graph.models.strings import NANO
from rl.adapter.update import sharing
from rl.adapter.update.actor import FlowActor, roll_rows
from rl.adapter.update.sharing import choose


def both(**more: Any) -> list[Any]:
    settings = {"attn_implementation": "sdpa", "param_dtype": "fp32", "temperature": 0.7, **more}
    stock: Any = FlowActor.__base__
    with pytest.MonkeyPatch.context() as patch:  # `allow_fp32` would stay for every other test
        patch.setattr("openrlhf.utils.utils.convert_to_torch_dtype", lambda _: torch.float32)
        return [kind(str(NANO), **settings) for kind in (stock, FlowActor)]


@pytest.fixture(scope="module")
def actors() -> list[Any]:
    return both()


def rows(*sizes: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sequences, action mask and attention mask of rows of (prompt, reply) tokens."""
    generator = torch.Generator().manual_seed(0)
    width = max(map(sum, sizes))
    ids = torch.zeros(len(sizes), width, dtype=torch.long)
    attended, acted = torch.zeros_like(ids), torch.zeros(len(sizes), width - 1)
    for row, (prompt, reply) in enumerate(sizes):
        length = prompt + reply
        ids[row, :length] = torch.randint(3, 1000, (length,), generator=generator)
        attended[row, :length] = 1
        acted[row, prompt - 1 : length - 1] = 1
    return ids, acted, attended


CASES = {
    "ragged": ((40, 12), (90, 30), (10, 3), (120, 1)),
    "one row": ((20, 5),),
    "equal": ((9, 4), (9, 4)),
    "with a blank": ((40, 12), (2, 0)),
    "blanks only": ((2, 0), (2, 0)),
    "all reply": ((1, 20), (1, 3)),
}


@pytest.mark.parametrize("case", CASES)
def test_log_probabilities_and_gradients_are_stocks(actors: list[Any], case: str) -> None:
    ids, acted, attended = rows(*CASES[case])
    weight = torch.linspace(-1, 1, acted.numel()).reshape(acted.shape)
    values, gradients = [], []
    for actor in actors:
        actor.zero_grad()
        found, _ = actor(ids, acted, attended, return_output=True)
        (found * weight).sum().backward()
        values.append(found.detach())
        gradients.append(torch.cat([p.grad.flatten() for p in actor.model.parameters()]))
    torch.testing.assert_close(values[1], values[0], atol=2e-5, rtol=1e-5)
    assert torch.isfinite(gradients[1]).all()
    assert (gradients[1] - gradients[0]).norm() <= 1e-5 * gradients[0].norm() + 1e-7
    assert (values[1][acted == 0] == 0).all()


@pytest.mark.parametrize("case", CASES)
def test_packed_rows_do_not_see_each_other(actors: list[Any], case: str) -> None:
    """Packed ones are held against stock's padded ones: stock packs with flash-attn alone."""
    ids, acted, attended = rows(*CASES[case])
    packed = both(packing_samples=True)[1]
    values, gradients = [], []
    for actor in (actors[0], packed):
        actor.zero_grad()
        found, output = actor(ids, acted, attended, return_output=True)
        found.pow(2).sum().backward()
        values.append(found.detach())
        gradients.append(torch.cat([p.grad.flatten() for p in actor.model.parameters()]))
    torch.testing.assert_close(values[1], values[0], atol=2e-5, rtol=1e-5)
    assert (gradients[1] - gradients[0]).norm() <= 1e-5 * gradients[0].norm() + 1e-7
    assert output["logits"].shape[1] == max(1, int(acted.sum())), "replies alone have logits"


def test_adapters_get_stocks_gradients() -> None:
    stock, ours = both(lora_rank=4, lora_alpha=8, target_modules="all-linear")
    for name, weight in stock.named_parameters():
        if "lora_B" in name:  # zero at first: the adapter would change nothing
            torch.nn.init.normal_(weight, std=0.05)
    ours.load_state_dict(stock.state_dict())
    ids, acted, attended = rows(*CASES["ragged"])
    for actor in (stock, ours):
        actor(ids, acted, attended).sum().backward()
    gradients = [
        torch.cat([p.grad.flatten() for p in actor.parameters() if p.grad is not None])
        for actor in (stock, ours)
    ]
    assert gradients[0].norm() > 0
    assert (gradients[1] - gradients[0]).norm() <= 1e-5 * gradients[0].norm()


def test_logits_are_computed_for_replies_alone(actors: list[Any]) -> None:
    ids, acted, attended = rows(*CASES["ragged"])
    stock, ours = (actor(ids, acted, attended, return_output=True)[1] for actor in actors)
    assert stock["logits"].shape[1] == 121
    assert ours["logits"].shape[1] == 31, "the longest reply, and the token after it"


def test_without_actions_every_logit_is_there(actors: list[Any]) -> None:
    ids, _, attended = rows(*CASES["ragged"])
    stock, ours = (actor(ids, None, attended, return_output=True) for actor in actors)
    torch.testing.assert_close(ours["logits"], stock["logits"])


def test_rows_are_moved_to_the_right_end() -> None:
    values = torch.tensor([[1, 2, 0, 0], [1, 2, 3, 4]])
    assert roll_rows(values, torch.tensor([[2], [0]])).tolist() == [[0, 0, 1, 2], [1, 2, 3, 4]]


SHARED = {**CASES, "alike": ((40, 12), (40, 3), (52, 6), (2, 0))}


@pytest.mark.parametrize("case", SHARED)
def test_rows_of_one_tree_get_stocks(actors: list[Any], case: str) -> None:
    ids, acted, attended = rows(*SHARED[case])
    if case == "alike":
        ids[1, :40] = ids[0, :40]
        ids[2, :52] = ids[0, :52]
    ours = both()[1]
    ours.share()
    weight = torch.linspace(-1, 1, acted.numel()).reshape(acted.shape)
    values, gradients = [], []
    for actor in (actors[0], ours):
        actor.zero_grad()
        found, output = actor(ids, acted, attended, return_output=True)
        (found * weight).sum().backward()
        values.append(found.detach())
        gradients.append(torch.cat([p.grad.flatten() for p in actor.model.parameters()]))
    torch.testing.assert_close(values[1], values[0], atol=2e-5, rtol=1e-5)
    assert (gradients[1] - gradients[0]).norm() <= 1e-5 * gradients[0].norm() + 1e-7
    assert output["logits"].shape[1] <= max(1, int(acted.sum())), "replies alone have logits"


@pytest.mark.parametrize("form", ["padded", "packed", "shared"])
@pytest.mark.parametrize("case", SHARED)
def test_entropies_are_those_of_every_form(actors: list[Any], case: str, form: str) -> None:
    """Held against all logits of stock's rows; the bonus's gradient too."""
    ids, acted, attended = rows(*SHARED[case])
    ours = both(packing_samples=form == "packed")[1]
    if form == "shared":
        ours.share()
        ids[:, :9] = torch.arange(3, 12)[: ids.shape[1]]
    ours.entropy_learns = True
    logits = actors[0](ids, acted, attended, return_output=True)[1]["logits"][:, :-1]
    logprobs = logits.log_softmax(-1)  # stock has divided by the temperature
    wanted = -(logprobs.exp() * logprobs).sum(-1) * acted
    found = ours(ids, acted, attended, return_output=True, return_entropy=True)[1].entropy * acted
    torch.testing.assert_close(found, wanted, atol=2e-5, rtol=1e-5)
    gradients = []
    for actor, entropy in ((actors[0], wanted), (ours, found)):
        actor.zero_grad()
        entropy.pow(2).sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in actor.model.parameters()]))
    assert (gradients[1] - gradients[0]).norm() <= 1e-5 * gradients[0].norm() + 1e-7


def test_an_entropy_that_is_logged_alone_keeps_no_graph(actors: list[Any]) -> None:
    ids, acted, attended = rows(*CASES["ragged"])
    _, output = actors[1](ids, acted, attended, return_output=True, return_entropy=True)
    assert not output.entropy.requires_grad
    assert (output.entropy * acted).sum() > 0


def test_an_attention_that_follows_no_tree_is_an_error_or_a_reason_for_padded_rows() -> None:
    actor = both(attn_implementation="eager")[1]
    with pytest.raises(SettingError, match=r"'eager' cannot.*; set optimizer.share_prefixes=off"):
        actor.share()
    ids, acted, attended = rows(*CASES["ragged"])
    choice = choose(actor, ids, acted, attended, rows=2, timed=True)
    assert not choice.shared
    assert choice.why == "padded rows: attention 'eager' cannot follow a tree; sdpa can"


@pytest.mark.parametrize(("times", "shared"), [((1.0, 3.0, 2.0, 5.0), True), ((2, 4, 3, 1), False)])
def test_the_faster_form_is_taken(
    times: tuple[float, ...], shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(times)  # a tree, padded rows, and again
    monkeypatch.setattr(sharing, "_seconds", lambda work: work() and next(clock))
    ids, acted, attended = rows(*CASES["ragged"])
    found = choose(both()[1], ids, acted, attended, rows=2, timed=True)
    ratio = "3.0 times as fast;" if shared else "2.0 times as fast as a tree;"
    sizes = "306 of 306 tokens of its first micro-batch are different"
    form = "prefixes are shared" if shared else "padded rows"
    assert found == sharing.Choice(shared, f"{form}: {ratio} {sizes}")
