"""Outputs of the official scripts on answers made up here: ours are the same.

`data/official.jsonl` was written by hotpot_evaluate_v1.py (hotpotqa/hotpot, 4c0fa5e), metrics/
answer.py (StonyBrookNLP/musique, 8b8d8ce) and GAIA's scorer.py, run on each pair.
"""

import json
from pathlib import Path

import pytest

from benchmarks.items.item import Item
from benchmarks.scoring.official import hotpotqa, musique
from benchmarks.scoring.scorers import Answer, gaia
from benchmarks.tasks.registry import registry

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "official.jsonl").read_text().splitlines()
]


def test_exact_match_and_f1_are_those_of_the_official_scripts() -> None:
    rows = [row for row in ROWS if "hotpotqa" in row]
    assert len(rows) > 100
    for row in rows:
        assert hotpotqa([row["gold"]], row["answer"]) == pytest.approx(tuple(row["hotpotqa"])), row
        assert musique([row["gold"]], row["answer"]) == pytest.approx(tuple(row["musique"])), row


def test_gaias_rule_is_the_leaderboards() -> None:
    rows = [row for row in ROWS if "right" in row]
    assert len(rows) > 100
    for row in rows:
        read = Answer(row["answer"], "answer_tag")
        assert gaia(row["gold"], read).value == float(row["right"]), row


def test_the_best_gold_counts() -> None:
    assert musique(["Lyon", "Paris, France"], "paris") == (0.0, pytest.approx(2 / 3))


@pytest.mark.parametrize("task", ["bamboogle", "2wiki", "hotpotqa", "musique"])
def test_open_questions_have_official_numbers_of_what_was_read(task: str) -> None:
    item = Item("x", "When?", ("20 June 1837",))
    score = registry()[task].score(item, "So: <answer>June 20, 1837</answer>")
    assert (score.value, score.official_em, score.official_f1) == (1.0, 0.0, 1.0)
