"""Lines of a record: whatever a model writes survives, torn lines are passed over, secrets go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow_graph.record import Record, read
from agentflow_graph.record.events import as_json, events_in, line_of

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(ANYTHING)
def test_anything_a_model_can_write_is_a_line_that_is_read_again(value: object) -> None:
    line = line_of({"event": "x", "value": value})
    assert line.count(b"\n") == 1
    assert json.loads(line[9:])["event"] == "x"


def test_half_characters_and_huge_numbers_have_a_form() -> None:
    assert json.loads(as_json({"a": "x\ud800", "b": 2**70, 3: (1,)})) == {
        "a": "x?",
        "b": str(2**70),
        "3": [1],
    }


@given(st.data())
def test_a_record_cut_or_damaged_anywhere_keeps_every_other_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("record") / "a.jsonl"
    events = [{"event": "n", "n": n, "text": "ü" * n} for n in range(5)]
    whole = b"".join(line_of(event) for event in events)
    at = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        path.write_bytes(whole[:at])
        ends = [whole[: whole.find(line_of(e))] + line_of(e) for e in events]
        kept = [e for e, end in zip(events, ends, strict=True) if len(end) <= at]
        # A last line without its newline is as good as one with it.
        assert list(events_in(path)) in (kept, events[: len(kept) + 1])
    else:
        flipped = bytes([whole[at] ^ 0x01])
        path.write_bytes(whole[:at] + flipped + whole[at + 1 :])
        found = list(events_in(path))
        assert all(event in events for event in found)
        assert len(found) >= len(events) - 2  # a newline that changed costs its neighbour too


def test_values_of_variables_named_like_keys_are_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", 'sk-very"secret')
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefgh")
    monkeypatch.setenv("PIN_TOKEN", "1234")
    monkeypatch.setenv("HOME_SWEET", "not a secret")
    record = Record(tmp_path / "record")
    run = record.run("a")
    run.note("said", text='the key is sk-very"secret, hf_abcdefgh, 1234, not a secret')
    record.close()
    (event,) = read(tmp_path / "record")["a"].notes
    assert event["text"] == ("the key is [hidden], [hidden], 1234, not a secret")
    assert b"sk-very" not in b"".join(p.read_bytes() for p in (tmp_path / "record").iterdir())


def test_a_secret_that_holds_another_goes_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "12345678")
    monkeypatch.setenv("B_KEY", "12345678-and-more")
    assert b"and-more" not in line_of({"event": "x", "text": "12345678-and-more"})
