"""The names of a run's models in inspect's log; inspect itself asks no model.

models_of(request)["planner"].name      # openai:gpt-5-mini
"""

from __future__ import annotations

from typing import Any

from inspect_ai.model import GenerateConfig, Model, ModelAPI, ModelOutput, get_model, modelapi
from inspect_ai.tool import ToolChoice, ToolInfo

from agentflow_graph.context import is_rule
from agentflow_graph.nodes.parts.given import MODULES
from benchmarks.errors import RunStopped
from benchmarks.runner.store.folder import Request
from benchmarks.runner.trials import context_of


def models_of(request: Request) -> dict[str, Model]:
    """By module the name of its model as inspect's log carries it, `agentflow/MODEL`."""
    context = context_of(request)
    wanted = ["generator"] if context.output_names == ("base",) else list(MODULES)
    specs = {module: str(getattr(context, module)) for module in wanted}
    return {
        module: get_model(f"agentflow/{spec}")
        for module, spec in specs.items()
        if spec != "off" and not is_rule(module, spec)
    }


@modelapi(name="agentflow")
class Named(ModelAPI):
    """A model's name in a log. The graph has asked the model itself; nobody asks this one."""

    async def generate(
        self,
        input: list[Any],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Nothing asks."""
        raise RunStopped(f"{self.model_name} is a name in a log: the graph asks the model itself")
