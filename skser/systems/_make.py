"""From a row of the table to a Pipeline: `make_system`, and a function for each row."""

from __future__ import annotations

import difflib
import inspect
import os
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

import joblib
import numpy as np
from sklearn.pipeline import Pipeline

from skser._base import learning_steps
from skser.audio import AudioLoader
from skser.storage import ContentMemory
from skser.systems._rows import ROWS, TASKS, Row
from skser.systems._steps import RMS, Arguments


def make_system(
    name: str,
    *,
    model: str | os.PathLike | None = None,
    input_sample_rate: int | None = None,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    verbose: int = 0,
    memory: str | os.PathLike | joblib.Memory | ContentMemory | None = None,
) -> Pipeline:
    """Return a system of ``SYSTEMS``, not yet fitted.

    Each system has a function of its name, too, with the same parameters.

    Parameters
    ----------
    name : str
        The system: a key of ``SYSTEMS``.
    model : str or os.PathLike, default=None
        File of a pretrained encoder, for systems that have one.
    input_sample_rate : int, default=None
        Sample rate of the waveforms, if the system is given waveforms rather than
        paths.
    n_jobs : int, default=None
        Number of threads for decoding and features.
    random_state : int, RandomState instance or None, default=None
        Determines what is random in training: a network, hidden units, Gaussian
        mixtures. Without effect where nothing is.
    verbose : int, default=0
        1 shows the progress of training: a bar of a network, a line per iteration of
        i-vectors.
    memory : str, os.PathLike, joblib.Memory or object with a `cache`, default=None
        Folder in which the Pipeline keeps what its steps have learnt and computed. It
        becomes a :class:`~skser.storage.ContentMemory`, which looks into the
        recordings, so that overwritten ones are read again. Set later by
        ``system.set_params(memory=...)``, a bare path is scikit-learn's own memory,
        which compares names only.

    Returns
    -------
    system : sklearn.pipeline.Pipeline
        From a list of recordings, in any form that an :class:`~skser.AudioLoader`
        takes, to labels or, where the task is regression, to numbers. What is learnt
        is learnt in `fit`. Everything that is not a parameter here is one of a step:
        ``system.get_params()`` lists them.

    Raises
    ------
    ValueError
        If there is no system of this name.
    TypeError
        If the system takes no `model`, but one is given.

    Examples
    --------
    >>> from skser.systems import make_system
    >>> list(make_system("attention_blstm_fcn").named_steps)
    ['load', 'frame', 'features', 'whiten', 'classify']
    """
    rows = {row.name: row for row in ROWS}
    if name not in rows:
        near = difflib.get_close_matches(str(name), rows, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"There is no system {name!r}.{meant} skser.systems.SYSTEMS has all."
        )
    row = rows[name]
    if model is not None and not row.takes_model:
        others = [other.name for other in ROWS if other.takes_model]
        raise TypeError(
            f"The system {name!r} has no pretrained encoder and takes no model, got "
            f"model={model!r}. Leave it out, or use a system that has one: "
            f"{', '.join(others) or 'none so far'}."
        )
    memory = look_into_recordings(memory)
    arguments = Arguments(
        model, input_sample_rate, n_jobs, random_state, verbose, memory
    )
    # Steps with an encoder scale its input themselves.
    rms = RMS if row.is_scaled and model is None else None
    loader = AudioLoader(input_sample_rate=input_sample_rate, rms=rms, n_jobs=n_jobs)
    return Pipeline([("load", loader), *row.steps(arguments)], memory=memory)


def look_into_recordings(memory: Any) -> Any:
    """Return a folder, or joblib's memory of one, as a memory that knows content."""
    if isinstance(memory, joblib.Memory):
        return None if memory.location is None else ContentMemory(memory.location)
    if memory is None or hasattr(memory, "cache"):
        return memory
    return ContentMemory(memory)


def list_systems(task: str | None = None) -> list[str]:
    """Return the names of ``SYSTEMS``, in its order.

    Parameters
    ----------
    task : {"classification", "regression"}, default=None
        Only systems that predict classes, or numbers. None is all.

    Returns
    -------
    names : list of str

    Raises
    ------
    ValueError
        If there is no such task.

    Examples
    --------
    >>> from skser.systems import list_systems
    >>> list_systems("regression")[:2]
    ['attention_blstm_fcn_regressor', 'pretrained_ridge']
    """
    if task is not None and task not in TASKS:
        raise ValueError(f"task must be one of {list(TASKS)}, got {task!r}.")
    return [row.name for row in ROWS if task in (None, row.task)]


class SystemFunction(Protocol):
    """A function of ``SYSTEMS``: what type checkers know of it."""

    __name__: str
    row: Row

    def __call__(
        self,
        *,
        model: str | os.PathLike | None = None,
        input_sample_rate: int | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        memory: str | os.PathLike | joblib.Memory | ContentMemory | None = None,
    ) -> Pipeline:
        """Return the system, not yet fitted; see :func:`make_system`."""


def make_function(row: Row) -> SystemFunction:
    """Return the function of a system's name, with its documentation and signature."""

    def build(**arguments: Any) -> Pipeline:
        return make_system(row.name, **arguments)

    hidden = {"name"} if row.takes_model else {"name", "model"}
    common = inspect.signature(make_system)
    parameters = [p for p in common.parameters.values() if p.name not in hidden]
    function: Any = build
    function.__signature__ = common.replace(parameters=parameters)
    function.__doc__ = describe(row, hidden)
    function.__name__ = function.__qualname__ = row.name
    # Where `pickle` and `help` find it.
    function.__module__ = __package__
    function.row = row
    return function


def describe(row: Row, hidden: set[str]) -> str:
    """Return a row as a docstring, with those parameters that are not hidden."""
    # The sections of make_system's; none where Python was told to leave them out.
    common = re.split(r"\n\n\w+\n-+\n", inspect.getdoc(make_system) or "\n\n")
    _, parameters, returns = common[:3] if len(common) > 3 else ("", "", "")
    entries = re.split(r"\n(?=\S)", parameters)
    notes = {"From the source:\n": row.known, "Ours:\n": row.ours, "": row.notes}
    sections = {
        "Parameters": [e for e in entries if e.partition(" :")[0] not in hidden],
        "Returns": [returns],
        "See Also": [f"{o.name} : {o.summary}" for o in ROWS if o.name in row.see_also],
        "Notes": ["\n\n".join(kind + text for kind, text in notes.items() if text)],
        "References": [f".. [{i}] {text}" for i, text in enumerate(row.references, 1)],
        "Examples": [f">>> from skser.systems import {row.name}", row.example],
    }
    parts = [row.summary, row.about]
    for title, lines in sections.items():
        if any(lines):
            parts.append("\n".join([title, "-" * len(title), *lines]))
    return "\n\n".join(filter(None, parts)) + "\n"


# The functions of all rows, in the order of the table.
SYSTEMS: Mapping[str, SystemFunction] = MappingProxyType(
    {row.name: make_function(row) for row in ROWS}
)


def split_front_end(system: Pipeline) -> tuple[Pipeline, Pipeline]:
    """Split a Pipeline before the first step that learns something.

    The steps that learn nothing (loading, framing, features) give every recording
    the same in every fold: they can be run once for a whole cross-validation, without
    anything of a test speaker in any fit.

    Parameters
    ----------
    system : sklearn.pipeline.Pipeline
        One of ``SYSTEMS``, or your own.

    Returns
    -------
    front_end : sklearn.pipeline.Pipeline
        The leading steps whose tag ``requires_fit`` is False; the single step
        "nothing", which passes its input on, if the first step learns.
    rest : sklearn.pipeline.Pipeline
        The other steps; the single step "nothing" if no step learns.

    Raises
    ------
    TypeError
        If `system` is not a Pipeline.

    Examples
    --------
    >>> from skser.systems import attention_blstm_fcn, split_front_end
    >>> front_end, rest = split_front_end(attention_blstm_fcn())
    >>> list(front_end.named_steps), list(rest.named_steps)
    (['load', 'frame', 'features'], ['whiten', 'classify'])
    """
    if not isinstance(system, Pipeline):
        raise TypeError(
            "split_front_end takes a sklearn.pipeline.Pipeline, such as those of "
            f"skser.systems.SYSTEMS, got a {type(system).__name__}. Make a Pipeline "
            "of the step that loads recordings and of yours."
        )
    learns = [bool(learning_steps(step)) for _, step in system.steps]
    first = learns.index(True) if any(learns) else len(learns)
    nothing = [("nothing", "passthrough")]
    return (
        Pipeline(system.steps[:first] or nothing),
        Pipeline(system.steps[first:] or nothing),
    )
