"""`python -m tests.torture`; scripts/torture prepares the environment and runs it."""

from tests.torture.cli import main

main(prog_name="scripts/torture")
