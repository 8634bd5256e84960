"""Keys of services, out of the environment."""

from __future__ import annotations

import os

from pydantic import SecretStr


def key_from(*variables: str) -> SecretStr | None:
    """The first variable that is set and not blank; it shows as stars wherever it is printed."""
    for name in variables:
        if found := os.environ.get(name, "").strip():
            return SecretStr(found)
    return None
