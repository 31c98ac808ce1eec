"""Names of people, schools and teams, chosen by seed: the same seed and id give the same name."""

from __future__ import annotations

from random import Random
from typing import NamedTuple


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GIVEN_NAMES = _words(
    """
    Aaliyah Abebe Adèle Adrián Agnieszka Aiko Aisha Alejandra Alice Amara Amélie Amina Anaïs Andrei
    Anjali Anna Antonio Arjun Astrid Ayşe Aylin Beatriz Ben Björn Camille Carlos Céline Chen Chidi Chloé
    Claire Dafydd Daniel Deepika Dimitra Dmytro Efua Eilidh Ekaterina Elena Elif Emeka Emil Emma Esther
    Eun-ji Fatima Fatou Felix Finn Fiona Francesca Freya Gabriel George Giorgos Grace Gustav Hana Hannah
    Haruto Hassan Helena Hiroshi Hugo Ibrahim Ines Ioana Isaac Isla Ivana Jack Jakub Jamal Jana João
    Jorge José Julia Jun Kacper Kai Kavya Keira Khadija Kofi Kwame Lars Layla Léa Leila Leo Liam Lina
    Linh Lucía Ludmila Luca Magdaléna Malik Manon Marek María Mateo Matteo Maya Mehmet Mei Mia Miguel
    Mikołaj Minh Mohammed Musa Nadia Naomi Ngozi Niamh Nikola Noah Noor Nuria Ole Olga Oliver Olivia
    Omar Oscar Owen Parisa Pablo Petra Priya Rafael Rania Ravi René Reza Rhys Rosa Ruby Ryo Saanvi Samir
    Samuel Sanne Sara Sean Seo-yeon Siobhán Sofía Søren Stefan Sunita Tadeusz Tamar Tarek Thabo Thảo
    Thomas Tomáš Uma Valentina Vera Vikram Violeta Wanjiru Wei William Xavier Ximena Yara Yasmin Yuki
    Yusuf Zahra Zainab Zanele Zoë Zofia
    """
)

FAMILY_NAMES = _words(
    """
    Abdi Abubakar Adeyemi Ahmed Akhtar Ali Andersson Antonescu Ashworth Bajwa Baker Banerjee Bauer Begum
    Bennett Bianchi Boateng Bondarenko Brown Çelik Chanda Chen Choi Clarke Cohen Costa Dąbrowska Davies
    Demir Diallo Dlamini Dubois Dvořák Edwards Eriksen Evans Farah Fernández Fischer Fraser García
    Georgiou Ghosh González Gupta Haddad Hansen Hoang Horvat Hughes Hussain Ibáñez Ioannou Islam Ivanova
    Jansen Janssen Jiménez Jones Joshi Jovanović Kamara Kaplan Kaur Kelly Khan Kim Kowalska Kovács Kumar
    Larsen Laurent Lê Lee Lefèvre Lewandowski Li López MacDonald Mahlangu Martins Mbeki Mendes Mensah
    Meyer Miller Mishra Mohamud Moreau Morgan Müller Murphy Mutua Nakamura Nascimento Ndiaye Nguyễn
    Nielsen Novák Nowak Nwosu O'Brien O'Connor Okafor Olsen Omar Osei Øvergård Owusu Papadopoulos Park
    Patel Pereira Petrov Phạm Popescu Quispe Rahman Ramírez Reid Rossi Roy Ruiz Sánchez Santos Sato
    Schmidt Sharma Silva Singh Smith Söderberg Sokolov Šimić Suzuki Szabó Tanaka Taylor Tesfaye Thomas
    Torres Tran Tremblay Usman Vargas Vasić Walker Wang Watanabe Weber Williams Wilson Wójcik Wright
    Yadav Yamamoto Yıldız Ye Zhang Zulu Østergaard
    """
)

SHORT_NAMES = {
    "Alejandra": "Ale",
    "Antonio": "Toni",
    "Beatriz": "Bea",
    "Dafydd": "Dai",
    "Daniel": "Dan",
    "Ekaterina": "Katya",
    "Francesca": "Fran",
    "Gabriel": "Gabe",
    "Khadija": "Dija",
    "Magdaléna": "Magda",
    "Mohammed": "Mo",
    "Oliver": "Ollie",
    "Samuel": "Sam",
    "Thomas": "Tom",
    "Valentina": "Vale",
    "William": "Will",
}
"""What some like to be called."""

PLACES = _words(
    """
    Riverside Oakfield Northgate Hillcrest Meadowbank Stonebridge Westbrook Kingsway Ashdown Elmwood
    Fairview Harbour Juniper Lakeside Millbrook Orchard Parkside Queensbury Rosewood Southfield
    Thornhill Valley Whitestone Birchwood Clearwater
    """
)
KINDS = ("School", "Academy", "Primary School", "High School", "Community School")

TEAMS = (
    "Facilities",
    "IT Support",
    "Events",
    "Library",
    "Admissions",
    "Sports",
    "Trips and Visits",
    "Parents' Evening",
    "Timetabling",
    "Exams Office",
)


class PersonName(NamedTuple):
    """A person's names; `preferred` is None for most."""

    given: str
    family: str
    preferred: str | None

    @property
    def full(self) -> str:
        return f"{self.preferred or self.given} {self.family}"


def person_name(seed: int, id: str) -> PersonName:
    """The name of the student or user with this id."""
    choice = Random(f"{seed} {id}")  # noqa: S311 - names need no secrecy
    given, family = choice.choice(GIVEN_NAMES), choice.choice(FAMILY_NAMES)
    return PersonName(given, family, SHORT_NAMES.get(given) if choice.random() < 0.5 else None)


def school_name(seed: int, number: int) -> str:
    """The name of the school with this number, from 1 on; the first 125 differ."""
    places = Random(f"{seed} places").sample(PLACES, len(PLACES))  # noqa: S311
    turn, place = divmod(number - 1, len(places))
    kind = KINDS[(place + turn) % len(KINDS)]
    name = f"{places[place]} {kind}"
    return name if turn < len(KINDS) else f"{name} {turn // len(KINDS) + 1}"


def class_name(number: int) -> str:
    """The name of the class with this number, from 1 on: 7A, 7B, 8A, … 11B, then 7C, 7D, …."""
    turn, place = divmod(number - 1, 10)
    letter = 2 * turn + place % 2
    return f"{7 + place // 2}{_letters(letter)}"


def team_name(number: int) -> str:
    """The name of the team with this number, from 1 on."""
    turn, place = divmod(number - 1, len(TEAMS))
    return TEAMS[place] if turn == 0 else f"{TEAMS[place]} {turn + 1}"


def _letters(number: int) -> str:
    letters = chr(ord("A") + number % 26)
    return letters if number < 26 else _letters(number // 26 - 1) + letters
