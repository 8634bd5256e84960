"""Settings: every way in, and what is said of a wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from agentflow_graph import Context, build_graph
from agentflow_graph.errors import SettingError


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_turn": 3}, "unknown setting 'max_turn' (did you mean 'max_turns'?)"),
        ({"zzz": 3}, "unknown setting 'zzz'"),
        (
            {"max_turns": 0},
            "max_turns=0 cannot be used: input should be greater than or equal to 1",
        ),
        ({"max_turns": "many"}, "max_turns='many' cannot be used: input should be a valid integer"),
        ({"max_seconds": -1}, "max_seconds=-1 cannot be used: input should be greater than 0"),
        ({"layout": "tense"}, "layout='tense' cannot be used: input should be 'auto', 'terse'"),
        ({"outputs": "direct,long"}, "outputs='direct,long' must be one or more of base, final"),
        ({"outputs": ""}, "outputs='' must be one or more of base, final, direct"),
        ({"outputs": "base"}, "generator='extractive' is a rule; set generator to a model"),
        ({"planner": 7}, "planner=7 cannot be used: input should be a valid string"),
    ],
)
def test_a_wrong_setting_is_named_with_its_remedy(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError) as caught:
        Context(**given)
    assert said in str(caught.value)
    with pytest.raises(SettingError):
        Context.of(given)


async def test_a_wrong_mapping_is_refused_by_the_graph_before_anything_is_spent(
    scripted, look_up
) -> None:
    planner = scripted("never")
    graph = build_graph({"planner": planner}, [look_up])
    with pytest.raises(SettingError, match="did you mean 'max_turns'"):
        await graph.ainvoke({"question": "q"}, context={"max_turn": 1})
    assert planner.seen == []


def test_text_is_read_as_the_type_of_its_setting() -> None:
    context = Context.of({"max_turns": "3", "temperature": "0.5", "approve": "true", "seed": "7"})
    assert context == Context(max_turns=3, temperature=0.5, approve=True, seed=7)


@pytest.mark.parametrize("given", [None, {}, Context(), object(), "a parent's own"])
def test_nothing_and_foreign_objects_mean_the_defaults(given: object) -> None:
    assert Context.of(given) == Context()


def test_a_context_is_a_key() -> None:
    assert len({Context(), Context(max_turns=10), Context(max_turns=3)}) == 2
    with pytest.raises(ValueError, match="frozen"):
        Context().max_turns = 3  # type: ignore[misc]


def test_outputs_are_names() -> None:
    context = Context(outputs=" direct ,final", generator="m")
    assert context.output_names == ("direct", "final")


def test_every_setting_is_described_in_a_line() -> None:
    for name, field in Context.model_fields.items():
        assert field.description and len(field.description) < 80, name
