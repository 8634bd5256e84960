"""Print a lock: each version with the SHA-256 of every file that may be installed as it.

    python scripts/hashes.py VERSIONS LOCK REPORT...

VERSIONS has lines `name==version`, LOCK is the former lock, a REPORT is what `pip install --report`
wrote: the files that pip would take, with the hashes that the index states, or of the bytes where a
folder has the file. Hashes that the former lock has of the same version stay: a lock made on two
machines accepts the files of both.
"""

import json
import re
import sys
from collections import defaultdict
from pathlib import Path

Hashes = dict[tuple[str, str], set[str]]
"""By name, spelt as PyPI compares names, and version: `sha256:...` of each file."""


def key(name: str, version: str) -> tuple[str, str]:
    """`("ruamel.yaml", "1")` and `("Ruamel_YAML", "1")` are one."""
    return re.sub(r"[-_.]+", "-", name).lower(), version


def locked(lock: str) -> Hashes:
    """What the former lock accepts."""
    lines = [line.split() for line in lock.splitlines() if line and not line.startswith("#")]
    return {
        key(*words[0].split("==")): {word.removeprefix("--hash=") for word in words[1:]}
        for words in lines
    }


def reported(report: str) -> Hashes:
    """What pip would take."""
    found = {}
    for file in json.loads(report)["install"]:
        # pip 22 has no `hashes` here, and newer ones still write `hash`.
        digest = file["download_info"]["archive_info"]["hash"].replace("=", ":")
        if not digest.startswith("sha256:"):
            sys.exit(f"{file['metadata']['name']}: the index states {digest}, no SHA-256")
        found[key(file["metadata"]["name"], file["metadata"]["version"])] = {digest}
    return found


def main(versions: str, *sources: Hashes) -> None:
    """Print a line for each line of `versions`.

    Exits with a message if no source has a file of a version.
    """
    known: Hashes = defaultdict(set)
    for source in sources:
        for version, digests in source.items():
            known[version] |= digests
    for line in versions.splitlines():
        accepted = sorted(known[key(*line.split("=="))])
        if not accepted:
            sys.exit(f"{line}: no index has a file of it; see what pip said above")
        print(line, *(f"--hash={digest}" for digest in accepted))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    texts = [Path(name).read_text() for name in sys.argv[1:]]
    main(texts[0], locked(texts[1]), *map(reported, texts[2:]))
