"""What a comparison with another library is, and how it is timed."""

import gc
import time
from importlib import import_module
from typing import NamedTuple

import numpy as np


class Comparison(NamedTuple):
    """The same work, or the nearest that a rival does, timed in turns.

    Parameters
    ----------
    work : str
        What this package does, in words.
    rival : str
        Who does what instead.
    rival_seconds, our_seconds : ndarray of shape (n_runs,), or None
        Run by run; None if the rival is not installed.
    numbers : tuple of int, default=None
        How many numbers the rival and this package have returned, where they differ.
    """

    work: str
    rival: str
    rival_seconds: np.ndarray | None = None
    our_seconds: np.ndarray | None = None
    numbers: tuple | None = None


def take_turns(tasks, n_runs):
    """Time tasks in turns, so that drift of the machine meets all of them alike.

    Parameters
    ----------
    tasks : dict of callable
    n_runs : int

    Returns
    -------
    seconds : dict of ndarray of shape (n_runs,)
    numbers : dict of int
        How many numbers each task has returned.
    """
    seconds = {name: np.zeros(n_runs) for name in tasks}
    numbers = {}
    for run in range(n_runs):
        for name, task in tasks.items():
            gc.collect()
            start = time.perf_counter()
            result = task()
            seconds[name][run] = time.perf_counter() - start
            numbers[name] = count_numbers(result)
            # The next one shall not pay for what this one leaves behind.
            del result
    return seconds, numbers


def compare_pairs(pairs, makers, material, warm_up, n_runs):
    """Time everybody in turns and yield a comparison for each pair.

    Parameters
    ----------
    pairs : list of (str, str)
        Ours and the rival's, by their names in `makers`.
    makers : dict of callable
        From the material to a task. It raises an ImportError if the library that it
        needs is not installed. The task returns arrays, a list of them or a table.
    material, warm_up : object
        What the tasks are made for: that is timed, and less of it for an untimed call.
    n_runs : int

    Yields
    ------
    comparison : Comparison
    """
    tasks = {}
    for name in dict.fromkeys(name for pair in pairs for name in pair):
        try:
            task = makers[name](material)
        except ImportError:
            continue
        makers[name](warm_up)()
        tasks[name] = task
    seconds, numbers = take_turns(tasks, n_runs)
    for ours, rival in pairs:
        if rival in tasks:
            yield Comparison(
                ours,
                rival,
                seconds[rival],
                seconds[ours],
                (numbers[rival], numbers[ours]),
            )
        else:
            yield Comparison(ours, rival)


def count_numbers(result):
    """Return how many numbers an array, a table or a list of them holds."""
    return sum(map(np.size, result)) if isinstance(result, list) else np.size(result)


def gather(module, function, quick):
    """Return all comparisons of a module, as far as it and its rivals are there."""
    rows = []
    try:
        for row in getattr(import_module(module), function)(quick):
            rows.append(Comparison(*row))
    except ImportError as error:
        rows.append(Comparison(f"{module}, {function}", str(error)))
    return rows
