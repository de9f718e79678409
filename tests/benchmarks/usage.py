"""What a process, its workers and the machine use: memory, processor time; on Linux."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np


class Memory:
    """The peak of the own memory of a process and its workers, sampled in a thread.

    Attributes
    ----------
    peak : float
        In MB.
    seconds : float
        The processor time of the sampling itself.
    """

    def __init__(self):
        self.peak = self.seconds = 0
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self):
        while True:
            self.peak = max(self.peak, own_memory())
            self.seconds = time.thread_time()
            time.sleep(0.02)


def own_memory():
    """Return what belongs to the process and to those that it has started, in MB."""
    return sum(status("RssAnon", process) for process in family())


def status(name, process="self"):
    """Return a figure of a process' status in MB; 0 if it has ended meanwhile."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def family():
    """Return this process and those that its threads have started, by their names."""
    workers = []
    for thread in os.listdir("/proc/self/task"):
        with suppress(FileNotFoundError, ProcessLookupError):
            workers += Path(f"/proc/self/task/{thread}/children").read_text().split()
    return ["self", *workers]


def family_seconds():
    """Return the processor time of this process and its workers, present and past."""
    ticks = 0
    for process in family():
        with suppress(FileNotFoundError, ProcessLookupError):
            numbers = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2]
            ticks += sum(map(int, numbers.split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def machine_seconds():
    """Return the seconds of work of all processors and of ours, or None; on Linux."""
    counters = Path("/proc/stat")
    if not counters.exists():
        return None
    user, nice, system, _, _, *interrupts = counters.read_text().split()[1:9]
    ticks = sum(map(int, (user, nice, system, *interrupts)))
    return np.array([ticks / os.sysconf("SC_CLK_TCK"), sum(os.times()[:4])])


def describe_company(before, after):
    """Say how much of the processors' work was that of other programs."""
    if before is None:
        return "Nobody knows what else has run meanwhile."
    total, own = after - before
    return f"Other programs had {max(0.0, 1 - own / total):.0%} of the work meanwhile."
