"""Replies: tolerant to style, strict to content, never anything but a `ReplyError`."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow_graph.errors import ReplyError
from agentflow_graph.replies.answer import final_answer
from agentflow_graph.replies.json import find_json
from agentflow_graph.replies.plan import Plan, parse_plan
from agentflow_graph.replies.verdict import parse_verdict

TOOLS = ["python_coder", "wikipedia_search", "base_generator"]
STYLES = [
    "Justification: {j}\nContext: {c}\nSub-Goal: {g}\nTool Name: {t}",
    "Context: {c}\nSub-Goal: {g}\nTool: {t}",
    "**Justification:** {j}\n**Context:** {c}\n**Sub-Goal:** {g}\n**Tool Name:** {t}",
    "1. **Justification**: {j}\n2. **Context**: {c}\n3. **Sub-Goal**: {g}\n4. **Tool Name**: `{t}`",
    "### Justification: {j}\n### Context: {c}\n### Sub Goal: {g}\n### Tool Name: {t}\n",
    "Let me think.\n\n- justification: {j}\n- context: {c}\n- sub_goal: {g}\n- tool_name: {t}.",
    "<justification>: {j}\nCONTEXT : {c}\nSUBGOAL : {g}\nTOOL NAME : {t}",
]
plain = st.text(
    st.characters(codec="ascii", categories=["L", "N", "Zs"]), min_size=1, max_size=40
).filter(lambda text: text.strip())


@pytest.mark.parametrize("style", STYLES)
@given(c=plain, g=plain, t=st.sampled_from(TOOLS))
def test_a_plan_parses_back_from_any_style(style: str, c: str, g: str, t: str) -> None:
    found = parse_plan(style.format(j="because", c=c, g=g, t=t), TOOLS)
    assert (found.context, found.sub_goal, found.tool) == (c.strip(), g.strip(), t)


@given(c=plain, g=plain, t=st.sampled_from(TOOLS))
def test_a_plan_parses_back_from_json(c: str, g: str, t: str) -> None:
    for keys in (("context", "sub_goal", "tool"), ("Context", "Sub-Goal", "Tool Name")):
        record = json.dumps(dict(zip(keys, (c, g, t), strict=True)), indent=1)
        found = parse_plan(f"Here you are:\n```json\n{record}\n```", TOOLS)
        assert (found.context, found.sub_goal, found.tool) == (c.strip(), g.strip(), t)


def test_a_field_may_span_lines_and_a_later_one_corrects() -> None:
    text = "Context: one\ntwo\n\nthree\nSub-Goal: a\nTool Name: none\nTool Name: python coder\nok?"
    assert parse_plan(text, TOOLS) == Plan("a", "python_coder", "one\ntwo\n\nthree")


def test_code_stays_whole_in_the_context() -> None:
    code = "```python\nx = {'a': 1}\nprint(x)\n```"
    found = parse_plan(f"Context: {code}\nSub-Goal: run\nTool Name: python_coder", TOOLS)
    assert "x = {'a': 1}\nprint(x)" in found.context


@pytest.mark.parametrize(
    "name", ["Python Coder", "`python_coder`", "PYTHON-CODER.", '"python_coder"']
)
def test_tool_names_are_matched_loosely(name: str) -> None:
    assert parse_plan(f"Context: c\nSub-Goal: g\nTool Name: {name}", TOOLS).tool == "python_coder"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the reply has no context, sub_goal, tool; write Context, Sub-Goal and Tool Name"),
        ("Context: c\nSub-Goal: g", "the reply has no tool;"),
        ("Context:\nSub-Goal: g\nTool Name: python_coder", "the reply has no context;"),
        (
            "Context: c\nSub-Goal: g\nTool Name: python_coda",
            "no tool named 'python_coda' (did you mean 'python_coder'?); choose one of: ",
        ),
        ("Context: c\nSub-Goal: g\nTool Name: " + "x" * 1000, "no tool named '" + "x" * 60 + "'"),
    ],
)
def test_what_is_missing_is_named(text: str, said: str) -> None:
    with pytest.raises(ReplyError) as caught:
        parse_plan(text, TOOLS)
    assert said in str(caught.value)


fragments = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(
            [
                "Context:",
                "Sub-Goal:",
                "Tool Name:",
                "{",
                "}",
                '{"context": ',
                "[[",
                "**",
                "\n",
                "```",
            ]
        ),
        st.sampled_from(['{"complete": 1}', "Conclusion: STOP", "<answer>", "</answer>", "null"]),
    ),
    max_size=25,
).map("".join)


@given(fragments)
def test_parsers_raise_nothing_but_reply_errors(text: str) -> None:
    for parse in (lambda t: parse_plan(t, TOOLS), parse_verdict, find_json):
        try:
            parse(text)
        except ReplyError as error:
            assert str(error)
    assert isinstance(final_answer(text), str)


@pytest.mark.parametrize(
    "text",
    [
        "\n" * 200_000,
        " " * 200_000,
        "- " * 100_000,
        "{" * 100_000,
        '{"a":' * 40_000,
        "Context: " * 20_000,
        "tool\n" * 50_000,
        "<answer>" * 30_000,
        "conclusion " * 20_000,
        "[" * 100_000,
    ],
)
def test_huge_replies_are_read_in_no_time(text: str) -> None:
    begun = time.process_time()
    for parse in (lambda t: parse_plan(t, TOOLS), parse_verdict, find_json):
        with pytest.raises(ReplyError):
            parse(text)
    final_answer(text)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ('{"complete": true, "reason": "r"}', True),
        ('```json\n{"complete": false, "reason": "r"}\n```', False),
        ('{"analysis": "r", "stop_signal": true}', True),
        ("All is there.\nConclusion: STOP", True),
        ("Conclusion: **CONTINUE**", False),
        ("Conclusion: stop. No, conclusion: continue", False),
    ],
)
def test_verdicts(text: str, complete: bool) -> None:
    assert parse_verdict(text)["complete"] is complete


@pytest.mark.parametrize("text", ["", "yes", '{"complete": "yes"}', "[true]"])
def test_no_verdict(text: str) -> None:
    with pytest.raises(ReplyError, match="complete"):
        parse_verdict(text)
