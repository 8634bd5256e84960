"""What every client shares: `Retry-After`, a service's own words, the trusted certificates."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

import httpx


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for, given as a number or as a date; None if it does not."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


@lru_cache(maxsize=1)
def trust() -> ssl.SSLContext:
    """The certificates that clients trust: loading them takes 20 ms, so they are shared."""
    return httpx.create_ssl_context()


def error_text(response: httpx.Response) -> str:
    """The message in the error body of a service, if it has the usual form."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return ""
    match body:
        case {"error": {"message": str(said)}} | {"detail": {"error": str(said)}}:
            return said
        case {"error": str(said)} | {"detail": str(said)} | {"message": str(said)}:
            return said
    return ""
