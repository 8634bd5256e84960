"""Model calls as plain data, and a chat model whose calls are recorded.

    model = RecordedModel(inner=some_chat_model, name="openai:gpt-5-mini")

Modules record their own calls. The models of tools and judges are asked by code that knows nothing
of a record, so they are wrapped in a `RecordedModel`: it finds whose call it is by `SCOPE`.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.caches import BaseCache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult

from agentflow_graph.models.images import with_images
from agentflow_graph.record.events import Answer
from agentflow_graph.record.run import SCOPE, Scope
from agentflow_graph.replies.reply import Reply

POLICY_KEYS = ("prompt_ids", "token_ids", "logprobs", "policy_version")
"""What an answer holds besides, where the model is a policy: ids of the whole prompt, sampled ids
with the end-of-turn token if one was sampled, the natural log-probability of each sampled token
under the distribution sampled from, and the count of weight updates of whoever answered."""
SPENT = ("input_tokens", "output_tokens", "seconds")
DETAILS = ("cached_tokens", "reasoning_tokens")
"""Of input and of output, where a provider tells them."""


def plain_messages(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Messages as role and content."""
    return [{"role": message.type, "content": message.content} for message in messages]


def answer_of(message: AIMessage, seconds: float) -> Answer:
    """A model's message as plain data: text, finish_reason, tokens, seconds; reasoning if any.

    `cached_tokens` of the input and `reasoning_tokens` of the output, if there were any.
    """
    tokens = message.usage_metadata or {"input_tokens": 0, "output_tokens": 0}
    told, reply = message.response_metadata, Reply.of(message)
    answer: Answer = {
        "text": reply.text,
        "finish_reason": reply.finish_reason,
        "input_tokens": tokens["input_tokens"],
        "output_tokens": tokens["output_tokens"],
        "seconds": round(seconds, 6),
    }
    answer |= _details(tokens)
    if reply.reasoning:
        answer["reasoning"] = reply.reasoning
    if "token_ids" in told:
        answer |= {key: told[key] for key in POLICY_KEYS}
    return answer


def _details(tokens: Mapping[str, Any]) -> dict[str, int]:
    cached = (tokens.get("input_token_details") or {}).get("cache_read")
    thought = (tokens.get("output_token_details") or {}).get("reasoning")
    told = dict(zip(DETAILS, (cached, thought), strict=True))
    return {name: count for name, count in told.items() if count}


def spent_by(answer: Answer) -> dict[str, float]:
    """One call, as an entry of a run's usage."""
    return {"calls": 1} | {name: answer[name] for name in (*SPENT, *DETAILS) if name in answer}


def message_of(answer: Answer) -> AIMessage:
    """The message that an answer was made of, as far as a tool or a judge reads it."""
    given, new = answer["input_tokens"], answer["output_tokens"]
    usage = UsageMetadata(input_tokens=given, output_tokens=new, total_tokens=given + new)
    told = {"finish_reason": answer["finish_reason"]}
    return AIMessage(answer["text"], response_metadata=told, usage_metadata=usage)


class RecordedModel(BaseChatModel):
    """Asks `inner`, through the record of the node on whose behalf it is asked."""

    inner: BaseChatModel
    name: str = ""
    """Model string, as the record calls it."""
    sampling: dict[str, Any] = {}
    """How it samples, for the record."""
    shows_images: bool = False
    """Whether it is shown the images of the run's question, besides what it is asked."""
    cache: BaseCache | bool | None = False
    """`inner` has one, if any: to LangChain's all models of this class would be the same."""

    @property
    def _llm_type(self) -> str:
        return "agentflow-recorded"

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, *_: Any, **how: Any
    ) -> ChatResult:
        said: list[str | None] = [None]
        scope = SCOPE.get()
        if scope and scope.images and self.shows_images:
            messages = with_images(messages, [dict(image) for image in scope.images])

        async def ask() -> Answer:
            begun = time.perf_counter()
            message = await self.inner.ainvoke(messages, stop=stop, **how)
            said[0] = message.id
            return answer_of(message, time.perf_counter() - begun)

        def request() -> dict[str, Any]:
            return {
                "model": self.name,
                "sampling": self.sampling,
                "messages": plain_messages(messages),
            }

        answer = await (scope.call(f"{scope.who}.model", request, ask) if scope else ask())
        _spend(scope, answer)
        # Under the id of what was streamed, or streams would give it twice.
        message = message_of(answer).model_copy(update={"id": said[0]})
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _generate(self, messages: list[BaseMessage], *_: Any, **how: Any) -> ChatResult:
        """What synchronous callers ask is counted, and not recorded."""
        begun = time.perf_counter()
        message = self.inner.invoke(messages, **how)
        _spend(SCOPE.get(), answer_of(message, time.perf_counter() - begun))
        return ChatResult(generations=[ChatGeneration(message=message)])


def _spend(scope: Scope | None, answer: Answer) -> None:
    if scope:
        for name, value in spent_by(answer).items():
            scope.spent[name] = scope.spent.get(name, 0) + value
