"""`wikipedia_search` over a real kiwix-serve and an archive that the test makes."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from answering import Answering, Reply

from tools.services.remote import Service
from tools.wiki.kiwix import Kiwix
from tools.wiki.markup import strip_markup
from tools.wiki.terms import pattern
from tools.wikipedia_search import WikipediaSearch

ARTICLES = {
    "Old_Harbor": "<p>Old Harbor is a town by the sea.</p>"
    + "<p>Ships came and went for years.</p>" * 40
    + "<h2>Politics</h2><p>Its mayor is <b>Luis Osman</b>.<sup class='reference'>[1]</sup></p>",
    "Mira_Voss": "<p>Mira Voss is a painter from Old Harbor.</p><script>evil()</script>",
    "Écija": "<p>Écija is a town in Spain.</p><nav>Home | About</nav>",
}
INSTALL = "apt-get install kiwix-tools zim-tools"
missing = [name for name in ("kiwix-serve", "zimwriterfs") if shutil.which(name) is None]
real = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(missing), reason=f"no {' and no '.join(missing)}: {INSTALL}"),
]


def png(size: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" * (size + 1)) * size)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def archived(folder: Path, name: str) -> Path:
    """An archive of the articles in a file of that name."""
    pages = folder / f"{name} pages"
    pages.mkdir()
    for stem, body in ARTICLES.items():
        title = stem.replace("_", " ")
        head = f"<head><meta charset='utf-8'><title>{title}</title></head>"
        page = f"<html>{head}<body><h1>{title}</h1>{body}</body></html>"
        (pages / f"{stem}.html").write_text(page, encoding="utf-8")
    (pages / "icon.png").write_bytes(png(48))
    words = "--welcome=Old_Harbor.html --illustration=icon.png --language=eng --title=Small"
    more = "--description=Small --creator=us --publisher=us --name=another"
    file = folder / f"{name}.zim"
    command = ["zimwriterfs", *words.split(), *more.split(), str(pages), str(file)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return file


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archived(tmp_path_factory.mktemp("kiwix"), "small_almanac")


@pytest.fixture(scope="module")
def kiwix(archive: Path) -> Iterator[str]:
    with serving(archive) as url:
        yield url


class serving:
    """A kiwix-serve over some archives, for a `with`; gives its address."""

    def __init__(self, *archives: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = ["kiwix-serve", "--address", "127.0.0.1", "--port", str(port)]
        self.process = subprocess.Popen(
            [*command, *map(str, archives)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> str:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{self.url}/catalog/v2/entries", trust_env=False).raise_for_status()
                return self.url
            except httpx.HTTPError:
                time.sleep(0.05)
        raise AssertionError("kiwix-serve did not start in 20 s")

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def searching(url: str, book: str = "", top_k: int = 2) -> WikipediaSearch:
    return WikipediaSearch(backend=Kiwix(url, book), top_k=top_k)


class TestReal:
    pytestmark = real

    async def test_a_question_finds_the_passage_inside_the_article(self, kiwix: str) -> None:
        text = await searching(kiwix).ainvoke({"query": "Who is the mayor of Old Harbor?"})
        first = text.split("\n")[0]
        assert first.startswith("[1] Old Harbor: ")
        assert "Its mayor is Luis Osman. " in first
        assert first.endswith(f"({kiwix}/small_almanac/Old_Harbor.html)")
        assert len(first.split()) < 110

    async def test_the_address_given_can_be_opened(self, kiwix: str) -> None:
        (passage,) = await Kiwix(kiwix).search("Spain", 1)
        assert passage.title == "Écija"
        assert passage.text == "Écija Écija is a town in Spain."
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(passage.url)).status_code == 200

    async def test_nothing_found_is_said(self, kiwix: str) -> None:
        text, result = await searching(kiwix)._arun(query="zzzqqq")
        assert (result["status"], text[:18]) == ("error", "no article matches")

    async def test_a_book_that_is_not_there(self, kiwix: str) -> None:
        text, result = await searching(kiwix, book="another")._arun(query="mayor")
        assert result["status"] == "unavailable"
        assert "cannot search book 'another'" in text

    async def test_of_several_books_one_must_be_chosen(self, archive: Path, tmp_path: Path) -> None:
        with serving(archive, archived(tmp_path, "other")) as url:
            text, result = await searching(url)._arun(query="mayor")
            assert result["status"] == "unavailable"
            assert "2 books (other, small_almanac): set `book`" in text
            assert "Luis Osman" in await searching(url, "other").ainvoke({"query": "mayor"})

    async def test_a_server_that_is_gone(self, archive: Path) -> None:
        with serving(archive) as url:
            pass
        tool = WikipediaSearch(backend=Kiwix(url, service=Service("kiwix-serve", attempts=2)))
        text, result = await tool._arun(query="mayor")
        assert (result["status"], "cannot be reached" in text) == ("unavailable", True)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("reply", "status", "said"),
    [
        (Reply(200, "<html>hello"), "unavailable", "no XML"),
        (Reply(200, "<feed/>"), "unavailable", "0 books (none)"),
        (Reply(500, headers={"Retry-After": "0"}), "unavailable", "HTTP 500"),
        (Reply(200, b" " * 6_000_000), "error", "more than 5 MB"),
    ],
    ids=["html", "empty", "500", "oversize"],
)
async def test_a_server_that_is_no_kiwix(reply: Reply, status: str, said: str) -> None:
    with Answering([reply]) as server:
        text, result = await searching(server.url)._arun(query="mayor")
    assert result["status"] == status
    assert said in text


def test_stop_words_go_unless_there_is_nothing_else() -> None:
    assert pattern("Who was the mayor of Old Harbor?") == "mayor OR old OR harbor"
    assert pattern("The Who") == "the OR who"
    assert pattern("?!") == ""


def test_markup_goes_and_text_stays() -> None:
    html = (
        "<html><head><title>T</title></head><body><p>A <b>town</b>&nbsp;&amp; more.<br>Next"
        "<sup class='reference'><a href='#1'>[1]</a></sup></p><style>p {}</style>"
        "<table><tr><th>Mayor</th><td>Luis</td></tr></table><div class='navbox'><p>x</div>y"
    )
    assert strip_markup(html) == "A town & more.\nNext\nMayor\nLuis\ny"
    assert strip_markup("<p>unclosed <b>text") == "unclosed text"
    assert strip_markup("no markup") == "no markup"
