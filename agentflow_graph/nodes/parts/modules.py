"""The model of a module, as its settings name it, and how a record tells of it."""

from typing import Any

from langchain_core.language_models import BaseChatModel

from agentflow_graph.context import Context, is_rule
from agentflow_graph.models.policy import PolicyModel
from agentflow_graph.models.provider import ProviderModel
from agentflow_graph.models.strings import chat_model


def model_of(module: str, context: Context) -> BaseChatModel | None:
    """The model that the settings name; None where they name none."""
    spec: str = getattr(context, module)
    if spec == "off" or is_rule(module, spec):
        return None
    temperature = context.temperature if module == "planner" else 0.0
    return chat_model(spec, temperature, context.reply_tokens, context.seed)


def request_of(module: str, model: Any, context: Context, given: bool) -> dict[str, Any]:
    """Name and sampling, as the record tells them; `given`: by a program, as an object."""
    if isinstance(model, PolicyModel):
        sampling = vars(model.sampling)
    elif isinstance(model, ProviderModel):
        sampling = model.sampling
    else:
        temperature = context.temperature if module == "planner" else 0.0
        sampling = {"temperature": temperature, "max_tokens": context.reply_tokens}
    name: str = type(model).__name__ if given else getattr(context, module)
    return {"model": name, "sampling": sampling}
