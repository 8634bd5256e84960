from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.embeddings import Embeddings

from tools.services.faults import RemoteFault
from tools.web.chunks import MOST, rank, split
from tools.web.fetch import Document
from tools.web.page import decode, read_page

ARTICLE = """<!doctype html><html><head><title>Harbor  Museum</title><style>p {}</style></head>
<body><nav><a href="/">Home</a> <a href="/shop">Shop</a></nav>
<div class="cookie-banner">We use cookies. <button>Accept</button></div>
<main><article><h1>Harbor Museum</h1>
<p>The Harbor Museum shows ships of four centuries in the old customs house by the water.</p>
<p>It was founded in 1871 by the pilots of the town, and moved to its present house in 1950.</p>
<table><tr><th>Day</th><th>Hours</th></tr><tr><td>Monday</td><td>nine to five</td></tr></table>
<ul><li>Children enter free.</li><li>Dogs stay outside.</li></ul>
</article></main><script>track("visitor")</script><footer>Imprint</footer></body></html>"""


def document(body: str | bytes, media: str = "text/html", charset: str = "") -> Document:
    raw = body.encode() if isinstance(body, str) else body
    return Document("https://example.org/", media, charset, raw)


async def test_the_main_text_comes_without_what_surrounds_it() -> None:
    page = await read_page(document(ARTICLE))
    assert page.title == "Harbor Museum"
    for wanted in ("founded in 1871", "nine to five", "Children enter free", "Dogs stay outside"):
        assert wanted in page.text
    for unwanted in ("Shop", "cookies", "track(", "Imprint"):
        assert unwanted not in page.text


@pytest.mark.parametrize(
    "body",
    [
        "<p>Open daily.</p>",
        "Open daily.",
        "<html><head><title>x</title></head><body>Open daily.<script>evil()</script>",
        "<title>Museum</title><article><p>Open daily.</article>",
        "<div>" * 3000 + "Open daily." + "</div>" * 3000,
    ],
)
async def test_short_and_odd_pages_give_their_visible_text(body: str) -> None:
    page = await read_page(document(body))
    assert "Open daily." in page.text
    assert "evil" not in page.text


async def test_a_page_of_fragments_keeps_its_title() -> None:
    page = await read_page(
        document("<title>Harbor\n Museum</title><article><p>Open daily.</article>")
    )
    assert (page.title, page.text) == ("Harbor Museum", "Open daily.")


@pytest.mark.parametrize("body", ["", "   ", "<html></html>", "<script>only()</script>"])
async def test_a_page_without_text_is_a_fault(body: str) -> None:
    with pytest.raises(RemoteFault, match="holds no text") as raised:
        await read_page(document(body))
    assert raised.value.status == "error"


@pytest.mark.parametrize("media", ["text/plain", "application/json", "text/csv"])
async def test_text_is_taken_as_it_is(media: str) -> None:
    page = await read_page(document("a <b>,\n 1", media))
    assert page.text == "a <b>,\n 1"


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("grüß".encode(), "", "grüß"),
        ("grüß".encode("latin-1"), "iso-8859-1", "grüß"),
        (b"\xef\xbb\xbfgr", "", "gr"),
        ("grüß".encode("latin-1"), "", "gr\ufffd\ufffd"),
        (b"gr", "no-such-charset", "gr"),
        (b"gr", "rot13", "gr"),
        (b"gr", "zlib", "gr"),
        (b"gr", "bz2", "gr"),
        (b"gr", "idna", "gr"),
        (b"gr", "punycode", "gr"),
        (b"gr", "undefined", "gr"),
        (b"gr", "x" * 100_000, "gr"),
        (b"gr", "a\0b", "gr"),
    ],
)
def test_charsets(body: bytes, charset: str, text: str) -> None:
    assert decode(charset, body) == text


async def test_a_page_may_name_its_charset_itself() -> None:
    body = "<meta charset=iso-8859-1><title>Grüße</title><p>Grüße aus Köln</p>".encode("latin-1")
    page = await read_page(document(body))
    assert page.title == "Grüße"
    assert "Grüße aus Köln" in page.text


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ("<p>word <b>word</b> " * 250_000, ""),
        ("<div>word" * 110_000, ""),
        ("a-" + "9" * 4_000_000, "punycode"),
    ],
    ids=["long", "deep", "punycode"],
)
async def test_a_hostile_page_takes_bounded_time_and_leaves_the_loop_alone(
    body: str, charset: str
) -> None:
    held, last = 0.0, time.thread_time()

    async def tick() -> None:
        nonlocal held, last
        while True:
            await asyncio.sleep(0.01)
            held, last = max(held, time.thread_time() - last), time.thread_time()

    ticking = asyncio.create_task(tick())
    started = time.perf_counter()
    try:
        assert (await read_page(document(body, charset=charset))).text
    except RemoteFault as fault:
        assert "cannot be read (it takes too long): choose another page" in str(fault)
    ticking.cancel()
    assert time.perf_counter() - started < 60
    assert held < 0.5


async def test_a_page_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.web.page.SECONDS", 0.2)
    with pytest.raises(RemoteFault, match="https://example.org/ cannot be read .it takes too long"):
        await read_page(document("<p>word <b>word</b> " * 250_000))
    monkeypatch.undo()
    assert (await read_page(document("<p>Open daily.</p>"))).text == "Open daily."


@given(st.text(max_size=3000), st.integers(2, 30), st.data())
def test_chunks_cover_the_text(text: str, words: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, words - 1))
    chunks = split(text, words, overlap)
    assert bool(chunks) == bool(text.strip())
    assert all(chunk in text for chunk in chunks)
    assert all(chunk == chunk.strip() for chunk in chunks)
    if len(chunks) < MOST:
        covered = {word for chunk in chunks for word in chunk.split()}
        assert {word for word in text.split() if len(word) <= 100} <= covered


def test_chunks_share_words_with_their_neighbours() -> None:
    chunks = split(" ".join(map(str, range(500))))
    assert [chunk.split()[0] for chunk in chunks] == ["0", "180", "360"]
    assert [len(chunk.split()) for chunk in chunks] == [200, 200, 140]
    assert split(" ".join(map(str, range(200)))) == [" ".join(map(str, range(200)))]


def test_text_without_spaces_is_split_too() -> None:
    assert max(map(len, split("字" * 50_000))) <= 20_000
    assert len(split("x " * 200_000)) == MOST


async def test_the_chunk_with_the_words_comes_first() -> None:
    chunks = ["the town has a harbor", "the museum opens at nine", "fish is sold at the harbor"]
    assert (await rank("When does the MUSEUM open?", chunks, 1)) == [chunks[1]]
    assert await rank("zzz", chunks, 2) == chunks[:2]
    assert await rank("anything", [], 3) == []


class Fixed(Embeddings):
    """Two directions: texts about fish, and all others."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [1.0, 0.1] if "fish" in text or "herring" in text else [0.1, 1.0]


class Broken(Fixed):
    def embed_query(self, text: str) -> list[float]:
        raise PermissionError("key sk-planted-0123456789 refused")


class Ragged(Fixed):
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[1.0]] * len(texts)


async def test_embeddings_rank_by_meaning() -> None:
    chunks = ["a harbor", "fish is sold here", "a museum"] * 50
    assert await rank("where to buy herring", chunks, 1, Fixed()) == ["fish is sold here"]


@pytest.mark.parametrize("embeddings", [Broken(), Ragged()])
async def test_broken_embeddings_are_a_fault(embeddings: Embeddings) -> None:
    with pytest.raises(RemoteFault, match="the embeddings model failed") as raised:
        await rank("a", ["b", "c"], 1, embeddings)
    assert "sk-planted" not in str(raised.value)
