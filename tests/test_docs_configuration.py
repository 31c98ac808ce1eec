import re
from pathlib import Path

from app.config import VARIABLES

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"
ROW = re.compile(r"^\| `(ROLLCALL_\w+)` \| (.+?) \| .+ \|$", re.MULTILINE)

WORDS = {"empty": "", "machine name and process id": ""}
"""How the page writes defaults that are not values."""


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    documented = [name for name, _ in ROW.findall(PAGE.read_text())]
    assert documented == [variable.full_name for variable in VARIABLES]


def test_the_documented_defaults_are_the_real_ones() -> None:
    documented = {name: WORDS.get(text, text.strip("`")) for name, text in ROW.findall(PAGE.read_text())}
    assert documented == {variable.full_name: variable.default for variable in VARIABLES}
