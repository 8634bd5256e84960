#!/usr/bin/env bash
# Resolves the dependencies anew and rewrites the lock. Run `make test` afterwards:
# a set that pip accepts is not yet a set that trains.
#
# The versions that matter (torch, vLLM, OpenRLHF, Ray, DeepSpeed) are pinned in
# pyproject.toml; raise them there first. Runs on Linux x86-64 with CPython 3.11.
set -euo pipefail
cd "$(dirname "$0")/.."

lock=requirements/cpu-py311.lock
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

PYTHON=${PYTHON:-python3.11} VENV=$scratch/venv bash scripts/setup.sh --resolve

# The comment at the top of the lock is kept: it says how far the set was tried.
{
    grep '^#' "$lock"
    "$scratch/venv/bin/python" -m pip freeze --all --exclude pip --exclude-editable | LC_ALL=C sort -f
} >"$scratch/lock"
diff "$lock" "$scratch/lock" || true
cp "$scratch/lock" "$lock"
