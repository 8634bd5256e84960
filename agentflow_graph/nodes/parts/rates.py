"""For how much a run asks whom: a rate for each entry that its usage may have."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool

from agentflow_graph.context import Context
from agentflow_graph.errors import SettingError
from agentflow_graph.models.providers.money import Rate, without_price
from agentflow_graph.models.providers.prices import VARIABLE, PriceList
from agentflow_graph.models.recorded import RecordedModel


def rates_of(
    context: Context,
    models: Mapping[str, Any],
    given: Collection[str],
    tools: Mapping[str, BaseTool],
    prices: PriceList,
) -> dict[str, Rate]:
    """The rates of modules, of the tools' models, and of services that tools pay by the call.

    Args:
        context: of the run; names the models that are not given.
        models: by module.
        given: modules whose model a program gave as an object.
        tools: by name.
        prices: that count.
    """
    names = {
        module: _called(model) if module in given else str(getattr(context, module))
        for module, model in models.items()
    }
    for tool in tools.values():
        names |= dict(_asked_by(tool))
    return {who: Rate(name, prices.of(name)) for who, name in names.items()}


def _asked_by(tool: BaseTool) -> Iterator[tuple[str, str]]:
    for part in vars(tool).values():
        if isinstance(part, RecordedModel):
            yield f"{tool.name}.model", part.name
    if charged := (tool.metadata or {}).get("charged"):
        yield f"{tool.name}.{charged}", f"{tool.name}.{charged}"


def _called(model: Any) -> str:
    """A model object as LangChain's traces call it, `openai:gpt-5-mini`; else its class."""
    if isinstance(model, BaseChatModel):
        told = model._get_ls_params()
        if name := told.get("ls_model_name"):
            return f"{told.get('ls_provider', '')}:{name}"
    return type(model).__name__


def check_prices(context: Context, rates: Mapping[str, Rate]) -> None:
    """Raises SettingError where money is limited and somebody who may be asked has no price."""
    if context.max_money and (missing := without_price(rates.values())):
        raise SettingError(
            f"max_money={context.max_money:g} needs every price, and none is known for "
            f"{', '.join(missing)}; state it in a file that {VARIABLE} names (0 where it costs "
            "nothing; docs/costs.md), or leave max_money out"
        )
