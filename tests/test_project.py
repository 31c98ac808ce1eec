"""The project's files agree with each other: layers, locks, dependencies and the package."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "realtime", "handlers", "models", "client")
LOCKS = ("requirements.lock", "requirements-dev.lock")
PEERS = ROOT / "bench" / "peers"


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def group(name: str) -> Iterator[str]:
    """The requirements of a dependency group and of those that it includes."""
    for item in project()["dependency-groups"][name]:
        if isinstance(item, str):
            yield item
        else:
            yield from group(item["include-group"])


def wanted(lock: str) -> list[Requirement]:
    """What the project asks for by itself in this lock."""
    more = group("build" if lock == "requirements.lock" else "dev")
    return [Requirement(item) for item in (*project()["project"]["dependencies"], *more)]


def pins(lock: str) -> dict[str, Requirement]:
    """The pinned requirements of a lock by name."""
    lines = re.findall(r"^([a-z0-9].*?) *\\?$", (ROOT / lock).read_text(), re.MULTILINE)
    return {canonicalize_name(pin.name): pin for pin in map(Requirement, lines)}


def asked_for_by_the_project(lock: str) -> set[str]:
    """The names that the lock says are there because the project asks for them, not another package."""
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text())[1:]
    return {entry.partition("==")[0] for entry in entries if "rollcall (pyproject.toml" in entry}


def test_imports_point_one_way() -> None:
    # By its own process: the linter sets up logging for itself, which would silence this one's.
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def importers(module: str) -> set[str]:
    """The project's files that import a module or a part of it, by their paths."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    imported = re.compile(rf"^\s*(import|from) {module}\b", re.MULTILINE)
    return {path.relative_to(ROOT).as_posix() for path in files if imported.search(path.read_text())}


def test_one_file_imports_motor() -> None:
    assert importers("motor") == {"app/storage/mongo.py"}


@pytest.mark.parametrize("module", ["pymongo", "bson", "sqlite3"])
def test_only_storage_imports_a_database_driver(module: str) -> None:
    assert [path for path in importers(module) if not path.startswith("app/storage/")] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_in_step_with_the_project(lock: str) -> None:
    pinned = pins(lock)
    names = {canonicalize_name(requirement.name) for requirement in wanted(lock)}
    assert asked_for_by_the_project(lock) == names, "run scripts/lock"
    for requirement in wanted(lock):
        (pin,) = pinned[canonicalize_name(requirement.name)].specifier
        assert requirement.specifier.contains(pin.version), f"{requirement} is not met: run scripts/lock"


def test_the_development_lock_pins_what_the_other_pins() -> None:
    development = pins("requirements-dev.lock")
    for name, pin in pins("requirements.lock").items():
        assert development[name].specifier == pin.specifier, f"{name}: run scripts/lock"


def test_the_environment_is_the_locked_one() -> None:
    for name, pin in pins("requirements-dev.lock").items():
        if pin.marker is None or pin.marker.evaluate():
            assert pin.specifier.contains(version(name), prereleases=True), (
                f"{name}: run scripts/test, not pytest"
            )


@pytest.mark.parametrize("lock", [*LOCKS, "package-lock.json", "bench/peers/node/package-lock.json"])
def test_a_lock_names_no_place_to_download_from(lock: str) -> None:
    text = (ROOT / lock).read_text()
    # Where the authors of a package ask for money is no such place.
    text = re.sub(r'"funding": (\{[^}]*\}|\[[^\]]*\]|"[^"]*")', "", text)
    assert not re.search(r"://|--index|--find-links|--trusted-host|/home/|file:", text)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text())[1:]
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_every_dependency_has_its_reason() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text()
    reasons = re.findall(r"^\| `(\S+)` \| \S.*\|$", page, re.MULTILINE)
    packages = orjson.loads((ROOT / "package.json").read_bytes())["devDependencies"]
    pages = orjson.loads((ROOT / "web" / "app" / "package.json").read_bytes())
    ours = {"rollcall-client"}
    node_packages = {*packages, *pages["dependencies"], *pages["devDependencies"]} - ours
    names = {requirement.name for requirement in wanted("requirements-dev.lock")}
    node_peer = orjson.loads((PEERS / "node" / "package.json").read_bytes())["dependencies"]
    go_peer = re.findall(r"^require (\S+) v", (PEERS / "centrifuge" / "go.mod").read_text(), re.MULTILINE)
    assert sorted(reasons) == sorted([*names, *node_packages, *node_peer, *go_peer])


def test_every_script_can_be_run() -> None:
    scripts = [ROOT / ".ci" / "run", *(path for path in (ROOT / "scripts").iterdir() if path.suffix != ".sh")]
    assert [script.name for script in scripts if script.is_file() and not os.access(script, os.X_OK)] == []


def test_the_package_holds_every_module_and_static_file(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    built = subprocess.run(build, cwd=ROOT, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("rollcall-*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == files
