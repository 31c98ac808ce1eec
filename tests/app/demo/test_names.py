import re

from app.demo.names import class_name, person_name, school_name, team_name


def test_names_come_from_many_places_and_stay_the_same() -> None:
    names = [person_name(1, f"s1-c1-p{number}") for number in range(1, 1001)]
    assert names == [person_name(1, f"s1-c1-p{number}") for number in range(1, 1001)]
    assert person_name(1, "s1-c1-p1") != person_name(2, "s1-c1-p1")
    assert len({(name.given, name.family) for name in names}) > 900
    assert sum(not f"{name.given}{name.family}".isascii() for name in names) > 100
    assert any(name.preferred for name in names)


def test_places_have_names_of_their_own() -> None:
    assert [class_name(number) for number in (1, 2, 3, 10, 11, 20)] == ["7A", "7B", "8A", "11B", "7C", "11D"]
    for name_of, most in ((class_name, 200), (team_name, 1000), (lambda n: school_name(1, n), 1000)):
        names = [name_of(number) for number in range(1, most + 1)]
        assert len(set(names)) == most
        assert all(re.fullmatch(r"[A-Z0-9][\w' ]{1,40}", name) for name in names)
