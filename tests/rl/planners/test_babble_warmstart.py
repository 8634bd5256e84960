"""The warm start: transcripts of a babbling planner, what is learned of them, what is saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from agentflow_graph.models.policy import PolicyTokenizer
from agentflow_graph.models.tokens.weights import trained_under
from benchmarks.almanac.questions import questions
from benchmarks.almanac.world import World
from rl.planners import babble, nano
from rl.planners.babble import Transcript, transcripts
from rl.planners.supervised import Example, next_token_loss, supervise
from rl.planners.warmstart import WarmStart, example

# The sandbox proves at its start that nothing in it reaches a listening socket of ours.
pytestmark = pytest.mark.enable_socket

MAX_BYTES = 2_000_000
SETTINGS = {"layout": "terse", "max_turns": 3, "passages": 1}


@pytest.fixture(scope="module")
def asked() -> list[str]:
    return [question.text for question in questions(World(), "train", 40, seed=3)]


@pytest.fixture(scope="module")
def turns(asked: list[str]) -> list[Transcript]:
    return transcripts(asked, seed=3, settings=SETTINGS, processes=1)


@pytest.fixture(scope="module")
def bpe(turns: list[Transcript]) -> Tokenizer:
    return nano.build_tokenizer([f"{turn.prompt}{turn.reply}" for turn in turns], 600)


# --------------------------------------------------------------- transcripts


def test_transcripts_are_well_formed_turns_of_the_graph(turns: list[Transcript]) -> None:
    assert len(turns) > 60
    assert turns == sorted(turns)
    for turn in turns:
        assert turn.prompt.startswith("Tools: ")
        names = [line.split(":")[0] for line in turn.reply.splitlines()]
        assert names == ["Context", "Sub-Goal", "Tool Name"]
    assert any("\nResult: " in turn.prompt for turn in turns)


def test_transcripts_do_not_depend_on_processes_or_order(
    asked: list[str], turns: list[Transcript], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(babble, "CHUNK", 13)
    assert transcripts(asked[::-1], 3, SETTINGS, processes=2) == turns


def test_another_seed_babbles_otherwise(asked: list[str]) -> None:
    few = asked[:5]
    assert transcripts(few, 1, SETTINGS, processes=1) != transcripts(few, 2, SETTINGS, processes=1)


# ------------------------------------------------------------------ examples


def weighed(tokenizer: Tokenizer, one: Example) -> str:
    """The text of the tokens that the loss counts."""
    pairs = zip(one.ids, one.weights, strict=True)
    return str(tokenizer.decode([i for i, w in pairs if w], skip_special_tokens=False))


def test_the_loss_counts_the_reply_and_the_step_lines_and_no_more(bpe: Tokenizer) -> None:
    prompt = (
        "Tools: a b\nQuestion: Step 1 of what?\n"
        "Step 1: find the facts | Old Harbor | a\nResult: Step 2: no\n"
        "Step 2: compute the value | 1 + 2 | b\nResult: 3\n"
    )
    one = example(bpe, Transcript(prompt, "Context: Old Harbor\nTool Name: a"))
    assert weighed(bpe, one) == (
        "Step 1: find the facts | Old Harbor | a\n"
        "Step 2: compute the value | 1 + 2 | b\n"
        "Context: Old Harbor\nTool Name: a<|im_end|>"
    )
    assert set(one.weights) == {0.0, 1.0}
    assert one.ids[-1] == nano.END_ID


def test_an_example_is_what_the_planner_will_be_given(
    bpe: Tokenizer, turns: list[Transcript]
) -> None:
    policy = PolicyTokenizer(bpe, nano.TEMPLATE, nano.END)
    for turn in turns[:20]:
        prompt = policy.render([HumanMessage(turn.prompt)])
        ids = example(bpe, turn).ids
        assert ids[: len(prompt)] == prompt
        assert policy.decode(ids[len(prompt) :]) == turn.reply


def test_a_few_steps_lower_the_loss_reproducibly(bpe: Tokenizer, turns: list[Transcript]) -> None:
    examples = [example(bpe, turn) for turn in turns]

    def run() -> tuple[list[float], float]:
        model = nano.build_model(bpe.get_vocab_size(), seed=0)
        recipe = WarmStart(seed=0, steps=30, batch=8)
        losses = [loss for _, loss in supervise(model, examples, recipe)]
        with torch.no_grad():
            return losses, next_token_loss(model, examples[:32]).item()

    losses, after = run()
    assert len(losses) == 30
    assert after < 0.5 * losses[0]
    assert run() == (losses, after)


def test_tokens_without_weight_do_not_count(bpe: Tokenizer) -> None:
    model = nano.build_model(bpe.get_vocab_size(), seed=0)
    one = Example([5, 6, 7, 8], [0.0, 0.0, 1.0, 1.0])
    other = Example([5, 6, 7, 8, 9, 9], [0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    losses = [next_token_loss(model, batch).item() for batch in ([one], [other], [one, other])]
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)


# ---------------------------------------------------------------------- nano


@pytest.fixture(scope="module")
def saved(bpe: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planner")
    model = nano.build_model(bpe.get_vocab_size(), seed=0)
    nano.save(folder, model, bpe, {"layout": "terse", "passages": 1})
    return folder


def test_a_saved_planner_is_small_and_loads_as_it_was(saved: Path, bpe: Tokenizer) -> None:
    files = [path for path in saved.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MAX_BYTES
    assert trained_under(saved) == {"layout": "terse", "passages": 1}
    before = nano.build_model(bpe.get_vocab_size(), seed=0).state_dict()
    loaded = AutoModelForCausalLM.from_pretrained(saved, dtype=torch.float32)
    after = loaded.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert loaded.config.tie_word_embeddings
    assert loaded.generation_config.eos_token_id == nano.END_ID
    assert json.loads((saved / "config.json").read_text())["model_type"] == "qwen2"


def test_the_full_vocabulary_stays_small_too(tmp_path: Path) -> None:
    nano.save(tmp_path, nano.build_model(1024, seed=0), nano.build_tokenizer(["a"]), {})
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < MAX_BYTES


def test_the_special_tokens_have_their_fixed_ids(saved: Path) -> None:
    tokenizer = PolicyTokenizer.load(saved)
    assert tokenizer.encode(nano.PAD + nano.START + nano.END) == [
        nano.PAD_ID,
        nano.START_ID,
        nano.END_ID,
    ]
    assert tokenizer.eos_id == nano.END_ID


@pytest.fixture(scope="module")
def both(saved: Path) -> tuple[PolicyTokenizer, Any]:
    theirs = PreTrainedTokenizerFast.from_pretrained(saved / "tokenizer")
    return PolicyTokenizer.load(saved), theirs


@settings(max_examples=200)
@given(text=st.text())
def test_any_text_survives_the_tokenizer(both: tuple[PolicyTokenizer, Any], text: str) -> None:
    ours, theirs = both
    ids = ours.encode(text)
    assert ours.decode([*ids, ours.eos_id]) == text
    assert theirs.encode(text, add_special_tokens=False) == ids


roles = {"user": HumanMessage, "assistant": AIMessage, "system": SystemMessage}
chats = st.lists(st.tuples(st.sampled_from(sorted(roles)), st.text()), min_size=1, max_size=4)


@given(chat=chats)
def test_the_chat_template_gives_transformers_ids(
    both: tuple[PolicyTokenizer, Any], chat: list[tuple[str, str]]
) -> None:
    ours, theirs = both
    messages: list[BaseMessage] = [roles[role](text) for role, text in chat]
    plain = [{"role": role, "content": text} for role, text in chat]
    expected = theirs.apply_chat_template(plain, add_generation_prompt=True, return_dict=False)
    assert ours.render(messages) == expected
