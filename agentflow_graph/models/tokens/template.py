"""Chat templates, rendered as transformers renders them.

The environment is that of `transformers.utils.chat_template_utils` (5.x), which is not imported
because a policy behind a server needs no transformers; a test holds the two equal on the templates
of sixteen families. What is added: a template that refuses or drops the system role gets its text
at the head of the first message.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agentflow_graph.errors import SettingError

Turns = list[dict[str, str]]
"""Messages as role and content."""
TAKE = "take the planner's own file, or take another folder"
_PROBE = "agentflow-system-probe"


class _Generation(Extension):
    """`{% generation %}`: marks what an assistant said. Only training on templates reads it."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_said"), [], [], body).set_lineno(line)

    def _said(self, caller: Callable[[], str]) -> str:
        return caller()


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Jinja's own filter escapes HTML, which a prompt is not."""
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _raise(reason: str) -> None:
    raise TemplateError(reason)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, "jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment


class ChatTemplate:
    """One template.

    Args:
        source: Jinja.
        tokens: special tokens by name, such as `bos_token`; one that a tokenizer lacks is left out.
        given: further variables, such as `enable_thinking`.

    Raises:
        SettingError: the source is no template.
    """

    def __init__(
        self, source: str, tokens: Mapping[str, Any], given: Mapping[str, Any] | None = None
    ) -> None:
        try:
            self._template = _environment().from_string(source)
        except TemplateError as error:
            raise SettingError(
                f"the chat template cannot be used ({type(error).__name__}: {error}); {TAKE}"
            ) from error
        self._variables = {**tokens, **(given or {})}

    def render(self, turns: Turns) -> str:
        """The conversation as text, ending where the assistant's reply begins.

        Raises:
            SettingError: the template refuses the conversation.
        """
        if turns[0]["role"] == "system" and not self.takes_system:
            turns = folded_turns(turns)
        try:
            return self._rendered(turns)
        except TemplateError as error:
            if type(error) is TemplateError:  # it says so itself, by `raise_exception`
                told = f"the chat template refuses the conversation: {error}"
                raise SettingError(told) from error
            raise SettingError(
                f"the chat template cannot be used ({type(error).__name__}: {error}); {TAKE}"
            ) from error

    @cached_property
    def takes_system(self) -> bool:
        """Whether text of the system role reaches the prompt; some refuse it, some drop it."""
        turns = [{"role": "system", "content": _PROBE}, {"role": "user", "content": "?"}]
        try:
            return _PROBE in self._rendered(turns)
        except TemplateError:
            return False

    def _rendered(self, turns: Turns) -> str:
        return self._template.render(
            messages=turns,
            tools=None,
            documents=None,
            add_generation_prompt=True,
            **self._variables,
        )


def folded_turns(turns: Sequence[dict[str, str]]) -> Turns:
    """The turns with a leading system message at the head of the one behind it."""
    system, *rest = turns
    if not rest or rest[0]["role"] != "user":
        return [{"role": "user", "content": system["content"]}, *rest]
    first = {**rest[0], "content": f"{system['content']}\n\n{rest[0]['content']}"}
    return [first, *rest[1:]]
