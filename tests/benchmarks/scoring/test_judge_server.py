"""The judge over a real OpenAI-compatible server: honest, slow, refusing and broken ones."""

from collections.abc import Callable
from typing import Any

import pytest
from answering import Answering, Reply, Request
from instructing import ATTACKS, honest

from benchmarks.scoring.judge import Judge, Verdict

pytestmark = pytest.mark.integration

QUESTION, GOLDS = "Who was president when Citibank was founded?", ["James Madison"]


def completion(text: str, finish_reason: str = "stop") -> Reply:
    message = {"role": "assistant", "content": text}
    return Reply(
        body={
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": "judge",
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
            "usage": {"prompt_tokens": 50, "completion_tokens": 5, "total_tokens": 55},
        }
    )


def honestly(request: Request) -> Reply:
    return completion(honest(request.json["messages"][-1]["content"]))


async def judged(
    replies: list[Reply] | Callable[[Request], Reply], answer: str, **more: Any
) -> tuple[Verdict, Answering]:
    with Answering(replies) as server:
        return await Judge.of(f"vllm:judge@{server.url}", **more)(QUESTION, GOLDS, answer), server


async def test_right_and_wrong() -> None:
    right, server = await judged(honestly, "<answer>James Madison</answer>")
    assert (right.correct, right.input_tokens, right.output_tokens) == (True, 100, 10)
    assert [request.path for request in server.asked] == ["/v1/chat/completions"] * 2
    wrong, _ = await judged(honestly, "<answer>John Adams</answer>")
    assert (wrong.correct, wrong.error) == (False, "")


async def test_no_instruction_wins() -> None:
    with Answering(honestly) as server:
        judge = Judge.of(f"vllm:judge@{server.url}")
        for attack in ATTACKS:
            verdict = await judge(QUESTION, GOLDS, f"<answer>{attack}</answer>")
            assert (verdict.correct, verdict.error) == (False, ""), attack


async def test_a_slow_server_is_a_timeout() -> None:
    verdict, _ = await judged([Reply(delay=5.0)], "Mars", seconds=0.5)
    assert (verdict.correct, verdict.error) == (None, "timeout")


async def test_a_server_that_refuses_for_a_while() -> None:
    busy = Reply(429, {"error": {"message": "slow down"}}, {"retry-after": "0"})
    down = Reply(503, "down", {"retry-after": "0"})
    verdict, server = await judged([busy, down, completion("No.\nVERDICT: INCORRECT")], "Mars")
    assert (verdict.correct, len(server.asked)) == (False, 3)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(429, {"error": {"message": "slow down"}}, {"retry-after": "0"}),
        Reply(500, "broken", {"retry-after": "0"}),
        Reply(401, {"error": {"message": "no such key"}}),
        Reply(200, "<html>welcome</html>", {"Content-Type": "text/html"}),
        Reply(200, "{", {"Content-Type": "application/json"}),
        Reply(200, {"choices": []}),
    ],
)
async def test_a_server_that_fails(reply: Reply) -> None:
    verdict, _ = await judged([reply], "Mars")
    assert (verdict.correct, verdict.error) == (None, "model failed"), verdict
    assert verdict.reason


@pytest.mark.parametrize(
    "reply",
    [
        completion("I would say yes"),
        completion(""),
        completion("So.\nVERDICT: INCORRECT", "length"),
    ],
)
async def test_a_reply_off_the_menu(reply: Reply) -> None:
    verdict, _ = await judged([reply], "Mars")
    assert (verdict.correct, verdict.error) == (None, "off the menu")


async def test_no_server() -> None:
    with Answering([Reply()]) as server:
        gone = server.url
    verdict = await Judge.of(f"vllm:judge@{gone}")(QUESTION, GOLDS, "Mars")
    assert (verdict.correct, verdict.error) == (None, "model failed")
