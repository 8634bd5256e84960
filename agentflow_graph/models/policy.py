"""The planner's model where tokens matter: exact ids in, ids and log-probabilities out.

model = PolicyModel(client=LocalPolicy(folder), tokenizer=PolicyTokenizer.load(folder))
reply = await model.ainvoke("Question: ...")
reply.response_metadata["token_ids"], reply.response_metadata["logprobs"]
"""

import asyncio
from typing import Any

from langchain_core.caches import BaseCache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult

from agentflow_graph.models.tokens.sampling import (
    Completion,
    PolicyClient,
    Sampling,
    room_for_reply,
)
from agentflow_graph.models.tokens.tokenizer import ROLES, PolicyTokenizer

__all__ = [
    "ROLES",
    "Completion",
    "PolicyClient",
    "PolicyModel",
    "PolicyTokenizer",
    "Sampling",
    "room_for_reply",
]


class PolicyModel(BaseChatModel, arbitrary_types_allowed=True):
    """A chat model that renders the chat template itself and sends token ids to a `PolicyClient`.

    The client is all that differs between a laptop, a vLLM server and the trainer's engine;
    `trained` are settings the policy was trained under: layout, passages, memory_tokens.
    """

    client: Any  # a PolicyClient, which pydantic cannot check
    tokenizer: PolicyTokenizer
    sampling: Sampling = Sampling()
    trained: dict[str, Any] = {}
    spec: str = "policy"
    """What traces call it: its model string."""
    cache: BaseCache | bool | None = False
    """No cache answers for it, LangChain's neither: each reply is a sample of its own, with ids
    and log-probabilities, and two policies of equal settings are not the same policy."""

    @property
    def _llm_type(self) -> str:
        return "agentflow-policy"

    def _get_ls_params(self, stop: list[str] | None = None, **how: Any) -> Any:
        sampling = self.sampling
        told: dict[str, Any] = {"ls_provider": "agentflow", "ls_model_name": self.spec}
        told |= {"ls_temperature": sampling.temperature, "ls_max_tokens": sampling.max_tokens}
        return {**super()._get_ls_params(stop=stop, **how), **told}

    def get_num_tokens(self, text: str) -> int:
        """Length of `text` in the policy's own tokens."""
        return len(self.tokenizer.encode(text))

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        prompt_ids = self.tokenizer.render(messages)
        done: Completion = await self.client.generate(prompt_ids, self.sampling)
        given, new = len(prompt_ids), len(done.token_ids)
        usage = UsageMetadata(input_tokens=given, output_tokens=new, total_tokens=given + new)
        message = AIMessage(
            self.tokenizer.decode(done.token_ids),
            response_metadata={"prompt_ids": prompt_ids, **vars(done)},
            usage_metadata=usage,
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return asyncio.run(self._agenerate(messages))
