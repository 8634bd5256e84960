"""The documentation site, as `make site` builds it: whole, and of this machine alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from chromium import browser, program

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
STRICT = ("-q", "-E", "-W", "--keep-going")
WIDEST = "Math.max(...[...document.querySelectorAll('html, .content')].map(e => e.scrollWidth))"
"""Tables, code and pictures scroll by themselves; what moves the whole text is too wide."""
LOADING = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""What a browser fetches without being asked."""


def sphinx(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-c", str(ROOT / "scripts" / "site"), *STRICT]
    command += ["-d", str(out / "doctrees"), str(source), str(out / "site")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder."""
    out = tmp_path_factory.mktemp("built")
    done = sphinx(ROOT, out)
    assert done.returncode == 0, done.stderr
    return out / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, BeautifulSoup]:
    return {path: BeautifulSoup(path.read_text(), "html.parser") for path in site.rglob("*.html")}


def test_make_builds_it_as_strictly() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (line,) = re.findall(r"^\t@\$\(SPHINX\) (.*) \. build/site$", makefile, re.MULTILINE)
    assert tuple(line.split()) == STRICT


def test_every_page_is_reached_from_the_first(site: Path, pages: dict[Path, BeautifulSoup]) -> None:
    entry = pages[site / "index.html"].a
    assert entry is not None and entry["href"] == "README.html"
    shown = pages[site / "README.html"].select(".sidebar-tree a")
    named = {str(link["href"]).replace(".html", ".md") for link in shown}
    ours = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")}
    ours |= {"CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "examples/README.md"}
    assert named == ours


def test_every_link_leads_to_a_page_a_file_or_an_anchor_of_it(
    pages: dict[Path, BeautifulSoup],
) -> None:
    anchors = {path: {tag["id"] for tag in page.select("[id]")} for path, page in pages.items()}
    wrong, seen = [], 0
    for path, page in pages.items():
        for link in page.select("a[href]"):
            to = urlsplit(str(link["href"]))
            if to.scheme:
                continue
            target = (path.parent / unquote(to.path)).resolve() if to.path else path
            seen += 1
            known = anchors.get(target, set())
            if not target.exists() or (to.fragment and unquote(to.fragment) not in {*known, ""}):
                wrong.append(f"{path.name}: {link['href']}")
    assert wrong == []
    assert seen > 1000


def test_links_to_sources_give_the_files(site: Path, pages: dict[Path, BeautifulSoup]) -> None:
    (link,) = pages[site / "README.html"].select("a[href$='minimal_flow_grpo.py']")
    file = site / str(link["href"])
    assert file.read_bytes() == (ROOT / "examples" / "minimal_flow_grpo.py").read_bytes()


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, BeautifulSoup]) -> None:
    loaded = [
        str(tag.get(LOADING[tag.name], ""))
        for page in pages.values()
        for tag in page.find_all(list(LOADING))
        if isinstance(tag, Tag)
    ]
    assert len(loaded) > 100
    assert [address for address in loaded if urlsplit(address).netloc] == []
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//[^)]*", styles) == []


@pytest.mark.parametrize("name", ["README", "docs/architecture"])
def test_pictures_are_drawn(name: str, site: Path, pages: dict[Path, BeautifulSoup]) -> None:
    page = pages[site / f"{name}.html"]
    (drawn,) = page.select(".mermaid svg")
    assert len(drawn.select("g.node")) > 7
    for image in page.select("article img"):
        assert (site / name).parent.joinpath(str(image["src"])).stat().st_size > 1000


@pytest.mark.enable_socket
@pytest.mark.skipif(not program(), reason="no Chromium on this machine")
def test_a_telephone_shows_every_page_whole_and_asks_nobody(site: Path, tmp_path: Path) -> None:
    with browser(tmp_path / "profile") as page:
        page.look(400)
        wide = {}
        for path in sorted(site.rglob("*.html")):
            # index.html goes on to README, and is no page while it does.
            there = "location.pathname" if path.name == "index.html" else "''"
            ends = f"!{there}.endsWith('index.html') && innerWidth > 0"
            page.open(path.as_uri(), f"{ends} && document.readyState == 'complete'")
            wide[path.name] = page.value(WIDEST)
        asked = {
            urlsplit(told["params"]["request"]["url"]).scheme
            for told in page.told
            if told["method"] == "Network.requestWillBeSent"
        }
    assert {name: width for name, width in wide.items() if width > 400} == {}
    assert asked <= {"file", "data"} and "file" in asked


def test_a_link_that_leads_nowhere_breaks_the_build_off(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# A\n\n[x](docs/absent.md) [y](b.md#absent) [z](b.md#c)\n")
    (tmp_path / "b.md").write_text("# B\n\n## C\n")
    done = sphinx(tmp_path, tmp_path / "out")
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if "README.md:3: " in line]
    assert len(said) == 2 and "docs/absent.md" in said[0] and "absent" in said[1], done.stderr
