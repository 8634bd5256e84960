"""What goes wrong when a tool calls a service over HTTP."""

from __future__ import annotations

from tools.outcomes.outside import ShownError
from tools.outcomes.result import Status, ToolResult, away


class RemoteFault(ShownError):
    """A service gave no answer; the text says why and what to do.

    `status` is that of the tool's result. `retry`: the same call may succeed soon. `wait`: the
    seconds the service asked for, if it did. `code`: the HTTP status by which it rejected the
    request, if that is what went wrong. `away`: the tool's own service is not there now, whatever
    it is asked; a page that somebody chose to read is not that.
    """

    def __init__(
        self,
        text: str,
        status: Status = "unavailable",
        *,
        retry: bool = False,
        wait: float | None = None,
        code: int | None = None,
    ) -> None:
        super().__init__(text)
        self.status: Status = status
        self.retry = retry
        self.wait = wait
        self.code = code
        self.away = retry

    def result(self) -> ToolResult:
        """The failure as a tool returns it."""
        found = ToolResult(status=self.status, text=str(self), seconds=0.0)
        return away(found) if self.away else found
