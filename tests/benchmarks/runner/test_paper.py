"""A paper from one manifest: reckoned, run, grown, resumed and shown, as a person does it."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from answering import Answering, Reply, Request
from launched import run_program
from made_up import folder, rows

from agentflow_graph.errors import SettingError
from agentflow_graph.models.providers.prices import Price
from benchmarks.__main__ import main
from benchmarks.report.numbers.result import Result, Session
from benchmarks.runner.plans.estimate import Estimate, estimate, mean_turns
from benchmarks.runner.plans.manifest import Assumed, read_manifest
from benchmarks.runner.plans.paper import Plan
from benchmarks.runner.store.session import read_session
from benchmarks.tasks.registry import registry

TEN = [name for name, each in registry().items() if each.paper]
FOUR = ["hotpotqa", "gaia", "aime24", "medqa"]
KNOWN = {
    str(
        row.get("question") or row.get("Question") or row.get("Problem") or row.get("problem")
    ): gold
    for task, given in rows("official").items()
    for row in given
    if (
        gold := row.get("answer")
        or row.get("Answer")
        or row.get("Final answer")
        or row.get("golden_answers")
    )
}
MANIFEST = """
title = "Made up & small"
tasks = {tasks}
subset = "full"
trials = 1
as_is = true
judge = "vllm:judge@{url}"
compare = [["base", "frozen"], ["frozen", "trained"]]
[arms.base]
title = "Plain"
model = "vllm:weak@{url}"
baseline = "cot"
temperature = 0.5
paper = "Qwen2.5-7B-Inst"
[arms.frozen]
title = "Frozen"
model = "vllm:weak@{url}"
budgets = [1, 2]
set = {{ tools = "wikipedia_search" }}
paper = "AgentFlow no RL"
[arms.trained]
title = "Trained"
model = "vllm:good@{url}"
budgets = [2]
set = {{ tools = "wikipedia_search" }}
"""


def says(request: Request) -> Reply:
    """Plans, fills in, verifies, answers; only `good` answers what the rows have for an answer."""
    body = request.json
    text = "\n".join(str(message["content"]) for message in body["messages"])
    if body["model"] == "judge":
        said = "So.\nVERDICT: INCORRECT"
    elif "Tool Name" in text:
        said = "Context: Old Harbor\nSub-Goal: find it\nTool Name: wikipedia_search"
    elif '"query"' in text and "arguments" in text.lower():
        said = json.dumps({"query": "Old Harbor"})
    elif '"complete"' in text:
        said = json.dumps({"complete": True, "reason": "so"})
    else:
        gold = next((gold for asks, gold in KNOWN.items() if asks in text), "none")
        gold = gold[0] if isinstance(gold, list) else gold
        said = f"<answer>{gold if body['model'] == 'good' else 'none'}</answer>"
    message = {"role": "assistant", "content": said}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    told = {"id": "x", "object": "chat.completion", "created": 0, "model": body["model"]}
    return Reply(body={**told, "choices": [choice], "usage": usage})


@pytest.fixture
def server() -> Iterator[Answering]:
    with Answering(says) as found:
        yield found


def manifest(path: Path, url: str, tasks: list[str]) -> str:
    path.write_text(MANIFEST.format(tasks=json.dumps(tasks), url=url))
    return str(path)


def spent(server: Answering) -> Counter[str]:
    return Counter(request.json["model"] for request in server.asked)


@pytest.mark.integration
def test_a_paper_is_run_whole_grows_and_is_not_repeated(tmp_path: Path, server: Answering) -> None:
    data, path = folder(tmp_path / "data", "official"), tmp_path / "runs"
    prices = tmp_path / "prices.toml"
    models = [f'["vllm:{name}@{server.url}"]' for name in ("weak", "good", "judge")]
    free = "[nano]\ninput = 0.0\noutput = 0.0\n"
    costly = [f"{model}\ninput = 1.0\noutput = 10.0\n" for model in models]
    prices.write_text("".join([free, *costly]))
    given = ["paper", manifest(tmp_path / "mine.toml", server.url, FOUR), "--run", str(path)]
    given += ["--data", str(data), "--prices", str(prices), "--max-cost", "1"]

    pilot = run_program("-m", "benchmarks", *given, "--limit", "1")
    assert pilot.returncode == 0, pilot.stdout + pilot.stderr
    first = spent(server)
    dry = run_program("-m", "benchmarks", *given, "--limit", "2", "--dry-run")
    assert dry.returncode == 0 and "4 trials" in dry.stdout, dry.stdout + dry.stderr
    assert spent(server) == first, "a dry run asks nobody"

    whole = run_program("-m", "benchmarks", *given, "--limit", "2")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    second = spent(server)
    assert second["weak"] > first["weak"]
    for name in ("base", "frozen-1", "frozen-2", "trained-2"):
        session = read_session(path / name)
        assert len(session.results) == 8
        assert all(each.score is not None and each.cost for each in session.results)
    again = run_program("-m", "benchmarks", *given, "--limit", "2")
    assert again.returncode == 0 and spent(server) == second, "what is finished is not repeated"

    found = json.loads((path / "paper.json").read_text())
    assert [each["name"] for each in found["runs"]] == ["base", "frozen-1", "frozen-2", "trained-2"]
    by_name = {each["name"]: each["tasks"] for each in found["runs"]}
    assert by_name["base"]["hotpotqa"]["accuracy"]["mean"] == 0.0
    assert by_name["trained-2"]["hotpotqa"]["accuracy"]["mean"] == 1.0
    assert by_name["base"]["aime24"]["effort"]["turns"] is None
    assert [each["baseline"] for each in found["runs"]] == ["cot", "", "", ""]
    assert {each["judge"] for each in found["runs"]} == {found["judge"]}
    over_all = [each for each in found["tests"] if each["task"] == "all tasks"]
    assert [each["pair"] for each in over_all] == [["base", "frozen"], ["frozen", "trained"]]
    assert over_all[0]["difference"]["test"]["difference"] == 0.0 and not over_all[0]["holds"]
    assert over_all[1]["difference"]["test"]["p"] <= over_all[1]["corrected"]
    assert over_all[1]["difference"]["test"]["difference"] > 0.5

    table = list(csv.reader((path / "paper.csv").read_text().splitlines()))
    assert table[0][:3] == ["Task", "Plain", "Plain, std. error"]
    assert table[0][3::2][:2] == ["Frozen, 2 turns", "Trained, 2 turns"]
    hotpot = next(row for row in table if row[0] == "HotpotQA")
    assert hotpot[1:7] == ["0.0", "0.0", "0.0", "0.0", "100.0", "0.0"] and "51.3" in hotpot
    latex = (path / "paper.tex").read_text()
    assert latex.count(r"\begin{tabular}") == latex.count(r"\bottomrule") == 4
    assert "HotpotQA & 0.0 $\\pm$ 0.0 &" in latex and not re.search(r"[^\\]%", latex)
    assert (path / "paper.html").read_text().count("<table") == 4
    assert "Made up &amp; small" in (path / "paper.html").read_text()


def test_a_manifest_that_ships_is_the_papers() -> None:
    found = read_manifest("paper-7b")
    assert list(found.tasks) == TEN and found.trials == 3
    names = [entry.name for entry in found.entries]
    assert names[0] == "base" and len(names) == 9
    assert found.arms["base"].baseline == "cot" and found.filter_leaks
    assert found.assumed == Assumed()
    assert mean_turns(10, found.assumed) == 3.61 and mean_turns(1, found.assumed) == 1.0
    assert mean_turns(4, found.assumed) == pytest.approx(2.29)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("trials = 1", "trails = 1", "trails: Extra inputs are not permitted"),
        ("trials = 1", "trials = 0", "trials: Input should be greater than or equal to 1"),
        ('"frozen"]', '"frozenn"]', "compare names 'frozenn' (did you mean 'frozen'?)"),
        ("budgets = [2]", "baseline = 'cot'\nbudgets = [2]", "a baseline takes no turns"),
        ("AgentFlow no RL", "AgentFlow", "the paper has no 'AgentFlow'"),
        ('tools = "wiki', 'max_turns = 3, tools = "wiki', "max_turns is what budgets says"),
        ("title", "title = [", "is not TOML"),
    ],
)
def test_a_manifest_that_is_not_understood_is_refused(
    before: str, after: str, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    manifest(path, "http://127.0.0.1:1", ["aime24"])
    path.write_text(path.read_text().replace(before, after, 1))
    with pytest.raises(SettingError, match=re.escape(why)):
        read_manifest(str(path))


def test_what_a_pilot_measured_has_the_judge_in_it(tmp_path: Path) -> None:
    given = manifest(tmp_path / "mine.toml", "http://127.0.0.1:1", ["bamboogle"])
    found = read_manifest(given)
    entry = next(found.entries)
    judge, price = found.judge, Price(input=1.0, output=10.0)
    prices = {judge: price, entry.arm.model: price}
    request = replace(Plan(tmp_path, found, prices).request(entry), expected={"bamboogle": 125})
    judging = {"calls": 1.0, "input_tokens": 400.0, "output_tokens": 40.0}
    asked: dict[str, Any] = {"scored_by": "judge", "judging": judging, "judging_cost": 0.3}
    ran: dict[str, Any] = {"input_tokens": 1000, "output_tokens": 100, "cost": 0.1}
    pilot = [
        Result("bamboogle", "a", 1, 1.0, **ran),
        Result("bamboogle", "b", 1, 0.0, **ran, **asked),
    ]

    def reckoned(*results: Result, by: str = judge) -> Estimate:
        names = {"bamboogle": 125}
        session = Session("x", {"bamboogle": "full"}, names, 1, {}, {}, list(results), judge=by)
        return estimate(entry, request, registry(), found.assumed, session)

    measured = reckoned(*pilot)
    assert (measured.trials, measured.measured) == (123, 2)
    assert measured.dollars == pytest.approx(123 * (0.1 + 0.3 / 2))
    assert measured.input_tokens == pytest.approx(123 * (1000 + 400 / 2))
    read, written = found.assumed.tokens["judge"]
    assumed = found.assumed.judged * (read + 10.0 * written) / 1e6
    for unasked in (reckoned(*pilot, by=""), reckoned(pilot[0])):  # no pilot of this judge
        assert unasked.dollars == pytest.approx(unasked.trials * (0.1 + assumed))


def test_yaml_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("title: x\ntasks: [aime24]\narms:\n  a: {title: A, budgets: [5, 3]}\n")
    assert [entry.name for entry in read_manifest(str(path)).entries] == ["a-3", "a-5"]


def test_a_dry_run_needs_no_data_and_names_what_is_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = manifest(tmp_path / "mine.toml", "http://127.0.0.1:1", ["aime24", "bamboogle"])
    text = Path(given).read_text().replace("as_is = true\n", "")
    Path(given).write_text(text)
    assert main(["paper", given, "--run", str(tmp_path / "runs"), "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"frozen-2\s+155\s.*assumptions", shown)
    assert re.search(r"aime24\s+30\s+28", shown)
    assert "no price of vllm:good@http://127.0.0.1:1, " in shown and "$0.00" not in shown
    assert "would be refused (frozen, trained): wikipedia_search would look" in shown
    assert not (tmp_path / "runs").exists()


def test_without_a_folder_or_a_run_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["paper", "paper-7b", "--show"]) == 0
    assert "[arms.trained]" in capsys.readouterr().out
    assert main(["paper", "paper-7b"]) == 2
    assert "--run DIR is missing" in capsys.readouterr().err
    assert main(["paper", "paper-7b", "--run", str(tmp_path), "--report"]) == 2
    assert "holds no run of this manifest" in capsys.readouterr().err
    (tmp_path / "run.json").write_text("{}")
    for words in (["--dry-run"], ["--report"]):
        assert main(["paper", "paper-7b", "--run", str(tmp_path), *words]) == 2
        assert f"{tmp_path} is the folder of a run" in capsys.readouterr().err
    assert main(["paper", "papper", "--run", str(tmp_path)]) == 2
    assert "papper cannot be read" in capsys.readouterr().err
