"""All pages: what they refer to is there, their code can be read, and the commands are as the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest

from app.cli import cli
from tests.pages import COMMANDS, PAGES, README, ROOT, blocks, code, headings, prose, rows, section

LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")


def anchor(heading: str) -> str:
    """The anchor that a heading gets on GitHub."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def by_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(prose(page)):
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = (page.parent / parts.path).resolve() if parts.path else page
        anchors = [anchor(heading) for heading in headings(target)] if target.suffix == ".md" else []
        if not target.exists() or (parts.fragment and parts.fragment not in anchors):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_code_can_be_read(page: Path) -> None:
    for source in blocks(page, "python"):
        compile(source, page.name, "exec")
    for text in blocks(page, "json"):
        json.loads(text)


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_nothing_is_of_one_machine(page: Path) -> None:
    assert re.findall(r"(?<![\w.])/(?:home|root|tmp|work|Users)/\S*", page.read_text()) == []


def test_the_readme_leads_to_every_page() -> None:
    linked = {(ROOT / link).resolve() for link in LINK.findall(README.read_text()) if "://" not in link}
    assert [page for page in PAGES if page not in {*linked, README}] == []


def commands(group: click.Group, *before: str) -> dict[str, click.Command]:
    """Every command that does something, by its words."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found.update(commands(command, *before, name))
        else:
            found[" ".join((*before, name))] = command
    return found


def test_the_page_names_every_command_and_no_other() -> None:
    named = [code(row[0])[0] for row in rows(section(COMMANDS, "Commands")) if "](#" in row[0]]
    assert named == list(commands(cli))


@pytest.mark.parametrize("name", commands(cli))
def test_the_page_names_every_option_of_a_command(name: str) -> None:
    text = section(COMMANDS, name.split()[0])
    options = [option for parameter in commands(cli)[name].params for option in parameter.opts]
    assert [option for option in options if option.startswith("--") and option not in text] == []


@pytest.mark.parametrize("group", sorted({name.split()[0] for name in commands(cli)}))
def test_every_option_of_the_page_is_there(group: str) -> None:
    known = {
        option
        for name, command in commands(cli).items()
        if name.split()[0] == group
        for parameter in command.params
        for option in parameter.opts
    }
    assert set(re.findall(r"--[a-z][a-z-]*", section(COMMANDS, group))) <= known


def test_the_documented_defaults_of_the_demo_are_the_real_ones() -> None:
    shown = {parameter.name: str(parameter.default) for parameter in commands(cli)["demo"].params}
    for option, default, _ in rows(section(COMMANDS, "demo")):
        name = re.findall(r"--([a-z-]+)", option)[0].replace("-", "_")
        if default and name != "password":
            assert shown[name] == default, option
