"""Demo data: schools, classes, students, teams and accounts with fixed ids, to write clients against."""
