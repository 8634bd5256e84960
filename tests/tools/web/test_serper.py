"""`google_search` through Serper. Its address is fixed, so its name leads to a server of ours."""

from __future__ import annotations

import datetime
import ipaddress
import logging
import ssl
from pathlib import Path
from typing import Any

import pytest
from answering import Answering, Reply
from pydantic import SecretStr

from tools.google_search import GoogleSearch
from tools.services.cache import Cache
from tools.services.remote import Service
from tools.web.serper import Serper

KEY = "AIza-planted-0123456789"
QUICK = Service("Gemini", rate=100.0, attempts=2, seconds=2.0)


async def outcome(tool: GoogleSearch, query: str = "Zürich?") -> tuple[str, str]:
    text, result = await tool._arun(query=query)
    return result["status"], text


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "google.serper.dev")])
    now = datetime.datetime.now(datetime.UTC)
    alternatives = [x509.DNSName("google.serper.dev"), x509.IPAddress(ipaddress.ip_address("::1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(*form, serialization.NoEncryption())
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


class Secure(Answering):
    """The same server behind TLS, reached by the name of the real one."""

    def __init__(self, replies: list[Reply], certificate: Path) -> None:
        super().__init__(replies)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._trust = ssl.create_default_context(cafile=str(certificate))

    def connector(self) -> Any:
        import aiohttp
        from aiohttp.abc import AbstractResolver, ResolveResult

        port = self._server.server_port

        class Here(AbstractResolver):
            async def resolve(self, host: str, *_: Any, **__: Any) -> list[ResolveResult]:
                here = {"hostname": host, "host": "127.0.0.1", "port": port}
                return [ResolveResult(**here, family=2, proto=0, flags=0)]  # type: ignore[typeddict-item]

            async def close(self) -> None:
                return None

        return aiohttp.TCPConnector(ssl=self._trust, resolver=Here())

    def tool(self, folder: Path | None = None) -> GoogleSearch:
        service = Service("Serper", rate=100.0, attempts=2, seconds=2.0)
        backend = Serper(SecretStr(KEY), service=service, connector=self.connector)
        return GoogleSearch(backend=backend, cache=Cache(folder))


JSON = {"Content-Type": "application/json"}
ORGANIC = [{"title": "Museum", "link": "https://a.example/", "snippet": "Open\ndaily."}] * 9


@pytest.mark.integration
async def test_serper_gives_pages_and_googles_short_answer(certificate: Path) -> None:
    body = {"answerBox": {"answer": "At nine."}, "organic": ORGANIC}
    replies = [Reply(200, one, JSON) for one in (body, {"organic": ORGANIC[:1]})]
    with Secure(replies, certificate) as server:
        server_text = await server.tool().ainvoke({"query": "museum"})
        plain = await server.tool().ainvoke({"query": "other"})
    lines = server_text.split("\n")
    assert lines[:3] == ["At nine.", "Pages:", "[1] Museum: Open daily. (https://a.example/)"]
    assert len(lines) == 7
    assert plain == "[1] Museum: Open daily. (https://a.example/)"
    assert server.asked[0].path == "/search"
    assert server.asked[0].headers["X-API-KEY"] == KEY
    assert server.asked[0].query["q"] == "museum"


@pytest.mark.integration
@pytest.mark.parametrize(
    ("reply", "status", "said"),
    [
        (Reply(429), "unavailable", "limits its callers"),
        (Reply(500), "unavailable", "out of order"),
        (Reply(403, {"message": "Unauthorized."}), "unavailable", "set SERPER_API_KEY"),
        (Reply(400), "error", "rejects the request"),
        (Reply(delay=3.0), "timeout", "gave no answer in 2 s"),
        (Reply(body="<html>"), "unavailable", "is no JSON"),
        (Reply(body="{", headers=JSON), "unavailable", "answered"),
        (
            Reply(body={"x": 1}, headers=JSON),
            "unavailable",
            "no res",
        ),
        (
            Reply(body={"organic": []}, headers=JSON),
            "error",
            "nothing matches",
        ),
    ],
)
async def test_what_goes_wrong_at_serper_is_typed(
    reply: Reply, status: str, said: str, certificate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), Secure([reply], certificate) as server:
        found = await outcome(server.tool())
    assert found[0] == status
    assert said in found[1]
    assert KEY not in found[1] + caplog.text


@pytest.mark.integration
async def test_nobody_at_serper(certificate: Path) -> None:
    with Secure([Reply()], certificate) as server:
        tool = server.tool()
    status, text = await outcome(tool)
    assert status == "unavailable"
    assert "cannot be reached" in text
