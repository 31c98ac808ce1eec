import stat
from pathlib import Path

import pytest

from app.config import SettingError, Settings, read_settings
from app.key_file import signing_keys

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "rollcall.db"


def settings_of(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(f"ROLLCALL_{name}", value)
    return read_settings()


def test_set_keys_are_used_and_no_file_is_made(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(monkeypatch, DATABASE_URL=f"sqlite:///{file}", SECRET=f"a:{SECRET},b:{SECRET}2")
    assert signing_keys(settings) == {"a": SECRET, "b": f"{SECRET}2"}
    assert list(signing_keys(settings)) == ["a", "b"]
    assert not file.parent.exists()


def test_a_key_is_made_once_beside_the_database_for_its_owner_only(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(monkeypatch, DATABASE_URL=f"sqlite:///{file}")
    keys = signing_keys(settings)
    assert signing_keys(settings) == keys
    (secret,) = keys.values()
    assert len(secret) >= 32
    key_file = file.parent / "rollcall.db.key"
    assert [path.name for path in file.parent.iterdir()] == ["rollcall.db.key"]
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert key_file.read_text() == f"{secret}\n"


def test_two_databases_get_two_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = signing_keys(settings_of(monkeypatch, DATABASE_URL=f"sqlite:///{tmp_path}/one.db"))
    two = signing_keys(settings_of(monkeypatch, DATABASE_URL=f"sqlite:///{tmp_path}/two.db"))
    assert one.keys() != two.keys()


@pytest.mark.parametrize(
    "values", [{"HOST": "0.0.0.0"}, {"DATABASE_URL": "mongodb://localhost"}], ids=["all networks", "MongoDB"]
)
def test_beyond_one_machine_and_one_file_the_secret_must_be_set(
    values: dict[str, str], monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    settings = settings_of(monkeypatch, **{"DATABASE_URL": f"sqlite:///{file}", **values})
    with pytest.raises(
        SettingError, match=r"^ROLLCALL_SECRET must be set, .*make one with: python -c [^\n]*$"
    ):
        signing_keys(settings)
    assert not file.parent.exists()


def test_a_key_file_without_a_key_is_refused_and_left_alone(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(monkeypatch, DATABASE_URL=f"sqlite:///{file}")
    file.parent.mkdir()
    key_file = file.with_name("rollcall.db.key")
    for content in (b"", b"short\n", b"\xff\xfe"):
        key_file.write_bytes(content)
        with pytest.raises(SettingError, match=f"the key file {key_file} holds no key"):
            signing_keys(settings)
        assert key_file.read_bytes() == content


def test_a_key_file_that_cannot_be_read_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(monkeypatch, DATABASE_URL=f"sqlite:///{file}")
    file.with_name("rollcall.db.key").mkdir(parents=True)
    with pytest.raises(SettingError, match=r"the key file .* cannot be used: Is a directory"):
        signing_keys(settings)
