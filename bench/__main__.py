"""`python -m bench`; scripts/bench prepares the environment and runs it."""

from bench.cli import main

main()
