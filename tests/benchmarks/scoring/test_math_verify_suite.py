"""math-verify's own test suite, its short pairs: ours says the same, or the pair says why not.

`data/math_verify.jsonl` holds pairs of tests/ of huggingface/Math-Verify at 5d148cf, MIT licence,
copyright (c) 2024 The HuggingFace Team; without those that are solutions of a data set's problems.
"""

import json
from pathlib import Path

from benchmarks.scoring.scorers import maths

PAIRS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "math_verify.jsonl").read_text().splitlines()
]


def test_ours_agrees_with_math_verifys_suite_but_for_the_pairs_that_say_why() -> None:
    assert len(PAIRS) > 150
    wrong = [
        pair
        for pair in PAIRS
        if (maths([pair["gold"]], pair["reply"]).value == float(pair["right"]))
        == ("differs" in pair)
    ]
    assert not wrong, "\n".join(f"{pair['gold']} | {pair['reply']}" for pair in wrong)
    assert sum("differs" in pair for pair in PAIRS) <= 0.12 * len(PAIRS)
