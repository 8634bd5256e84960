"""Exact tokens: what the policy was given and what it sampled stand in the turn as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from agentflow_graph import Context, build_graph
from agentflow_graph.errors import PromptTooLong, SettingError
from agentflow_graph.models.policy import Completion, PolicyModel, PolicyTokenizer, Sampling
from agentflow_graph.record import RunRecord, record_as

TEMPLATE = """\
{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- else %}
    {{- '<|im_start|>system\\nYou are helpful.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'system' and loop.first %}
        {%- continue %}
    {%- elif message.role == 'system' %}
        {{- raise_exception('system comes first') }}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content | trim + eos_token + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
EOS = "<|im_end|>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A byte-level tokenizer with Qwen's special tokens and a template like Qwen's."""
    home = tmp_path_factory.mktemp("tokenizer")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("o", "r")]
    names = [*alphabet, *("".join(pair) for pair in merges)]
    model = models.BPE({name: n for n, name in enumerate(names)}, merges)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", EOS])
    tokenizer.save(str(home / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": EOS}
    (home / "tokenizer_config.json").write_text(json.dumps(config))
    (home / "chat_template.jinja").write_text(TEMPLATE)
    return home


class FakeClient:
    """Answers with the tokens of its texts, and remembers what it was asked."""

    def __init__(self, tokenizer: PolicyTokenizer, *texts: str) -> None:
        self.tokenizer = tokenizer
        self.texts = list(texts)
        self.asked: list[tuple[list[int], Sampling]] = []

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        self.asked.append((prompt_ids, sampling))
        ids = [*self.tokenizer.encode(self.texts.pop(0)), self.tokenizer.eos_id]
        return Completion(ids, [-0.25] * len(ids), "stop", policy_version=len(self.asked))


CHATS: list[list[Any]] = [
    [HumanMessage("the harbor")],
    [SystemMessage("Be brief."), HumanMessage("  the harbor \n")],
    [HumanMessage("ünïcode 日本 🏝"), AIMessage("the"), HumanMessage("That cannot be used: x.")],
]


@pytest.mark.parametrize("chat", CHATS)
def test_ids_are_those_of_transformers(chat: list[Any], folder: Path) -> None:
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(folder)
    roles = {"human": "user", "ai": "assistant", "system": "system"}
    turns = [{"role": roles[m.type], "content": m.content} for m in chat]
    ids = theirs.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
    ours = PolicyTokenizer.load(folder)
    assert ours.render(chat) == ids
    assert ours.eos_id == theirs.eos_token_id


def test_a_reply_loses_its_end_and_nothing_else(folder: Path) -> None:
    ours = PolicyTokenizer.load(folder)
    ids = ours.encode("the <|im_start|> harbor")
    assert ours.decode([*ids, ours.eos_id]) == ours.decode(ids) == "the <|im_start|> harbor"
    assert ours.decode([]) == ""


async def test_the_record_holds_exactly_what_was_asked_and_sampled(
    folder: Path, plan, look_up
) -> None:
    tokenizer = PolicyTokenizer.load(folder)
    texts = ["garbage", plan("the x"), plan("Old Harbor")]
    client = FakeClient(tokenizer, *texts)
    model = PolicyModel(
        client=client,
        tokenizer=tokenizer,
        sampling=Sampling(0.7, 64),
        trained={"layout": "terse", "passages": 1},
    )
    graph = build_graph({"planner": model}, [look_up])
    run = RunRecord("run")
    with record_as(run):
        state = await graph.ainvoke({"question": "What is the population of Old Harbor?"})
    calls = [answer for key, answer in run.calls if key.node == "planner"]
    assert all("token_ids" not in call for turn in state["turns"] for call in turn["planner"])
    assert state["layout"] == "terse", "a planner is asked as it was trained"
    assert [len(turn["planner"]) for turn in state["turns"]] == [2, 1]
    assert [call["text"] for call in calls] == texts
    for n, call in enumerate(calls):
        assert call["prompt_ids"] == client.asked[n][0]
        assert call["token_ids"] == [*tokenizer.encode(texts[n]), tokenizer.eos_id]
        assert call["logprobs"] == [-0.25] * len(call["token_ids"])
        assert (call["policy_version"], call["finish_reason"]) == (n + 1, "stop")
        assert call["input_tokens"] == len(call["prompt_ids"])
        assert call["output_tokens"] == len(call["token_ids"])
    assert state["usage"]["planner"]["output_tokens"] == sum(c["output_tokens"] for c in calls)
    assert client.asked[0][1] == Sampling(0.7, 64)


async def test_a_prompt_too_long_is_a_record(folder: Path, look_up) -> None:
    class Full:
        async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
            raise PromptTooLong("the prompt has 9 tokens, the planner's window 8")

    model = PolicyModel(client=Full(), tokenizer=PolicyTokenizer.load(folder))
    state = await build_graph({"planner": model}, [look_up]).ainvoke({"question": "the?"})
    assert (state["stopped_by"], state["answer"]) == ("error", "unknown")
    assert "planner's window 8" in state["error"]


async def test_memory_is_counted_in_the_policys_tokens(folder: Path, plan, look_up) -> None:
    tokenizer = PolicyTokenizer.load(folder)
    client = FakeClient(tokenizer, *[plan("x" * 300)] * 3)
    model = PolicyModel(client=client, tokenizer=tokenizer)
    graph = build_graph({"planner": model}, [look_up])
    context = Context(max_turns=3, memory_tokens=900, layout="terse")
    await graph.ainvoke({"question": "the?"}, context=context)
    prompt = tokenizer.decode(client.asked[2][0])
    assert "1 earlier steps left out" in prompt
    assert len(client.asked[2][0]) < 1100


async def test_memory_shrinks_to_what_the_policy_was_trained_under(
    folder: Path, plan, look_up
) -> None:
    tokenizer = PolicyTokenizer.load(folder)
    client = FakeClient(tokenizer, *[plan("x" * 300)] * 10)
    trained = {"layout": "terse", "memory_tokens": 900}
    model = PolicyModel(client=client, tokenizer=tokenizer, trained=trained)
    await build_graph({"planner": model}, [look_up]).ainvoke({"question": "the?"})
    assert max(len(ids) for ids, _ in client.asked) < 1100


def test_it_is_a_chat_model_from_synchronous_code_too(folder: Path) -> None:
    tokenizer = PolicyTokenizer.load(folder)
    model = PolicyModel(client=FakeClient(tokenizer, "the"), tokenizer=tokenizer)
    assert model.invoke("the?").text == "the"


def test_a_template_may_refuse(folder: Path) -> None:
    with pytest.raises(SettingError, match="refuses the conversation: system comes first"):
        PolicyTokenizer.load(folder).render([HumanMessage("a"), SystemMessage("b")])
    with pytest.raises(KeyError):
        PolicyTokenizer.load(folder).render([ToolMessage("a", tool_call_id="1")])


@pytest.mark.parametrize("bos", ["<bos>", {"content": "<bos>"}])
def test_a_template_may_begin_with_the_token_that_begins_texts(
    bos: object, folder: Path, tmp_path: Path
) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config | {"bos_token": bos}))
    (tmp_path / "chat_template.jinja").write_text("{{ bos_token }}{{ messages[0].content }}")
    tokenizer = PolicyTokenizer.load(tmp_path)
    assert tokenizer.render([HumanMessage("the")]) == tokenizer.encode("<bos>the")


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("tokenizer.json", "no tokenizer.json in .*; name the folder of a planner's model"),
        ("chat_template.jinja", "has no chat template; add chat_template.jinja"),
    ],
)
def test_what_a_folder_lacks_is_named(
    missing: str, said: str, folder: Path, tmp_path: Path
) -> None:
    for path in folder.iterdir():
        if path.name != missing:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(SettingError, match=said):
        PolicyTokenizer.load(tmp_path)


def test_our_planners_keep_the_tokenizer_in_a_folder_of_its_own(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "tokenizer").mkdir()
    for path in folder.iterdir():
        (tmp_path / "tokenizer" / path.name).write_bytes(path.read_bytes())
    assert PolicyTokenizer.load(tmp_path).eos_id == PolicyTokenizer.load(folder).eos_id


def test_an_end_token_that_does_not_exist_is_named(folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    with pytest.raises(SettingError, match="no token '<eos>'"):
        PolicyTokenizer(tokenizer, "", "<eos>")
