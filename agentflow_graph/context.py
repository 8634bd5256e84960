"""What a caller may set per run: strings and numbers that fit through HTTP and Studio's form.

Objects (models, tools, clients) are given to `build_graph` instead.

    await graph.ainvoke({"question": "..."}, context=Context(max_turns=3))
    await graph.ainvoke({"question": "..."}, context={"planner": "openai:gpt-5-mini"})
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from agentflow_graph.errors import SettingError, closest
from agentflow_graph.errors.outside import holds_credentials

OUTPUTS = ("base", "final", "direct")
MOST_GRACE = 60.0
"""Seconds that a run takes at most beyond its `max_seconds`."""
SPEAKERS = ("planner", "executor", "verifier", "generator", "analysis", "tools")
RULES = {"executor": "direct", "verifier": "sufficient", "generator": "extractive"}
"""The usual rule-based form of each module that has one."""
STATED = "stated"
"""Another rule of verifier and generator: the answer is what a program of the planner's states."""


def listed(names: str) -> tuple[str, ...]:
    """The names in a setting that separates them by commas."""
    return tuple(name.strip() for name in names.split(",") if name.strip())


def is_rule(module: str, spec: str) -> bool:
    """Whether a setting of a module names a rule; any other value names a model."""
    return spec == RULES.get(module) or (spec == STATED and module in ("verifier", "generator"))


class Context(BaseModel, frozen=True, extra="forbid"):
    """Settings of one run. The defaults need no key, no GPU and no network.

    Raises:
        SettingError: naming the setting, its value and what it may be; before anything is spent.
    """

    planner: str = Field("nano", description="Model of the planner: nano, local:DIR, openai:NAME")
    executor: str = Field("direct", description="direct, or a model that fills in arguments")
    verifier: str = Field(
        "sufficient", description="sufficient, stated, or a model that judges the memory"
    )
    generator: str = Field("extractive", description="extractive, stated, or a model that writes")
    analysis: str = Field("off", description="off, or a model that analyses the question first")
    tools: str = Field(
        "default", description="default (the three of the nano planner), all, or names with commas"
    )
    tools_file: str = Field("", description="File of the tools' settings (TOML)")
    corpus: str = Field(
        "", description="Articles to search: almanac, almanac-hard or a file; empty: as set"
    )
    tool_model: str = Field("", description="Model behind base_generator; empty: unavailable")
    outputs: str = Field("direct", description="Any of base, final, direct, separated by commas")
    layout: Literal["auto", "terse", "static_first", "paper"] = Field(
        "auto", description="Layout of the planner's prompt; auto: as it was trained"
    )
    max_turns: int = Field(10, ge=1, description="Turns after which an answer is given")
    max_seconds: float = Field(300.0, gt=0, description="Seconds after which an answer is given")
    max_tokens: int = Field(0, ge=0, description="Tokens after which an answer is given; 0: any")
    max_money: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="US dollars after which an answer is given; 0: any",
    )
    memory_tokens: int = Field(8192, ge=1, description="Most tokens of memory shown to a module")
    temperature: float = Field(0.7, ge=0, description="Sampling temperature of the planner")
    reply_tokens: int = Field(2048, ge=1, description="Most tokens of one reply")
    repairs: int = Field(1, ge=0, description="How often a malformed reply is sent back")
    tool_seconds: float = Field(120.0, gt=0, description="Most seconds of one tool call")
    passages: int = Field(0, ge=0, description="Passages a search returns; 0: as trained, else 3")
    structured: bool = Field(False, description="Models given as objects take response_format")
    conversation: int = Field(
        0, ge=0, description="Earlier messages of the thread that the modules' models are shown"
    )
    approve: str = Field(
        "", description="Tools whose calls a person approves: all, or names with commas, mcp:*"
    )
    streamed: str = Field(
        "all", description="Modules whose words are streamed: all, none, or names with commas"
    )
    seed: int = Field(0, ge=0, description="Sampling seed, where a server takes one; 0: none")

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise SettingError(_explained(error)) from None

    @field_validator("approve", mode="before")
    @classmethod
    def _all_or_none(cls, value: object) -> object:
        """Plain yes and no, as a program or a form gives them."""
        word = value if isinstance(value, bool) else str(value).strip().lower()
        if word in (True, "true", "yes"):
            return "all"
        return "" if word in (False, "false", "no", "none") else value

    @model_validator(mode="after")
    def _outputs_fit(self) -> Self:
        names = self.output_names
        if not names or not set(names) <= set(OUTPUTS):
            raise ValueError(
                f"outputs={self.outputs!r} must be one or more of {', '.join(OUTPUTS)}"
            )
        if "base" in names and is_rule("generator", self.generator):
            raise ValueError(
                "outputs with 'base' needs a model that answers without tools, but "
                f"generator={self.generator!r} is a rule; set generator to a model"
            )
        return self

    @model_validator(mode="after")
    def _speakers_are_known(self) -> Self:
        for name in listed(self.streamed):
            if name not in (*SPEAKERS, "all", "none"):
                raise ValueError(
                    f"streamed={self.streamed!r}: nobody is called {name!r}"
                    f"{closest(name, SPEAKERS)}; give all, none, or some of {', '.join(SPEAKERS)}"
                )
        return self

    @model_validator(mode="after")
    def _addresses_hold_no_credentials(self) -> Self:
        for name, value in self:
            if isinstance(value, str):
                refuse_credentials(name, value)
        return self

    @property
    def output_names(self) -> tuple[str, ...]:
        """The outputs asked for."""
        return listed(self.outputs)

    def is_streamed(self, who: str) -> bool:
        """Whether streams of messages carry what `who` says: a module, else a tool's model."""
        name = who if who in SPEAKERS else "tools"
        return not {name, "all"}.isdisjoint(listed(self.streamed))

    def approved(self, tools: Mapping[str, Iterable[str]], whole: bool = True) -> frozenset[str]:
        """Tools whose calls a person approves.

        Args:
            tools: by name, what each is called here: also `mcp:NAME` for an MCP server's.
            whole: whether these are all tools of the settings; some may be lost for now.

        Raises:
            SettingError: a name without wildcards names no tool: a slip that would ask nobody.
        """
        known = {name: {name, *called, "all"} for name, called in tools.items()}
        patterns = listed(self.approve)
        for pattern in patterns:
            wild = any(mark in pattern for mark in "*?[")
            if whole and not wild and not any(pattern in names for names in known.values()):
                raise SettingError(
                    f"approve={pattern!r} names no tool of this run{closest(pattern, tools)}; give "
                    f"all, or some of {', '.join(tools)}"
                )
        return frozenset(
            name
            for name, names in known.items()
            if any(fnmatchcase(one, pattern) for one in names for pattern in patterns)
        )

    @property
    def grace(self) -> float:
        """Seconds for writing the answer once something stopped the run: it must still answer.

        A third of its time, but at least one second, and a minute at most.
        """
        return min(MOST_GRACE, max(1.0, self.max_seconds / 3))

    @property
    def recursion_limit(self) -> int:
        """Supersteps that `max_turns` can need, with one to spare.

        The beginning, three a turn and the generator; two more a turn where a person is asked.
        """
        return (5 if self.approve else 3) * self.max_turns + 3

    @classmethod
    def of(cls, value: object) -> "Context":
        """Settings as they arrive: a Context, or a mapping whose texts are read as numbers.

        LangGraph passes None where a caller gave nothing, and hands a subgraph its parent's
        object, of whatever class: both mean the defaults.
        """
        if isinstance(value, Context):
            return value
        return cls(**value) if isinstance(value, Mapping) else cls()

    @classmethod
    def given(cls, value: object) -> "Context":
        """The same as a node finds them, where a mapping can only be a parent graph's.

        LangGraph makes a Context of the mapping that a caller gives. A parent's holds our settings
        where it holds nothing else: one stray name, and all of it is the parent's own affair.
        """
        if isinstance(value, Mapping) and not value.keys() <= cls.model_fields.keys():
            return cls()
        return cls.of(value)


def refuse_credentials(name: str, value: str) -> None:
    """Settings are kept and shown: raises SettingError where an address in one holds a password."""
    if holds_credentials(value):
        raise SettingError(
            f"{name}={value!r} has a user or a password in its address; write the address without, "
            "and give the key in the environment (VLLM_API_KEY for vllm:...)"
        )


def pairs(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Names and values of `--set NAME=VALUE`; raises SettingError for another form."""
    parted = [(text, *text.partition("=")) for text in texts]
    for text, _, equals, _ in parted:
        if not equals:
            raise SettingError(f"--set {text!r} is not of the form NAME=VALUE")
    return [(name, value) for _, name, _, value in parted]


def _explained(error: ValidationError) -> str:
    fault = error.errors()[0]
    if not fault["loc"]:
        return fault["msg"].removeprefix("Value error, ")
    name = str(fault["loc"][0])
    if fault["type"] == "extra_forbidden":
        return f"unknown setting {name!r}{closest(name, Context.model_fields)}"
    return f"{name}={fault['input']!r} cannot be used: {fault['msg'].lower()}"
