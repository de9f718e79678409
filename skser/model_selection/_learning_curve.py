"""How a system improves with the number of training speakers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from skser.model_selection._evaluation import evaluate, read_arguments
from skser.model_selection._splitters import list_folds


def speaker_learning_curve(
    system: BaseEstimator,
    corpus: Mapping | Sequence | ArrayLike,
    y: ArrayLike | None = None,
    cv: object = None,
    *,
    n_speakers: Iterable[int] = (1, 2, 4, 8),
    random_state: int = 0,
    **options: Any,
) -> dict[int, Any]:
    """Evaluate a system that is trained on fewer speakers: does it want more of them.

    In each fold the training speakers are put in a random order, of which the first
    are taken. The test recordings are the same for all numbers, so that results can be
    compared. It costs as many fits as there are folds and numbers.

    Parameters
    ----------
    system, corpus, y, cv
        As of :func:`evaluate`. Validation recordings are not used.
    n_speakers : iterable of int, default=(1, 2, 4, 8)
        Numbers of training speakers.
    random_state : int, default=0
        Determines the order of the speakers.
    **options : dict
        Further arguments of :func:`evaluate`, such as `target`, `groups`, `X`,
        `seeds`, `checkpoint`, `n_jobs`.

    Returns
    -------
    results : dict of int to EvaluationResult or RegressionResult
        By the number of training speakers, in rising order.

    Raises
    ------
    ValueError
        If no speakers are known, or a fold has fewer to train on.

    See Also
    --------
    skser.plotting.ScoreDisplay.from_learning_curve : The results as a picture.
    sklearn.model_selection.learning_curve : The same over numbers of samples.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skser.model_selection import speaker_learning_curve
    >>> rng = np.random.default_rng(0)
    >>> emotions = np.tile(["anger", "sadness"], 20)
    >>> X = rng.normal(size=(40, 3)) + (emotions == "anger")[:, None]
    >>> curve = speaker_learning_curve(
    ...     LogisticRegression(), X, emotions, groups=np.repeat(list("abcd"), 10),
    ...     n_speakers=[1, 3])
    >>> list(curve)
    [1, 3]
    """
    known = {name: options.get(name) for name in ("groups", "columns", "X", "target")}
    data, splitter = read_arguments(corpus, y, cv, system=system, **known)
    if data.speakers is None:
        raise ValueError(
            "A curve over training speakers needs to know who speaks: pass groups, or "
            "a corpus that has them."
        )
    is_classification = data.task.is_classification
    folds = list_folds(
        splitter,
        data.X,
        data.task.strata,
        data.speakers,
        is_classification=is_classification,
    )
    orders = []
    for number, (train, _, test) in enumerate(folds):
        names = np.unique(data.speakers[train])
        generator = np.random.default_rng([random_state, number])
        orders.append((train, generator.permutation(names), test))
    sizes = sorted(set(n_speakers))
    n_least = min(len(names) for _, names, _ in orders)
    if not sizes or sizes[0] < 1 or sizes[-1] > n_least:
        raise ValueError(
            f"n_speakers must be numbers from 1 to {n_least}, the training speakers of "
            f"the smallest fold, got {sizes}."
        )
    results: dict[int, Any] = {}
    for size in sizes:
        parts = [
            (train[np.isin(data.speakers[train], names[:size])], test)
            for train, names, test in orders
        ]
        # A corpus brings its emotions, so that cv may have been the third argument.
        is_corpus = isinstance(corpus, Mapping) or hasattr(corpus, "target")
        emotions = None if is_corpus else y
        results[size] = evaluate(system, corpus, emotions, parts, **options)
        results[size].protocol["splitter"] = (
            f"{splitter!r}, {size} training speakers"
            if hasattr(splitter, "split")
            else f"{size} training speakers"
        )
    return results
