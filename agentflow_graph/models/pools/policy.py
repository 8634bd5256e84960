"""A policy on several vLLM servers."""

from collections.abc import Sequence

from agentflow_graph.models.clients.server import ServerAway, ServerPolicy
from agentflow_graph.models.pools.watch import Silent, watch_over
from agentflow_graph.models.tokens.sampling import Completion, Sampling


class PooledPolicy:
    """Asks one of `clients`, each at an address of its own; any event loop may ask."""

    def __init__(self, clients: Sequence[ServerPolicy]) -> None:
        self._clients = clients
        self._watch = watch_over(tuple(client.url for client in clients))

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        """See `PolicyClient`; raises the error of the last server when all are away."""
        return await self._watch.ask(
            lambda number: self._clients[number].generate(prompt_ids, sampling), is_away
        )


def is_away(error: Exception) -> bool:
    """Whether another server may answer."""
    return isinstance(error, ServerAway | Silent)
