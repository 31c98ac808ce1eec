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
        npm ci --silent && cp package-lock.json node_modules/.installed
    else
        missing "Node" "install Node 18 or newer with npm (Debian, Ubuntu: apt-get install nodejs npm)"
    fi
}
