"""One call of a module's model: how it is asked, and what of its reply can be read."""

from functools import partial
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableBinding, RunnableConfig
from langgraph.constants import TAG_NOSTREAM

from agentflow_graph.context import Context
from agentflow_graph.errors import AgentFlowError, ModelError, OutOfTime, PromptTooLong
from agentflow_graph.errors.outside import shown
from agentflow_graph.errors.threads import threads
from agentflow_graph.models.provider import ProviderModel, cut_off_message
from agentflow_graph.models.providers.faults import ProviderFailure, is_too_long
from agentflow_graph.nodes.parts.patience import Late, Same, within
from agentflow_graph.record.events import Answer
from agentflow_graph.replies.reply import NoReply, fault_of
from agentflow_graph.state import ModelCall

MOST_LOST = 16
"""Calls of one model that were given up and still run, at most."""
_CALLS = threads("agentflow-model", at_once=64, most_lost=MOST_LOST)


def bound(
    model: Any, schema: dict[str, Any] | None, structured: bool, again: dict[str, Any]
) -> Any:
    """The model, told what its reply must fit and how it is asked again."""
    if isinstance(model, ProviderModel):
        held = {"reply_schema": schema} if schema else {}
        return model.bind(**held, **again) if held or again else model
    if schema and structured:
        form = {"name": "reply", "schema": schema}
        return model.bind(response_format={"type": "json_schema", "json_schema": form})
    return model


def readable(answer: Answer) -> str:
    """The text of an answer. What a policy sampled is its own doing, cut off or not."""
    if "token_ids" not in answer:
        fault = fault_of(answer["text"], answer.get("reasoning", ""), answer["finish_reason"])
        if fault:
            raise NoReply(fault)
    return str(answer["text"])


def asked_again(again: dict[str, Any], answer: Answer, fault: AgentFlowError) -> dict[str, Any]:
    """How a model is asked once more; a policy is sampled as ever."""
    if "token_ids" in answer:
        return {}
    room = {"room": 2 * again.get("room", 1)} if isinstance(fault, NoReply) else {}
    return {**again, "warmer": True, **room}


def streaming(context: Context, who: str, turn: int, output: str = "") -> RunnableConfig:
    """How streams and traces tell a call of a model: who speaks, and whether streams hear it.

    Args:
        context: of the run.
        who: a module, or a tool.
        turn: it belongs to; 0: to none.
        output: of the generator.
    """
    told = {"agentflow_module": who, "agentflow_turn": turn}
    tags = [f"agentflow:{who}"] + ([] if context.is_streamed(who) else [TAG_NOSTREAM])
    return {"tags": tags, "metadata": told | ({"agentflow_output": output} if output else {})}


async def reply(
    model: Any, messages: list[BaseMessage], limit: float, who: str, how: RunnableConfig
) -> AIMessage:
    """The model's message within `limit` seconds; raises ModelError for whatever goes wrong."""
    late = f"the {who}'s model did not answer within {limit:.3g} s; raise max_seconds"
    if limit <= 0:
        raise OutOfTime(late)  # and nothing is spent
    try:
        message: AIMessage = await within(limit, _answered(model, messages, how))
        return message
    except Late:
        raise OutOfTime(late) from None
    except ProviderFailure as error:
        raise ModelError(f"the {who}'s model failed: {error}") from error
    except ModelError:
        raise
    except Exception as error:  # every provider has classes of its own
        if is_too_long(error):
            raise PromptTooLong(
                f"the prompt does not fit the window of the {who}'s model ({error}); lower "
                "memory_tokens, or serve it with a larger window"
            ) from error
        if whole := cut_off_message(error):
            return whole
        raise ModelError(
            f"the {who}'s model failed ({type(error).__name__}: {shown(str(error))}); "
            f"check its server and key, or set {who} to another model"
        ) from error


async def _answered(model: Any, messages: list[BaseMessage], how: RunnableConfig) -> AIMessage:
    inner = model
    while isinstance(inner, RunnableBinding):
        inner = inner.bound
    if not isinstance(inner, BaseChatModel) or not _blocks(inner):
        message: AIMessage = await model.ainvoke(messages, how)
        return message
    return await _CALLS().run(Same(inner), partial(model.invoke, messages, how))


def _blocks(model: BaseChatModel) -> bool:
    """Whether LangChain would ask it in asyncio's own threads, which some that hang fill up."""
    kind = type(model)
    return kind._agenerate is BaseChatModel._agenerate and kind._astream is BaseChatModel._astream


def light(number: int, answer: Answer) -> ModelCall:
    """What the state keeps of a call: how to find it in the record, and what it spent."""
    return ModelCall(
        number=number,
        finish_reason=answer["finish_reason"],
        input_tokens=answer["input_tokens"],
        output_tokens=answer["output_tokens"],
        seconds=answer["seconds"],
    )
