"""Embeddings from any server that speaks OpenAI's `POST /embeddings`.

    embeddings = Endpoint("all-minilm", "http://127.0.0.1:11434/v1")
    rows = await embeddings.aembed_documents(["a text", "another"])

LangChain's own OpenAIEmbeddings sends token ids, which other servers do not take, and loads its
tokenizer from the network. Specification: platform.openai.com/docs/api-reference/embeddings.
"""

from __future__ import annotations

from langchain_core.embeddings import Embeddings
from pydantic import BaseModel, SecretStr, ValidationError

from tools.base import run_blocking
from tools.outcomes.threads import in_thread
from tools.services.remote import Service


class _Row(BaseModel):
    index: int
    embedding: list[float]


class _Reply(BaseModel):
    data: list[_Row]


class Endpoint(Embeddings):
    """`model` at `url`, the address that ends before `/embeddings`."""

    def __init__(self, model: str, url: str, key: SecretStr | None = None) -> None:
        """Nothing is sent yet; a key goes into the header `Authorization`."""
        self._model, self._url = model, url.rstrip("/")
        self._service = Service(
            "the embeddings service", rate=50.0, key=key, max_bytes=50_000_000, remedy="check it"
        )

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """One row per text, in their order.

        Raises:
            RemoteFault: the service gives none.
        """
        key = self._service.key
        headers = {} if key is None else {"Authorization": f"Bearer {key.get_secret_value()}"}
        body = {"model": self._model, "input": texts, "encoding_format": "float"}
        async with self._service.client(headers=headers) as client:
            response = await self._service.call(
                lambda: client.post(f"{self._url}/embeddings", json=body)
            )
        try:
            found = await self._service.json(response)
            rows = (await in_thread(_Reply.model_validate, found)).data
        except ValidationError as fault:
            raise self._service.garbage("JSON that holds no embeddings") from fault
        return [row.embedding for row in sorted(rows, key=lambda row: row.index)]

    async def aembed_query(self, text: str) -> list[float]:
        """The row of one text.

        Raises:
            RemoteFault: the service gives none.
        """
        rows = await self.aembed_documents([text])
        if not rows:
            raise self._service.garbage("no embedding")
        return rows[0]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """`aembed_documents` for synchronous callers."""
        return run_blocking(self.aembed_documents(texts))

    def embed_query(self, text: str) -> list[float]:
        """`aembed_query` for synchronous callers."""
        return run_blocking(self.aembed_query(text))
