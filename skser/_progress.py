"""Progress bars (tqdm) with the time left: in terminals, notebooks and logs.

They are written to the standard error, begin after two seconds, and show nothing in
worker processes and threads, which would write over each other. In a terminal and a
notebook a bar moves; where it could not be seen moving, in a log, it is a line a
minute, and only where `verbose` asks for it.
"""

import multiprocessing
import sys
import threading
from contextlib import contextmanager
from contextvars import ContextVar

from joblib import Parallel
from tqdm.auto import tqdm

# Seconds before a bar appears, and between two lines in a log.
DELAY = 2
LOG_INTERVAL = 60
_IS_SILENT = ContextVar("skser_progress_is_silent", default=False)


def make_bar(total, title, *, n_done=0, verbose=None, unit="it", is_kept=False):
    """Return a progress bar: ``update(n)`` moves it on, ``with`` closes it.

    Parameters
    ----------
    total : int
    title : str
        What is done: "Features".
    n_done : int, default=0
        How much was done before.
    verbose : int or None, default=None
        0 shows nothing, 1 a bar or, in a log, lines. None shows a bar in terminals and
        notebooks only.
    unit : str, default="it"
        What is counted.
    is_kept : bool, default=False
        Whether the bar stays when it is full.

    Returns
    -------
    bar : tqdm.tqdm
    """
    # In a terminal or a notebook it can be seen moving.
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    moves = is_terminal or "ipykernel" in sys.modules
    is_silent = (
        _IS_SILENT.get()
        or sys.stderr is None
        or verbose == 0
        or (verbose is None and not moves)
        or multiprocessing.current_process().name != "MainProcess"
        or threading.current_thread() is not threading.main_thread()
    )
    how = {"total": total, "desc": title, "unit": unit, "initial": n_done}
    how["delay"] = DELAY
    if is_silent or moves:
        return _Bar(**how, leave=is_kept, disable=is_silent)
    bar = _Bar(
        **how,
        file=_Lines(),
        ncols=79,
        mininterval=LOG_INTERVAL,
        maxinterval=LOG_INTERVAL,
        smoothing=0,  # of all steps: what follows would take a minute for the first
    )
    # The first line comes with the first step after the delay, not a minute later.
    bar.last_print_t -= LOG_INTERVAL - DELAY
    return bar


@contextmanager
def silence(is_silent=True):
    """Show no bars for the length of a ``with`` block."""
    token = _IS_SILENT.set(is_silent or _IS_SILENT.get())
    try:
        yield
    finally:
        _IS_SILENT.reset(token)


def say(text):
    """Write a line to the standard error, above the bars if there are any."""
    if sys.stderr is not None:
        tqdm.write(text, file=sys.stderr)
        sys.stderr.flush()


class TrackedParallel(Parallel):
    """``joblib.Parallel`` that moves a bar on for each task that is done.

    Parameters
    ----------
    bar : object
        From `make_bar`.
    sizes : list of int, default=None
        By how much a task moves it, in their order; None is 1.
    **options : dict
        As of ``joblib.Parallel``.
    """

    def __init__(self, bar, sizes=None, **options):
        super().__init__(**options)
        self._bar = bar
        self._sizes = sizes

    def print_progress(self):
        """Move the bar on; joblib calls this for each batch of tasks."""
        n_done = self.n_completed_tasks
        if self._sizes is not None:
            # As if they were done in order, which they nearly are.
            n_done = sum(self._sizes[:n_done])
        self._bar.update(n_done - self._bar.n)


class _Bar(tqdm):
    """A bar of one process: without a lock between processes, and without a thread."""

    monitor_interval = 0


_Bar.set_lock(threading.RLock())


class _Lines:
    """The standard error as a log: what tqdm would draw on one line, below another."""

    def write(self, text):
        text = text.strip("\r\n ")
        if text:
            print(text, file=sys.stderr, flush=True)

    def flush(self):
        """Do nothing: each line is flushed."""
