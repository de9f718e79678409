"""What a system predicts, classes or numbers, and what of an evaluation depends on it.

An evaluation knows recordings, folds and seeds. How `y` is read, what a prediction is,
how it is scored and which result it becomes stands here, in a class for each task.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.utils.multiclass import type_of_target

from skser._base import list_steps
from skser._compat import is_pandas_na
from skser._sequences import check_labels
from skser.classifiers import BaseNetworkClassifier
from skser.classifiers._classifier import list_columns
from skser.metrics import concordance_correlation_coefficient
from skser.model_selection._regression_measures import MEAN
from skser.model_selection._regression_result import TRAINING_MEANS, RegressionResult
from skser.model_selection._result import NO_ANSWER, EvaluationResult
from skser.model_selection._splitters import check_names, warn_of_similar_names


@dataclass
class Classes:
    """Recordings belong to classes; `true` are their indices in `labels`.

    Of soft labels, the class is the most likely one.
    """

    classes: np.ndarray
    labels: list
    soft: np.ndarray | None = None
    # Soft labels as the system takes them, None if it does not.
    soft_y: Any = None
    true: np.ndarray = field(init=False)
    is_classification = True

    def __post_init__(self):
        codes = {label: i for i, label in enumerate(self.labels)}
        self.true = np.array([codes[label] for label in self.classes.tolist()])

    @property
    def y(self):
        """What systems are given."""
        return self.classes if self.soft_y is None else self.soft_y

    @property
    def strata(self):
        """What splitters are given."""
        return self.classes

    def describe(self):
        """Return what predictions depend on, as JSON can hold it."""
        described = {"y": self.classes.tolist(), "labels": self.labels}
        if self.soft is not None:
            described["soft_labels"] = self.soft.tolist()
        return described

    def describe_folds(self, folds):
        """Return what a result has to say of the folds' targets."""
        return {}

    def check_fold(self, number, train, test, who):
        """Warn of a fold that tests a class that it does not train."""
        classes = self.classes
        unseen = set(classes[test].tolist()) - set(classes[train].tolist())
        if unseen:
            warnings.warn(
                f"Fold {number} ({who}) tests {sorted(unseen)}, which does not occur "
                "in its training part: the recall is 0.",
                UserWarning,
                stacklevel=5,
            )

    def predict(self, last, call, X, n_recordings):
        """Return the predictions as indices and, if there are any, posteriors."""
        codes = {label: i for i, label in enumerate(self.labels)}
        predicted = np.asarray(call(last, "predict", X)).tolist()
        # What is no class is a refusal to answer, such as that of a RejectOption.
        answers = np.array([codes.get(label, len(codes)) for label in predicted])
        outcome = {"predicted": answers}
        if hasattr(last, "predict_proba"):
            posteriors = np.zeros((len(predicted), len(self.labels)))
            columns = [codes[label] for label in last.classes_.tolist()]
            posteriors[:, columns] = call(last, "predict_proba", X)
            outcome["posteriors"] = posteriors
        return outcome

    def score(self, predicted, test):
        """Return the name and the value of a score of some recordings."""
        return "WA", float(np.mean(predicted == self.true[test]))

    def make_result(self, joined, condition, **common):
        """Return the result under one of the conditions.

        Parameters
        ----------
        joined : dict of str to ndarray of shape (n_conditions, n_predictions, ...)
            What `predict` has returned.
        condition : int
        **common : dict
            All fields of results that no task has of its own.
        """
        has_refused = (joined["predicted"] == len(self.labels)).any()
        posteriors = joined.get("posteriors")
        return EvaluationResult(
            labels=[*self.labels, NO_ANSWER] if has_refused else self.labels,
            true=self.true,
            predicted=joined["predicted"][condition],
            posteriors=None if posteriors is None else posteriors[condition],
            soft_labels=self.soft,
            **common,
        )


@dataclass
class Numbers:
    """Recordings have numbers: `true`, of shape (n_recordings, n_targets)."""

    true: np.ndarray
    names: list
    is_classification = False

    @property
    def y(self):
        """What systems are given: of a single target, of shape (n_recordings,)."""
        return self.true[:, 0] if len(self.names) == 1 else self.true

    @property
    def strata(self):
        """What splitters are given."""
        return self.y

    def describe(self):
        """Return what predictions depend on, as JSON can hold it."""
        return {"y": self.true.tolist(), "targets": self.names}

    def describe_folds(self, folds):
        """Return what a result has to say of the folds' targets."""
        means = [self.true[train].mean(axis=0).tolist() for train, _, _ in folds]
        return {TRAINING_MEANS: means}

    def check_fold(self, number, train, test, who):
        """Numbers need not have occurred in training."""

    def predict(self, last, call, X, n_recordings):
        """Return the predictions as a table, or say why they cannot be used."""
        predicted = np.asarray(call(last, "predict", X), dtype=float)
        found, expected = predicted.shape, (n_recordings, len(self.names))
        if found != expected and (found != expected[:1] or len(self.names) > 1):
            raise ValueError(
                f"{type(last).__name__} predicts an array of shape {found} for "
                f"{expected[0]} recordings and the targets {self.names}; expected is "
                f"{expected}."
            )
        n_bad = np.sum(~np.isfinite(predicted))
        if n_bad:
            raise ValueError(
                f"{n_bad} predictions of {type(last).__name__} are NaN or infinite. "
                "Check the features, or whether its training diverged."
            )
        return {"predicted": predicted.reshape(expected)}

    def score(self, predicted, test):
        """Return the name and the value of a score of some recordings."""
        with warnings.catch_warnings():
            # Of a single recording it is not defined.
            warnings.simplefilter("ignore")
            value = concordance_correlation_coefficient(self.true[test], predicted)
        return "CCC", float(value)

    def make_result(self, joined, condition, **common):
        """Return the result under one of the conditions; see :class:`Classes`."""
        columns = common.pop("columns")
        return RegressionResult(
            targets=self.names,
            true=self.true,
            predicted=joined["predicted"][condition],
            # What is predicted is no group.
            columns={k: v for k, v in columns.items() if k not in self.names},
            **common,
        )


def read_classes(y, X, origin, names=None, *, stacklevel=4):
    """Return classes, or say what is wrong with them.

    Parameters
    ----------
    y : array-like of shape (n_recordings,)
    X : sequence of length n_recordings
    origin : str
        What `y` is called in messages.
    names : list of str, default=None
        All classes of the corpus, in its order.
    stacklevel : int, default=4
        Of warnings.

    Returns
    -------
    task : Classes
    """
    y = check_labels(np.asarray(check_names(y, origin)), X, origin)
    warn_of_similar_names(y, origin, stacklevel=stacklevel)
    labels = [] if names is None else [str(name) for name in names]
    if not set(y.tolist()) <= set(labels):
        labels = np.unique(y).tolist()
    return Classes(y, labels)


def read_soft_labels(y, X, origin, *, as_given):
    """Return classes of distributions over them, or say what is wrong with these.

    Parameters
    ----------
    y : pandas.DataFrame or array-like of shape (n_recordings, n_classes)
    X : sequence of length n_recordings
    origin : str
        What `y` is called in messages.
    as_given : bool
        Whether the system is given the distributions, and not the most likely class.

    Returns
    -------
    task : Classes
    """
    soft, labels = np.asarray(y, dtype=float), list_columns(y).tolist()
    n_recordings = _count(X)
    if len(soft) != n_recordings:
        raise ValueError(
            f"{origin} has {len(soft)} rows, but there are {n_recordings} recordings."
        )
    tied = np.flatnonzero((soft == soft.max(axis=1, keepdims=True)).sum(axis=1) > 1)
    if len(tied):
        best = np.flatnonzero(soft[tied[0]] == soft[tied[0]].max())
        names = ", ".join(str(labels[i]) for i in best)
        raise ValueError(
            f"{len(tied)} of {len(soft)} recordings have no most likely class in "
            f"{origin}; the first is number {tied[0]}, from 0: {names}. Say which is "
            "meant by giving it a little more, or leave these recordings out."
        )
    classes = np.array(labels)[soft.argmax(axis=1)]
    return Classes(classes, labels, soft, y if as_given else None)


def read_numbers(y, X, origin, names=None):
    """Return numbers, or say what is wrong with them.

    Parameters
    ----------
    y : array-like of shape (n_recordings,) or (n_recordings, n_targets)
    X : sequence of length n_recordings
    origin : str
        What `y` is called in messages.
    names : list of str, default=None
        Of the targets. None is the names of columns that `y` has, or "y" and, of
        several, "y0", "y1", ...

    Returns
    -------
    task : Numbers
    """
    found = names
    if names is None:
        columns = getattr(y, "columns", [getattr(y, "name", None)])
        found = [str(name) for name in columns if name is not None]
    true = _as_numbers(y, origin)
    true = true.reshape(len(true), -1) if true.ndim < 3 else true
    if true.ndim != 2 or not true.shape[1] or len(true) != _count(X):
        raise ValueError(
            f"{origin} must have a row for each of the {_count(X)} recordings and a "
            f"column for each target, got an array of shape {np.shape(y)}."
        )
    n_targets = true.shape[1]
    if names is None and len(found) != n_targets:
        found = [f"y{i}" for i in range(n_targets)] if n_targets > 1 else ["y"]
    if len(found) != n_targets:
        raise ValueError(f"target names {found}, but {origin} has {n_targets} columns.")
    if len(set(found)) < n_targets or (MEAN in found and n_targets > 1):
        raise ValueError(
            f"Targets must have different names, none of them {MEAN!r}, got {found}."
        )
    _refuse_missing(true, found, origin)
    return Numbers(true, found)


def _count(X):
    """Return the number of recordings, of a sparse table, too."""
    return X.shape[0] if hasattr(X, "shape") else len(X)


def _as_numbers(y, origin):
    """Return an array of floats, NaN for what is missing."""
    try:
        entries = np.asarray(y)
        if entries.dtype == object:
            missing = [x is None or is_pandas_na(x) for x in entries.ravel()]
            entries = entries.copy()
            entries[np.reshape(missing, entries.shape)] = np.nan
        if entries.dtype.kind in "USMm":
            raise TypeError
        return np.atleast_1d(entries.astype(float))
    except (TypeError, ValueError):
        shown = ", ".join(map(repr, list(np.asarray(y, dtype=object).ravel())[:3]))
        raise ValueError(
            f"A regressor predicts numbers, but {origin} has {shown}, .... Pass "
            "numbers as y or name the columns of the corpus that have them, such as "
            "target='arousal'; or pass a classifier."
        ) from None


def _refuse_missing(true, names, origin):
    """Refuse numbers that are not there: nobody could say what they should be."""
    for number, name in enumerate(names):
        n_missing = int(np.isnan(true[:, number]).sum())
        if n_missing == len(true):
            raise ValueError(
                f"No recording has a number in {origin}, target {name!r}: all are "
                "missing."
            )
        if n_missing:
            raise ValueError(
                f"{n_missing} of {len(true)} recordings have no number (None or NaN) "
                f"in {origin}, target {name!r}; the first is number "
                f"{int(np.isnan(true[:, number]).argmax())}, from 0. Leave them out: "
                "corpus.take(rows) is a corpus of the rows that have one; of arrays, "
                "take the same rows of recordings, y and groups."
            )
        if not np.isfinite(true[:, number]).all():
            raise ValueError(f"{name} in {origin} must be finite, but some are not.")


def read_target(system, y, X, target, known, names, origin):
    """Return what a system is to predict, by its kind.

    Parameters
    ----------
    system : estimator or None
        None takes `y` for classes.
    y : array-like or None
        Of each recording; None if `target` names columns.
    X : sequence of length n_recordings
    target : str, list of str or None
        Names in `known`, or of the columns of `y`.
    known : mapping
        Entries of the corpus and columns of the caller.
    names : list of str or None
        All classes of the corpus.
    origin : str
        What `y` is called in messages.

    Returns
    -------
    task : Classes or Numbers
    """
    is_single = isinstance(target, str)
    wanted = [target] if is_single else target
    if target is not None and not (
        is_single
        or (isinstance(target, Iterable) and all(isinstance(t, str) for t in target))
    ):
        raise ValueError(
            f"target must be a name, such as 'arousal', or a list of names, got "
            f"{target!r:.80}. Numbers themselves are passed as y."
        )
    wanted = None if wanted is None else list(wanted)
    if wanted == []:
        raise ValueError("target must name a column or more, got an empty list.")
    is_regression = system is not None and is_regressor(system)
    if wanted is not None and y is None:
        y, names = take_columns(wanted, known, as_numbers=is_regression), None
        origin = "columns" if len(wanted) > 1 else f"the column {wanted[0]!r}"
    if not is_regression:
        return _read_for_classifier(system, y, X, origin, names, wanted)
    if wanted is None and known and _is_text(y):
        raise ValueError(
            f"{_name(system)} is a regressor, which predicts numbers, but {origin} has "
            f"classes, such as {str(next(iter(y)))!r}. Name what it is to predict, "
            f"such as target='arousal'; {_list_numbers(known)}. Or pass a classifier."
        )
    return read_numbers(y, X, origin, wanted)


def _read_for_classifier(system, y, X, origin, names, wanted):
    """Return classes, or say that a regressor is needed."""
    if system is not None and wanted is None and _are_distributions(y):
        as_given = isinstance(list_steps(system)[-1], BaseNetworkClassifier)
        return read_soft_labels(y, X, origin, as_given=as_given)
    if system is not None and (
        (wanted is not None and len(wanted) > 1) or _is_continuous(y)
    ):
        what = f"{len(wanted)} targets" if wanted and len(wanted) > 1 else origin
        raise ValueError(
            f"{_name(system)} is a classifier, but {what} should be predicted as "
            "numbers. Pass a regressor, such as Ridge of scikit-learn, a Pipeline that "
            "ends with one, or make_system('recommended_regressor'); or pass classes, "
            "or soft labels: rows of probabilities with the sum 1."
        )
    return read_classes(y, X, origin, names, stacklevel=5)


def _is_text(y):
    """Tell whether there are names of classes among the entries."""
    entries = np.asarray(y, dtype=object).ravel()
    return any(isinstance(entry, str) for entry in entries.tolist())


def _are_distributions(y):
    """Tell whether a table has a distribution over classes in each row."""
    entries = np.asarray(y)
    is_table = entries.ndim == 2 and entries.shape[1] > 1
    if not is_table or entries.dtype.kind not in "fiu" or not len(entries):
        return False
    sums = entries.sum(axis=1)
    return bool((entries >= 0).all() and np.allclose(sums, 1, atol=1e-5))


def _is_continuous(y):
    """Tell whether numbers are no names of classes: fractions, or a table."""
    entries = np.asarray(y)
    if entries.dtype.kind not in "fiu" or entries.ndim > 2:
        return False
    if entries.ndim == 2 and entries.shape[1] > 1:
        return True
    # Missing classes have an error of their own.
    finite = entries[np.isfinite(entries)]
    return bool(finite.size) and type_of_target(finite.ravel()) == "continuous"


def take_columns(names, known, *, as_numbers=True):
    """Return columns that are named, side by side, or say which there are.

    Parameters
    ----------
    names : list of str
    known : mapping
        Entries of the corpus and columns of the caller.
    as_numbers : bool, default=True
        Whether texts, as tables have them, are read as numbers; "" is missing.

    Returns
    -------
    columns : sequence of length n_recordings, or ndarray
        One for each name.
    """
    absent = [name for name in names if known.get(name) is None]
    if absent:
        raise ValueError(
            f"There is no column {absent[0]!r}; {_list_numbers(known)}. Columns are "
            "entries of the corpus, such as those that load_table reads, and `columns`."
        )
    parts = [known[name] for name in names]
    if as_numbers:
        parts = [_read_texts(known[name], name) for name in names]
    if len(names) == 1:
        return parts[0]
    parts = [np.asarray(part, dtype=object).ravel() for part in parts]
    if len({len(part) for part in parts}) > 1:
        raise ValueError(f"The columns {names} are not of one length.")
    return np.stack(parts, axis=1)


def _read_texts(column, name):
    """Return a column of a table, which has texts, as numbers."""
    entries = list(column)
    if not any(isinstance(entry, str) for entry in entries):
        return column
    try:
        return [float(entry) if entry != "" else None for entry in entries]
    except (TypeError, ValueError):
        bad = next(entry for entry in entries if not _is_number(entry))
        raise ValueError(
            f"The column {name!r} has {str(bad)!r}, which is no number, such as 0.25. "
            "A regressor predicts numbers; classes are for classifiers."
        ) from None


def _is_number(entry):
    """Tell whether an entry of a column is a number, perhaps as text, or missing."""
    if entry is None or entry == "":
        return True
    try:
        float(entry)
    except (TypeError, ValueError):
        return False
    return not isinstance(entry, (bool, np.bool_))


def _list_numbers(known):
    """Return which columns have numbers, for messages."""
    found = [name for name, values in known.items() if is_numeric(values)]
    return (
        f"columns of numbers are {', '.join(found)}"
        if found
        else "no column has numbers"
    )


def is_numeric(values: Any) -> bool:
    """Tell whether a column has numbers, which may be texts of a table.

    Parameters
    ----------
    values : object
        An entry of a corpus.

    Returns
    -------
    is_numeric : bool
    """
    is_column = isinstance(values, (list, tuple, np.ndarray))
    # Such as waveforms, or a table of features.
    if not is_column or not all(np.isscalar(x) or x is None for x in values):
        return False
    entries = [x for x in values if x is not None and x != ""]
    return bool(entries) and all(map(_is_number, entries))


def _name(system):
    """Return what the last step of a system is called."""
    return type(list_steps(system)[-1]).__name__
