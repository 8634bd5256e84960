#!/usr/bin/env bash
# Resolves the dependencies anew and rewrites the lock, with a hash of every file.
# Run `make test` afterwards: a set that pip accepts is not yet a set that trains.
#
#   bash scripts/lock.sh            new versions, and the hashes of their files
#   bash scripts/lock.sh --hashes   the versions of the lock, and hashes found here added
#
# The versions that matter (torch, vLLM, OpenRLHF, Ray, DeepSpeed) are pinned in
# pyproject.toml; raise them there first. Runs on Linux x86-64 with CPython 3.11.
set -euo pipefail
cd "$(dirname "$0")/.."

lock=requirements/cpu-py311.lock
torch_index=https://download.pytorch.org/whl/cpu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python=$scratch/venv/bin/python

# --- the versions -------------------------------------------------------------

if [ "${1:-}" = --hashes ]; then
    "${PYTHON:-python3.11}" -m venv "$scratch/venv"
    grep '==' "$lock" | cut -d ' ' -f 1 >"$scratch/versions"
    # To be asked about a package that comes as source, pip runs its setup.py.
    grep -E '^(setuptools|wheel)==' "$lock" >"$scratch/build"
    "$python" -m pip install --quiet --no-deps --require-hashes --requirement "$scratch/build"
else
    PYTHON=${PYTHON:-python3.11} VENV=$scratch/venv bash scripts/setup.sh --resolve
    "$python" -m pip freeze --all --exclude pip --exclude-editable |
        LC_ALL=C sort -f >"$scratch/versions"
fi

# --- the files ----------------------------------------------------------------

# Of several files of a version pip takes the first that fits: those for an old
# glibc first, so that what is locked here installs on older systems too.
platforms=(manylinux_2_{28..5}_x86_64 manylinux{2014,2010,1}_x86_64
    manylinux_2_{29..40}_x86_64 linux_x86_64)

reports=()
ask() { # ask PYTHON-VERSION REQUIREMENTS option...: which files would pip take?
    local version=$1 wanted=$2 report=$scratch/${#reports[@]}.json
    shift 2
    DS_BUILD_OPS=0 "$python" -m pip install --quiet --dry-run --ignore-installed --no-deps \
        --no-build-isolation --python-version "$version" "${platforms[@]/#/--platform=}" \
        --target "$scratch/nowhere" --report "$report" --requirement "$wanted" "$@" || return 1
    reports+=("$report")
}

grep '^torch==' "$scratch/versions" >"$scratch/torch"
grep -v '^torch==' "$scratch/versions" >"$scratch/rest"
# Whole versions: pip takes 3.11 for 3.11.0, for which some packages no longer are.
for version in "$("$python" -c 'import platform; print(platform.python_version())')" 3.12.1; do
    printf 'lock: the files for CPython %s, some minutes\n' "$version"
    ask "$version" "$scratch/rest"
    # The configured index may hold another build of it than PyTorch's own index:
    # setup.sh takes the one or the other, so both hashes belong into the lock.
    ask "$version" "$scratch/torch" ||
        printf 'lock: no torch for CPython %s in the configured index\n' "$version"
    ask "$version" "$scratch/torch" --retries 1 --index-url "$torch_index" ||
        printf "lock: PyTorch's index gave no torch for CPython %s; the lock's hashes stay\n" "$version"
done

# The comment at the top of the lock is kept: it says how far the set was tried.
grep '^#' "$lock" >"$scratch/lock"
"$python" scripts/hashes.py "$scratch/versions" "$lock" "${reports[@]}" >>"$scratch/lock"
diff "$lock" "$scratch/lock" || true
cp "$scratch/lock" "$lock"
