"""Which core runs what, and how much of it: the server has one for itself, and one core is what is measured.

The load generator, and a MongoDB where there is one, share the other.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

SERVER_CORE = 0
TICKS = os.sysconf("SC_CLK_TCK")


def generator_core() -> int:
    """The core of everything but the server: another one wherever the machine has two."""
    return max(os.sched_getaffinity(0) - {SERVER_CORE}, default=SERVER_CORE)


def pin(pid: int, core: int) -> None:
    """Keep a process on one core, with the threads it has and those it will start."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used since its start, in all its threads. In steps of 10 ms."""
    # proc(5): after the name in parentheses, utime and stime are the 12th and 13th fields.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def cpu_seconds_below(pid: int, mark: bytes) -> float:
    """The processor time of the processes that this one has started, and that these have, as far as they
    still run and have the mark in their command lines.
    """
    found = 0.0
    for path in Path("/proc").glob("[0-9]*"):
        # One may end while it is looked at.
        with suppress(OSError):
            if mark in (path / "cmdline").read_bytes() and _is_below(int(path.name), pid):
                found += cpu_seconds(int(path.name))
    return found


def _is_below(pid: int, other: int) -> bool:
    while pid > 1:
        # proc(5): after the name in parentheses, the parent is the 2nd field.
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        if pid == other:
            return True
    return False


def resident_bytes(pid: int) -> int:
    """The memory of a process that is in RAM now."""
    # proc(5): the second field of statm counts resident pages.
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def stolen_seconds(cores: set[int]) -> float:
    """The time since the start of the machine in which these cores had work and the hypervisor ran others."""
    # proc(5): a line for each core has its name, then steal as the 8th number.
    lines = [line.split() for line in Path("/proc/stat").read_text().splitlines()]
    names = {f"cpu{core}" for core in cores}
    return sum(int(line[8]) for line in lines if line[0] in names) / TICKS
