"""The form in which one server takes requests, as far as its refusals have told it."""

from collections.abc import Sequence
from dataclasses import replace
from threading import Lock

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from agentflow_graph.models.clients.call import Call, Endpoint
from agentflow_graph.models.providers.faults import Asked, explained, is_too_long
from agentflow_graph.models.providers.refusals import is_too_large, refused_part

OTHER_LIMIT = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}
"""The two names that OpenAI's protocol has for the token limit."""


class Form:
    """What requests to one endpoint leave out and rename; shared by all threads that ask."""

    def __init__(self, endpoint: Endpoint, asked: Asked) -> None:
        options, provider = endpoint.options, endpoint.provider
        self._asked, self._lock = asked, Lock()
        self._folds = options.system == "fold"
        self._temperature_is_theirs = options.temperature is not None
        limit = options.limit or provider.limit
        self._limits = [] if limit == "none" else [limit]
        if limit in OTHER_LIMIT and not options.limit:
            self._limits.append(OTHER_LIMIT[limit])
        self._left_out: set[str] = set()

    def fitted(self, call: Call) -> Call:
        """The request without what the server is known to refuse."""
        out = self._left_out
        return replace(
            call,
            limit=self._limits[0] if call.limit and self._limits else "",
            temperature=None if "temperature" in out else call.temperature,
            structured="none" if "format" in out else call.structured,
            stream_usage=call.stream_usage and "stream_options" not in out,
        )

    def shaped(self, messages: list[BaseMessage]) -> list[BaseMessage]:
        """The messages, with the system message in the first one where the server wants that."""
        return folded(messages) if self._folds else messages

    def next_try(
        self, call: Call, messages: Sequence[BaseMessage], error: Exception, last: bool = False
    ) -> Call:
        """The request to make after `error` came of `call`.

        Raises:
            ModelError: there is nothing to leave out; it explains `error`.
        """
        sent = call.sent - ({"temperature"} if self._temperature_is_theirs else set())
        if messages and isinstance(messages[0], SystemMessage):
            sent |= {"system"}
        part = "" if last else refused_part(error, sent)
        if part == "limit" and is_too_large(error):
            # Of this prompt; another one may leave more room.
            return replace(self.fitted(call), limit="")
        if not part or is_too_long(error):
            raise explained(error, self._asked) from error
        with self._lock:
            self._learn(part, call)
        return self.fitted(call)

    def _learn(self, part: str, call: Call) -> None:
        if part == "system":
            self._folds = True
        elif part == "limit":
            self._limits = [name for name in self._limits if name != call.limit]
        else:
            self._left_out.add(part)


def folded(messages: list[BaseMessage]) -> list[BaseMessage]:
    """The messages with a leading system message at the head of the one behind it."""
    if not messages or not isinstance(messages[0], SystemMessage):
        return messages
    system, *rest = messages
    if rest and isinstance(rest[0], HumanMessage):
        first = rest[0].content
        if isinstance(first, str):
            return [HumanMessage(f"{system.text}\n\n{first}"), *rest[1:]]
        return [HumanMessage([{"type": "text", "text": system.text}, *first]), *rest[1:]]
    return [HumanMessage(system.text), *rest]
