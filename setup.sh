#!/usr/bin/env bash
# Builds the grading image. Gradescope runs it once, as root, with network, on Ubuntu 22.04; running it again is quick
# and harmless. To try it elsewhere, as root or not:   AUTOGRADER_ROOT=/tmp/trial ./setup.sh
#
# What it must never do: print or copy a hidden test or a reference to a place that the student's user can read.
set -Eeuo pipefail
umask 022 # the student's user reads the interpreter's packages; what it must not read is closed below
export DEBIAN_FRONTEND=noninteractive PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH PYTHONHOME

ROOT=${AUTOGRADER_ROOT:-/autograder}
HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
SOURCE=$ROOT/source
VENV=$ROOT/venv
STUDENT=student
NEWEST=14 # of Python 3, that the tests pass on
STEP="starting"
NOT_INSTALLED="Not everything is installed. The line above these two says why."

say() { printf 'setup: %s\n' "$*"; }
stop() {
    printf 'setup: FAILED while %s.\nsetup: %s\n' "$STEP" "$*" >&2
    exit 1
}
trap 'stop "setup.sh line $LINENO: \"$BASH_COMMAND\" gave exit status $?. The lines above this one say why."' ERR

is_root() { [ "$(id -u)" = 0 ]; }

# Debian and Ubuntu only; other base images (CentOS, Fedora, Rocky) bring their own Python or are told what is missing.
install_system_python() {
    is_root || stop "Not root, so nothing was installed. Install Python 3.10 or newer with venv (python3-venv), then run this again."
    command -v apt-get >/dev/null || stop "No apt-get here. Install Python 3.10 or newer with venv and ensurepip first."
    say "installing python3, python3-venv and python3-pip"
    apt-get update -q
    apt-get install -q -y --no-install-recommends python3 python3-venv python3-pip libseccomp2 ca-certificates
}

place_source() {
    STEP="placing the grader in $SOURCE"
    case $ROOT in /*) ;; *) stop "AUTOGRADER_ROOT must be an absolute path, not \"$ROOT\"." ;; esac
    case "$(realpath -m -- "$ROOT")/" in "$HERE"/*) stop "AUTOGRADER_ROOT must lie outside the project's own folder $HERE." ;; esac
    mkdir -p "$ROOT/results" "$ROOT/submission"
    [ "$HERE" = "$(realpath -m -- "$SOURCE")" ] && return
    say "copying $HERE to $SOURCE"
    mkdir -p "$SOURCE"
    tar -C "$HERE" --exclude=./.git --exclude='./.venv*' --exclude='./.*_cache' --exclude=./.hypothesis --exclude=./build \
        --exclude=__pycache__ -cf - . | tar -C "$SOURCE" -xf -
}

# The system-call filter needs it; without it everything else still holds, and `doctor` says what is missing.
install_seccomp() {
    STEP="looking for libseccomp2"
    case "$(ldconfig -p 2>/dev/null)" in *libseccomp.so.2*) return ;; esac
    if ! is_root || ! command -v apt-get >/dev/null; then
        say "no libseccomp2: system calls will not be filtered"
        return
    fi
    say "installing libseccomp2"
    { apt-get update -q && apt-get install -q -y --no-install-recommends libseccomp2; } ||
        say "libseccomp2 could not be installed: system calls will not be filtered"
}

make_environment() {
    STEP="looking for Python"
    local python
    "$VENV/bin/python" -c 'import pip' 2>/dev/null && return
    python=$(sh "$SOURCE/scripts/find_python" 2>/dev/null) || {
        install_system_python
        python=$(sh "$SOURCE/scripts/find_python") || stop "Python is still not usable: see the lines above."
    }
    if [ -z "${PYTHON:-}" ] && is_root; then
        take_newer_of_apt "$python"
        python=$(sh "$SOURCE/scripts/find_python")
        take_newer_of_uv "$python"
        python=${FETCHED:-$python}
    fi
    STEP="making the virtual environment $VENV"
    say "making $VENV with $python"
    "$python" -m venv --clear "$VENV"
}

minor_of() { "$1" -c 'import sys; print(sys.version_info[1])'; }

# The newest python3.N that the image's own sources have; Ubuntu 22.04's 3.11 is a release candidate, and is passed over.
take_newer_of_apt() {
    local minor version here
    here=$(minor_of "$1")
    command -v apt-cache >/dev/null || return 0
    apt-get update -q >/dev/null 2>&1 || return 0
    for ((minor = NEWEST; minor > here; minor--)); do
        version=$(apt-cache policy "python3.$minor-venv" | sed -n 's/^ *Candidate: //p')
        case $version in '' | '(none)' | *~a[0-9]* | *~b[0-9]* | *~rc[0-9]*) continue ;; esac
        say "installing python3.$minor ($version), which is newer than 3.$here"
        apt-get install -q -y --no-install-recommends "python3.$minor" "python3.$minor-venv" && return
        say "python3.$minor could not be installed: going on without it"
    done
}

# What no source of the image has, uv fetches as a build of its own into $ROOT/python. Whatever fails, Python is there.
FETCHED=""
take_newer_of_uv() {
    local here chosen uv=$ROOT/uv/bin/uv
    here=$(minor_of "$1")
    rm -rf "$ROOT/python"
    [ "$here" -lt "$NEWEST" ] || return 0
    export UV_PYTHON_INSTALL_DIR=$ROOT/python UV_NO_CONFIG=1
    if "$1" -m venv "$ROOT/uv" && "$ROOT/uv/bin/python" "$SOURCE/scripts/install_torch.py" uv &&
        timeout 300 "$uv" python install --quiet --no-bin ">3.$here,<=3.$NEWEST.999" &&
        chosen=$("$uv" python find --managed-python --no-project ">3.$here,<=3.$NEWEST.999") &&
        "$chosen" -c 'import ensurepip, ssl, venv'; then
        say "uv fetched Python 3.$(minor_of "$chosen"), which is newer than 3.$here"
        FETCHED=$chosen
    else
        say "uv has no newer Python than 3.$here to give: taking that"
        rm -rf "$ROOT/python"
    fi
    rm -rf "$ROOT/uv"
}

install_packages() {
    local wanted
    wanted=$(cksum <"$SOURCE/pyproject.toml")
    if [ "$(cat "$VENV/.installed" 2>/dev/null)" = "$wanted $SOURCE" ]; then
        say "packages are installed already"
        return
    fi
    STEP="installing torch"
    "$VENV/bin/python" "$SOURCE/scripts/install_torch.py" || stop "$NOT_INSTALLED"
    STEP="installing the grader's packages"
    # Editable: the reference and the hidden tests stay in one closed place, and are never copied into site-packages.
    "$VENV/bin/python" "$SOURCE/scripts/install_torch.py" -e "$SOURCE" || stop "$NOT_INSTALLED"
    STEP="installing what students' classes may import"
    "$VENV/bin/python" "$SOURCE/scripts/install_torch.py" -e "${SOURCE}[students]" ||
        say "packages of the extra [students] could not be installed: a class that needs one will be told so"
    printf '%s' "$wanted $SOURCE" >"$VENV/.installed"
}

# Once here, in place of by each submission: what a container writes beside the source ends with it.
compile_source() {
    STEP="compiling the grader"
    "$VENV/bin/python" -m compileall -q "$SOURCE/autograder" "$SOURCE/reference" "$SOURCE/tests" ||
        say "not all of it could be compiled: each submission takes a little longer"
}

# Accuracies are measured on them when weights are handed in. Without them that is done on fewer, bundled digits.
fetch_mnist() {
    STEP="fetching MNIST's test images"
    "$VENV/bin/python" "$SOURCE/scripts/fetch_mnist.py" ${AUTOGRADER_MNIST:+"$AUTOGRADER_MNIST"} || true
}

make_student_user() {
    STEP="making the user $STUDENT"
    if ! is_root; then
        say "note: not root, so there is no separate user for the student's code here"
    elif ! id "$STUDENT" >/dev/null 2>&1; then
        say "making the user $STUDENT (no home, no shell, a group of its own)"
        useradd --system --user-group --no-create-home --home-dir /nonexistent \
            --shell "$(command -v nologin || echo /usr/sbin/nologin)" "$STUDENT"
    elif [ "$(id -u "$STUDENT")" = 0 ] || [ "$(id -g "$STUDENT")" = 0 ]; then
        stop "A user \"$STUDENT\" exists here with root's ids. Remove it from the base image."
    fi
}

# Open to the student's user: the interpreter's packages and the student's room. Everything else is for the owner only.
close_source() {
    STEP="closing $SOURCE"
    chmod -R go-rwx "$SOURCE"
    chmod 0711 "$SOURCE" "$SOURCE/autograder"
    chmod -R go+rX "$SOURCE/autograder/student_room"
    local secret
    for secret in reference tests tests/hidden; do
        [ ! -e "$SOURCE/$secret" ] || [ "$(stat -c %a "$SOURCE/$secret")" = 700 ] || stop "$SOURCE/$secret is still open to others."
    done
    [ "$SOURCE/run_autograder" -ef "$ROOT/run_autograder" ] || install -m 0755 "$SOURCE/run_autograder" "$ROOT/run_autograder"
}

say_what_is_installed() {
    STEP="looking at what is installed"
    say "$("$VENV/bin/python" -X utf8 -I -c 'import platform, importlib.metadata as m
names = {d.name for d in m.distributions()}
print("Python", platform.python_version() + ", torch", m.version("torch") + f", {len(names)} packages", end="")'), $(du -sm "$VENV" | cut -f1) MB in $VENV"
}

self_check() {
    STEP="grading the reference solution, as a check of this machine"
    (cd "$ROOT" && "$VENV/bin/python" -X utf8 -I -m autograder selfcheck) ||
        stop "The grader does not work on this machine: the lines above say why. Again: $VENV/bin/python -m autograder selfcheck"
}

[ "${BASH_SOURCE[0]}" = "$0" ] || return 0 # a test wants the functions
place_source
make_environment
install_seccomp
install_packages
compile_source
fetch_mnist
make_student_user
close_source
say_what_is_installed
self_check
say "ready: $ROOT/run_autograder grades $ROOT/submission"
