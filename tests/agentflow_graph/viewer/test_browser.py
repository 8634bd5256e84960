"""The page in a real browser: lists, keys, a phone, the dark, text that stays text, a live run."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from chromium import Page, browser, program
from viewing import Seen, finished, run_events, write

from agentflow_graph.record.events import line_of

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not program(), reason="no chromium on this machine: apt install chromium"),
]
NAMES = [f"train-00001/q1/{number}/0" for number in range(3)]
HOSTILE = (
    "<img src=x onerror=document.title='PWNED'><script>document.title='PWNED'</script>\u202eevil"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Seen, str]]:
    """A training of one step and its address; a run has a result of 1 MB, another is hostile."""
    root = tmp_path_factory.mktemp("training")
    right = run_events(NAMES[0], "What is 6 * 7?", result="r" * 1_000_000)
    wrong = run_events(NAMES[1], HOSTILE, tool="look_up", result=HOSTILE, answer=HOSTILE)
    events = [*right, finished(NAMES[0], 1.0), *wrong, finished(NAMES[1], 0.0)]
    write(root / "run/record/train-00001", [*events, *run_events(NAMES[2])[:3]])
    for warmth in (0.0, 0.7):
        name = f"heldout-00000-{warmth}/q9/0/0"
        write(
            root / f"run/record/heldout-{warmth}",
            [*run_events(name, "What is 1?"), finished(name, 1.0)],
        )
    held = {"kind": "evaluation", "step": 0, "set": "heldout", "success": 1.0}
    told = [
        {"kind": "step", "step": 1, "reward": 0.5, "turns": 1.0},
        {**held, "temperature": 0.7, "seconds": 3.5},
        {**held, "temperature": 0.0, "seconds": 0.1},
    ]
    (root / "run/metrics.jsonl").write_text("".join(json.dumps(one) + "\n" for one in told))
    here = Seen(root / "run", root / "cache")
    with here.served(follows=True) as (address, token):
        yield here, f"{address}/#token={token}"


def at(view: str) -> str:
    return f"document.body.dataset.ready === '{view}'"


def text(page: Page) -> str:
    return str(page.value("document.body.innerText"))


def test_each_evaluation_says_its_own_time_in_words(page: Page, training) -> None:
    page.look(1280)
    page.open(training[1], at("steps"))
    rows = page.value("[...document.querySelectorAll('a.batch')].map((row) => row.innerText)")
    took = {row.partition("\n")[0]: row for row in rows}
    assert took["held-out at the beginning, temperature 0.7"].endswith("3.5 s")
    assert took["held-out at the beginning, temperature 0.0"].endswith("100 ms")
    assert "1 turns" not in text(page)
    page.open(f"{training[1]}&to=groups?part=train-00001", at("groups"))
    shown = text(page)
    assert "order: as begun · wrong first" in shown
    assert "each square a run:" in shown and "page 1 of 1" not in shown
    page.open(f"{training[1]}&to=run?name={NAMES[0]}", at("run"))
    assert "Enough. it is there." in " ".join(text(page).split())


def test_a_training_is_walked_by_keys(page: Page, training) -> None:
    page.look(1280)
    page.open(training[1], at("steps"))
    assert "token" not in page.value("location.href"), "it is not copied along with the address"
    assert "step 1" in text(page)
    for view in ("groups", "group"):
        page.press("j")
        page.press("Enter")
        page.wait(at(view))
    assert "The runs parted in turn 1" in text(page)
    page.press("j")
    page.press("Enter")
    page.wait(at("run"))
    assert "Tool Name: python_coder" in text(page)
    page.press("Escape")
    page.wait(at("group"))
    page.press("/")
    page.wait(at("runs") + " && document.activeElement.id === 'search'")
    page.type("6 * 7")
    page.press("Enter")
    page.wait("document.querySelectorAll('a.row').length === 2")


def test_text_of_a_model_stays_text(page: Page, training) -> None:
    page.open(f"{training[1]}&to=run?name={NAMES[1]}", at("run"))
    assert page.value("document.querySelectorAll('main img, main script').length") == 0
    assert "<script>" in text(page)
    assert "\\u202eevil" in text(page)
    page.value(
        "document.body.append(Object.assign(document.createElement('script'), "
        "{textContent: 'window.ran = true'}))"
    )
    assert page.value("window.ran") is None, "the page forbids itself scripts in the text"
    assert not [each for each in page.told if each["method"] == "Runtime.exceptionThrown"]


def test_a_long_result_is_seen_portion_by_portion(page: Page, training) -> None:
    page.open(f"{training[1]}&to=run?name={NAMES[0]}", at("run"))
    assert "4,000 of 1,000,000 characters" in text(page)
    page.value("document.querySelector('.more').click()")
    page.wait("document.querySelector('.more').textContent.startsWith('more: 104,000')")
    assert page.value("document.querySelector('.result .text').textContent.length") == 104_000


@pytest.mark.parametrize(
    "view",
    [
        "steps",
        "runs",
        "groups?part=train-00001",
        "group?part=train-00001%26item=q1",
        f"run?name={NAMES[1]}",
    ],
)
def test_a_phone_in_the_dark_scrolls_one_way(page: Page, training, view: str) -> None:
    page.look(400, dark=True)
    page.open(f"{training[1]}&to={view}", at(view.partition("?")[0]))
    assert page.value("document.documentElement.scrollWidth") <= 400
    assert page.value("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"


def test_a_running_run_is_followed_and_nothing_comes_from_elsewhere(page: Page, training) -> None:
    here, address = training
    page.look(1280)
    page.told.clear()
    page.open(f"{address}&to=run?name={NAMES[2]}", at("run"))
    assert "No answer yet" in text(page)
    (path,) = (here.root / "record/train-00001").glob("*.jsonl")
    with path.open("ab") as file:
        file.writelines(map(line_of, run_events(NAMES[2])[3:]))
    page.wait("document.body.innerText.includes('it is there')")
    asked = [each["params"] for each in page.told if each["method"] == "Network.requestWillBeSent"]
    origin = address.partition("/#")[0]
    assert {one["request"]["url"].startswith(origin + "/") for one in asked} == {True}
    weights = [
        each["params"]["encodedDataLength"]
        for each in page.told
        if each["method"] == "Network.loadingFinished"
    ]
    assert sum(weights) < 500_000


def test_without_the_token_the_page_says_what_to_do(page: Page, training) -> None:
    origin = training[1].partition("#")[0]
    page.open(f"{origin}#token=wrong", "document.querySelector('[role=alert]') !== null")
    assert "open the address that the viewer printed" in text(page)
