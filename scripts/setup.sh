# Sourced by the other scripts: goes to the project's folder and offers `install`.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
python=$root/.venv/bin/python
# Images of containers set this; then Python compiles every source file again at every start.
unset PYTHONDONTWRITEBYTECODE

fail() {
    echo "$*" >&2
    exit 1
}

# find_python: prints the first Python on this machine that is new enough.
find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
        if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "Rollcall needs Python 3.11 or newer, and none was found." \
        "Install one (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python)," \
        "or name it: PYTHON=/path/to/python3 $0"
}

# make_venv: makes .venv, unless there is one that works.
make_venv() {
    "$python" -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return
    local found
    found=$(find_python)
    rm -rf .venv
    "$found" -m venv .venv && return
    rm -rf .venv
    fail "$found could not make a virtual environment: see above." \
        "On Debian and Ubuntu its venv module is a package of its own: apt-get install python3-venv"
}

# What an environment depends on: where the project lies, its metadata and its lock.
fingerprint() {
    echo "$root"
    cat pyproject.toml "$1"
}

# install LOCK: makes .venv hold what LOCK pins and the project itself; at once if it does already.
install() {
    local lock=$1
    [ -x "$python" ] && fingerprint "$lock" | cmp -s - ".venv/$lock" && return
    echo "Setting up .venv from $lock: about a minute, only when something has changed" >&2
    make_venv
    "$python" -m pip install --quiet --disable-pip-version-check --requirement "$lock"
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
    fingerprint "$lock" >".venv/$lock"
    # The development lock pins everything that the other one does.
    if [ "$lock" = requirements-dev.lock ]; then fingerprint requirements.lock >.venv/requirements.lock; fi
}

# missing PART REMEDY: with CI=true a missing part ends the run; elsewhere what needs it is left out.
missing() {
    echo "$1 is not there: $2" >&2
    if [ "${CI:-}" = true ]; then exit 1; fi
}

have() { command -v "$1" >/dev/null; }

# install_node_packages: makes node_modules hold what package-lock.json pins; at once if it does already.
install_node_packages() {
    if cmp -s package-lock.json node_modules/.installed; then return; fi
    if ! { have node && have npm; } && [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ] && have apt-get; then
        apt-get update -qq && apt-get install -qq -y --no-install-recommends nodejs npm
    fi
    if have node && have npm; then
        npm ci --loglevel=error >/dev/null && cp package-lock.json node_modules/.installed
    else
        missing "Node" "install Node 18 or newer with npm (Debian, Ubuntu: apt-get install nodejs npm)"
    fi
}

# pages_are_built: whether app/static/web is newer than everything that it is made of, or there is nothing to make it of.
pages_are_built() {
    local index=app/static/web/index.html
    if ! [ -f web/app/package.json ]; then return; fi
    [ -f $index ] && [ -z "$(find web/*/src web/app/public web/*/*.* package-lock.json -newer $index)" ]
}

# What builds the pages asks for these versions.
has_new_node() {
    have node && have npm && node -e '
        const [major, minor] = process.versions.node.split(".").map(Number);
        process.exit(major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19) ? 0 : 1);'
}

# use_node: puts a Node that is new enough on the PATH, where there is none one from PyPI in a folder of its own.
use_node() {
    has_new_node && return
    PATH=$root/.node-venv/bin:$PATH
    if ! cmp -s requirements-node.lock .node-venv/installed; then
        echo "Setting up Node in .node-venv" >&2
        make_node_venv || return
    fi
    hash -r
    has_new_node
}

make_node_venv() {
    local found=$python
    if ! [ -x "$found" ]; then found=$(find_python) || return; fi
    rm -rf .node-venv
    "$found" -m venv .node-venv || return
    .node-venv/bin/python -m pip install -qqq --disable-pip-version-check --retries 1 --timeout 10 \
        --requirement requirements-node.lock || return
    cp requirements-node.lock .node-venv/installed
}
