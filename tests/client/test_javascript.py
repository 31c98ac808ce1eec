"""The JavaScript client's own tests, run by Node: among them the scenarios that both clients share."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from tests.client.programs import ROOT
from tests.client.test_scenarios import TABLE

TESTS = sorted((ROOT / "web" / "client" / "tests").glob("*.test.mjs"))
LIMIT = 120.0


def test_the_tests_in_javascript_pass(javascript_client: Path) -> None:
    done = subprocess.run(
        [javascript_client, "--test", *TESTS],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stdout
    passed = set(re.findall(r"^(?:#|\s*#) Subtest: (.*)$", done.stdout, re.MULTILINE))
    assert {scenario["name"] for scenario in TABLE["scenarios"]} <= passed


def test_the_package_and_the_root_ask_for_the_same_socket_io() -> None:
    root = json.loads((ROOT / "package.json").read_text())
    package = json.loads((ROOT / "web" / "client" / "package.json").read_text())
    ours = package["peerDependencies"]["socket.io-client"]
    assert ours.split(".")[0] == root["devDependencies"]["socket.io-client"].split(".")[0]
