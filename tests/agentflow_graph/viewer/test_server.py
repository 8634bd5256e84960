"""The server: who may ask, for what, and what every answer forbids; the command around it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from launched import ROOT, environment
from viewing import Seen, run_events, write

from agentflow_graph.terminal.viewer.command import main

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, str]]:
    """A client of a viewer, and the token that it does not send by itself."""
    root = tmp_path_factory.mktemp("viewed")
    write(root / "run", run_events("a"))
    (root / "secret.txt").write_text("outside")
    (root / "run/other.txt").write_text("inside, and none of the record")
    with (
        Seen(root / "run", root / "cache").served() as (address, token),
        httpx.Client(base_url=address) as client,
    ):
        yield client, token


def bearer(token: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **more}


def test_data_needs_the_token(served) -> None:
    client, token = served
    assert client.get("/data/runs", headers=bearer(token)).json()["count"] == 1
    for headers in ({}, bearer("wrong"), {"Authorization": f"Basic {token}"}, {"Cookie": token}):
        refused = client.get("/data/runs", headers=headers)
        assert refused.status_code == 401
        assert "open the address that the viewer printed" in refused.json()["error"]
    assert client.get(f"/data/runs?token={token}").status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
    ],
)
@pytest.mark.parametrize("path", ["/", "/data/runs"])
def test_another_site_is_refused(served, path: str, headers: dict[str, str], status: int) -> None:
    client, token = served
    refused = client.get(path, headers=bearer(token, **headers))
    assert refused.status_code == status
    assert "is not the viewer's" in refused.json()["error"]
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize("path", ["/", "/app.js", "/data/runs", "/nothing"])
def test_every_answer_forbids_scripts_and_frames(served, path: str) -> None:
    headers = served[0].get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "python" not in headers["server"].lower()


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/other.txt",
        "/a.jsonl",
        "//etc/passwd",
        "/server.py",
        "/data/../../secret.txt",
        "/data/__class__",
    ],
)
def test_no_file_but_the_pages_own_is_served(served, path: str) -> None:
    client, token = served
    with socket.create_connection((client.base_url.host, client.base_url.port)) as line:
        host = client.base_url.netloc.decode()
        line.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_is_taken_in(served, method: str) -> None:
    client, token = served
    assert client.request(method, "/data/runs", headers=bearer(token)).status_code == 501


def test_the_page_has_no_script_in_its_text(served) -> None:
    page = served[0].get("/").text
    assert re.findall(r"<script[^>]*>", page) == ['<script type="module" src="/app.js">']
    assert not re.search(r"\son\w+=|style=|https?://", page)


def test_the_command_opens_a_run_and_ends_by_ctrl_c(tmp_path: Path) -> None:
    write(tmp_path / "run", run_events("a b/1"))
    command = [sys.executable, "-m", "agentflow_graph", "view", str(tmp_path / "run"), "a b/1"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--no-browser"],
        cwd=ROOT,
        env=environment(AGENTFLOW_CACHE=str(tmp_path / "cache")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    told = re.fullmatch(
        r"(http://127\.0\.0\.1:\d+)/#token=([\w-]{32})&to=run%3Fname%3Da%2Bb%252F1\n",
        process.stdout.readline(),
    )
    assert told
    found = httpx.get(f"{told[1]}/data/run?name=a b/1", headers=bearer(told[2])).json()
    assert found["answer"] == "42"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "ended\n")
    assert sorted(path.suffix for path in (tmp_path / "cache").rglob("*.*")) == [".lock", ".sqlite"]


def test_what_cannot_be_served_is_said_before_anything_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTFLOW_CACHE", str(tmp_path / "cache"))
    path = write(tmp_path / "run", run_events("a"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for words, said in (
            ([str(tmp_path / "none")], "none is not there; give the folder of a record"),
            ([str(path)], "a.jsonl is a file; give the folder of a record"),
            ([str(tmp_path / "run"), "--port", port], f"port {port} cannot be had"),
            ([str(tmp_path / "run"), "nope", "--port", "0"], "there is no run 'nope'"),
        ):
            assert main([*words, "--no-browser"]) == 2
            told = capsys.readouterr()
            assert told.err.startswith("error: ")
            assert said in told.err
            assert told.out == ""
