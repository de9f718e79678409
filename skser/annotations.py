"""Votes of several annotators: counts, distributions, majorities, agreement, means.

Votes become a table of counts, a row per recording and a column per label, and all
else follows from that table: soft labels for the network classifiers, majority labels
for any classifier, and how much the annotators agree.
"""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_consistent_length

from skser._compat import is_pandas_na, is_scalar_nan

if TYPE_CHECKING:
    import pandas

__all__ = [
    "arrange_votes",
    "count_votes",
    "distributions_from_shares",
    "fleiss_kappa",
    "krippendorff_alpha",
    "label_distributions",
    "majority_labels",
    "mean_ratings",
]

SEVERAL = ("split", "each", "first")
LEVELS = ("nominal", "ordinal", "interval")
_N_SHOWN = 5


def arrange_votes(
    rows: pandas.DataFrame | Mapping[str, Sequence],
    *,
    file: str = "file",
    annotator: str = "annotator",
    label: str = "label",
    files: Sequence | None = None,
) -> pandas.DataFrame:
    """Arrange a table of one row per vote as one row per recording.

    Parameters
    ----------
    rows : pandas.DataFrame or dict of str to sequence
        A row per vote.
    file, annotator, label : str, default="file", "annotator", "label"
        Names of its columns: which recording, who voted, and for what; a rating of a
        dimension is a number.
    files : sequence, default=None
        The recordings in the order that is wanted, such as ``corpus.paths``; they
        must be written as in the table. Those without votes get none, and votes on
        other recordings are left out. None is the order of the table.

    Returns
    -------
    votes : pandas.DataFrame of shape (n_recordings, n_annotators)
        Its index is the recordings, its columns the annotators; None or NaN where
        somebody did not vote.

    Raises
    ------
    ValueError
        If the table lacks a column, somebody voted twice on a recording, or none of
        `files` has a vote.

    See Also
    --------
    count_votes : The next step.

    Examples
    --------
    >>> from skser.annotations import arrange_votes
    >>> rows = {
    ...     "file": ["a.wav", "a.wav", "b.wav"],
    ...     "annotator": ["E1", "E2", "E2"],
    ...     "label": ["anger", "neutral", "anger"],
    ... }
    >>> arrange_votes(rows)
              E1       E2
    a.wav  anger  neutral
    b.wav    NaN    anger
    """
    import pandas

    table = pandas.DataFrame(rows)
    for name in (file, annotator, label):
        if name not in table:
            raise ValueError(
                f"The table of votes has no column {name!r}; its columns are "
                f"{', '.join(map(repr, table))}. Name the right ones with file=..., "
                "annotator=... and label=..."
            )
    twice = table[table.duplicated([file, annotator])]
    if len(twice):
        who, what = twice.iloc[0][[annotator, file]]
        raise ValueError(
            f"{len(twice)} row(s) of the table repeat a pair of annotator and "
            f"recording, for instance {who!r} and {what!r}. Leave one vote of each."
        )
    votes = table.pivot(index=file, columns=annotator, values=label)
    votes = votes.astype(object if votes.dtypes.iloc[0].kind not in "if" else float)
    names = list(dict.fromkeys(table[file] if files is None else files))
    if files is not None and not set(names) & set(table[file]):
        raise ValueError(
            f"None of the {len(names)} files has a vote; the first is {names[0]!r}, "
            f"and the first in the table {table[file].iloc[0]!r}. Write them alike."
        )
    return votes.reindex(names).rename_axis(index=None, columns=None)


def count_votes(
    votes: ArrayLike | pandas.DataFrame,
    *,
    classes: Sequence | None = None,
    mapping: Mapping | None = None,
    several: str = "split",
) -> pandas.DataFrame:
    """Count how many annotators chose each label for each recording.

    Parameters
    ----------
    votes : pandas.DataFrame or array-like of shape (n_recordings, n_annotators), or \
            sequence of length n_recordings
        A table with a column per annotator, such as of :func:`arrange_votes`; None, NaN
        and "" are no vote. Or, for each recording, a dict of annotator to label, or a
        list of labels, such as the entry `votes` of corpora. In place of one label
        there can be a tuple of several.
    classes : sequence, default=None
        The labels that become columns, in their order; others are an error, unless
        `mapping` leaves them out. None is all that occur, sorted.
    mapping : dict, default=None
        Label -> another one, such as ``{"excitement": "happiness"}``, or None to
        ignore such votes. Labels that it does not name stay.
    several : {"split", "each", "first"}, default="split"
        What becomes of several labels by one annotator: "split" gives each its share,
        so that all annotators weigh the same; "each" takes them for as many votes;
        "first" takes the first.

    Returns
    -------
    counts : pandas.DataFrame of float of shape (n_recordings, n_classes)
        Its columns are the classes. The index is that of `votes` if that is a
        DataFrame.

    Raises
    ------
    ValueError
        If there is no vote at all, or a label is not among `classes`, or `several` is
        unknown.

    See Also
    --------
    label_distributions, majority_labels : What to train on.
    krippendorff_alpha, fleiss_kappa : How much annotators agree.

    Examples
    --------
    >>> from skser.annotations import count_votes
    >>> votes = [
    ...     {"E1": "anger", "E2": "anger", "E3": ("anger", "disgust")},
    ...     {"E1": "neutral", "E2": "excitement"},
    ... ]
    >>> count_votes(votes, mapping={"excitement": "happiness"})
       anger  disgust  happiness  neutral
    0    2.5      0.5        0.0      0.0
    1    0.0      0.0        1.0      1.0
    """
    import pandas

    if several not in SEVERAL:
        raise ValueError(f"several must be one of {list(SEVERAL)}, got {several!r}.")
    mapping = {} if mapping is None else mapping
    answers = [
        [[mapping.get(label, label) for label in answer] for answer in answers]
        for answers in _list_answers(votes)
    ]
    pairs = [
        (i, label, share)
        for i, row in enumerate(answers)
        for answer in row
        for label, share in _weigh(answer, several)
        if label is not None
    ]
    found = {label for _, label, _ in pairs}
    if not found:
        raise ValueError(
            "There is no vote in votes. It needs a table with a column per annotator, "
            "or a dict of annotator to label for each recording."
        )
    columns = _sort_labels(found) if classes is None else list(classes)
    unknown = found - set(columns)
    if unknown:
        raise ValueError(
            f"votes has the label(s) {_sort_labels(unknown)[:_N_SHOWN]}, which are not "
            f"among classes {columns}. Map them to classes, or to None to leave such "
            "votes out: mapping={'excitement': 'happiness', 'other': None}."
        )
    places = {label: j for j, label in enumerate(columns)}
    counts = np.zeros((len(answers), len(columns)))
    for i, label, share in pairs:
        counts[i, places[label]] += share
    index = votes.index if isinstance(votes, pandas.DataFrame) else None
    return _make_table(counts, columns, index)


def label_distributions(
    counts: ArrayLike | pandas.DataFrame, *, smoothing: float = 0.0
) -> pandas.DataFrame:
    r"""Turn counts into soft labels: distributions over the classes.

    .. math:: P(c \mid i) = \frac{n_{ic} + \alpha}{\sum_k (n_{ik} + \alpha)}

    where :math:`n_{ic}` annotators chose class :math:`c` for recording :math:`i`.

    Parameters
    ----------
    counts : pandas.DataFrame or array-like of shape (n_recordings, n_classes)
        As of :func:`count_votes`; an array has classes 0, 1, ...
    smoothing : float, default=0
        The :math:`\alpha`, not negative: votes that each class is given in advance. A
        class that none of a handful of annotators chose need not be impossible.

    Returns
    -------
    distributions : pandas.DataFrame of shape (n_recordings, n_classes)
        For `fit` of network classifiers: rows have the sum 1, columns name the classes.

    Raises
    ------
    ValueError
        If a recording has no vote and there is no smoothing.

    See Also
    --------
    skser.metrics.soft_cross_entropy : Compares them with predicted posteriors.

    Examples
    --------
    >>> from skser.annotations import count_votes, label_distributions
    >>> counts = count_votes([["anger", "anger", "anger", "disgust"], ["disgust"]])
    >>> label_distributions(counts)
       anger  disgust
    0   0.75     0.25
    1   0.00     1.00
    """
    counts = _check_counts(counts)
    is_number = isinstance(smoothing, numbers.Real) and np.isfinite(smoothing)
    if not is_number or smoothing < 0:
        raise ValueError(
            f"smoothing must be a number and not negative, got {smoothing!r}."
        )
    values = counts.to_numpy() + smoothing
    totals = values.sum(axis=1, keepdims=True)
    _refuse_rows(counts, totals[:, 0] == 0, "have no vote, so there is no distribution")
    return _make_table(values / totals, counts.columns, counts.index)


def majority_labels(
    counts: ArrayLike | pandas.DataFrame,
    *,
    minimum_share: float = 0.0,
    undecided: str | None = "error",
) -> np.ndarray:
    """Return the label that most annotators chose.

    Parameters
    ----------
    counts : pandas.DataFrame or array-like of shape (n_recordings, n_classes)
        As of :func:`count_votes`; an array has classes 0, 1, ...
    minimum_share : float, default=0
        The share of votes that the label must exceed: 0 asks for no more than that it
        has the most votes, 0.5 for more than half of them.
    undecided : "error", "first", another str, or None, default="error"
        What becomes of recordings of which two labels have the most votes, or whose
        label has no such share. "error" raises one; "first" takes the first of the
        columns that have the most votes; any other text is their label, such as
        "no agreement"; None is what they get in place of a label.

    Returns
    -------
    labels : ndarray of shape (n_recordings,)
        Of objects if some are None: ``rows = labels != None`` are those to keep.

    Raises
    ------
    ValueError
        If there are such recordings and ``undecided="error"``, or if a recording has
        no vote at all and ``undecided="first"``.

    Examples
    --------
    >>> from skser.annotations import count_votes, majority_labels
    >>> counts = count_votes([["joy", "joy", "fear"], ["joy", "fear"]])
    >>> majority_labels(counts, undecided="no agreement")
    array(['joy', 'no agreement'], dtype='<U12')
    >>> majority_labels(counts, undecided=None)
    array(['joy', None], dtype=object)
    """
    counts = _check_counts(counts)
    values = counts.to_numpy()
    largest, totals = values.max(axis=1), values.sum(axis=1)
    # Shares of several labels by one annotator, such as 1 / 3, are not exact.
    is_largest = values > largest[:, np.newaxis] - 1e-9
    is_tied = (is_largest.sum(axis=1) > 1) | (totals == 0)
    is_undecided = is_tied | (largest <= (minimum_share + 1e-9) * totals)
    if undecided == "error":
        _refuse_rows(
            counts,
            is_undecided,
            "have no majority; say what becomes of them with undecided='first', None, "
            "or a label of their own",
        )
    if undecided == "first":
        _refuse_rows(counts, totals == 0, "have no vote, so none comes first")
    labels = counts.columns.to_numpy()[is_largest.argmax(axis=1)].astype(object)
    if undecided not in ("error", "first"):
        labels[is_undecided] = undecided
    is_mixed = len({type(label) for label in labels.tolist()}) > 1
    return labels if is_mixed else np.array(labels.tolist())


def distributions_from_shares(
    labels: ArrayLike, shares: ArrayLike, *, classes: Sequence | None = None
) -> pandas.DataFrame:
    r"""Make soft labels of the share of listeners who chose the intended label.

    Of the others it is not known what they chose; the rest is spread evenly over the
    other classes:

    .. math:: P(c \mid i) = s_i \text{ if } c = y_i, \text{ else }
        \frac{1 - s_i}{|C| - 1}

    Of all distributions that agree with what is known this has the largest entropy: it
    adds no guess which emotions were confused.

    Parameters
    ----------
    labels : array-like of shape (n_recordings,)
        The intended labels :math:`y_i`.
    shares : array-like of shape (n_recordings,)
        The shares :math:`s_i`, from 0 to 1, such as the entry `recognised` of
        :func:`~skser.datasets.load_emodb`.
    classes : sequence, default=None
        All classes :math:`C`, in the order of the columns. None is the labels, sorted.

    Returns
    -------
    distributions : pandas.DataFrame of shape (n_recordings, n_classes)

    Raises
    ------
    ValueError
        If a share is missing or not between 0 and 1, there are fewer than two classes,
        or a label is not among `classes`.

    Examples
    --------
    >>> from skser.annotations import distributions_from_shares
    >>> distributions_from_shares(["joy", "fear", "calm"], [1.0, 0.9, 0.8])
       calm  fear   joy
    0  0.00   0.0  1.00
    1  0.05   0.9  0.05
    2  0.80   0.1  0.10
    """
    labels = np.asarray(labels).tolist()
    shares = np.asarray(shares, dtype=float)
    check_consistent_length(labels, shares)
    columns = _sort_labels(set(labels)) if classes is None else list(classes)
    unknown = _sort_labels(set(labels) - set(columns))
    if unknown:
        raise ValueError(
            f"labels has {unknown[:_N_SHOWN]}, not among classes {columns}."
        )
    if len(columns) < 2:
        raise ValueError(
            f"There is only the class {columns}, and the rest has no other to go to. "
            "Name all classes with classes=[...]."
        )
    wrong = np.flatnonzero(~((shares >= 0) & (shares <= 1)))
    if len(wrong):
        raise ValueError(
            f"shares must be from 0 to 1, got {shares[wrong[0]]} for recording "
            f"{wrong[0]}. Divide percentages by 100, and leave out recordings without "
            "a share."
        )
    is_label = np.array([[c == label for c in columns] for label in labels])
    rest = (1 - shares) / (len(columns) - 1)
    values = np.where(is_label, shares[:, np.newaxis], rest[:, np.newaxis])
    return _make_table(values, columns)


def krippendorff_alpha(
    counts: ArrayLike | pandas.DataFrame, *, level: str = "nominal"
) -> float:
    r"""Compute Krippendorff's alpha, an agreement that allows for missing votes.

    .. math:: \alpha = 1 - \frac{D_o}{D_e}, \quad
        D_o = \frac{1}{n} \sum_i \frac{1}{m_i - 1}
        \sum_{\text{pairs in } i} \delta^2, \quad
        D_e = \frac{1}{n (n - 1)} \sum_{\text{all pairs}} \delta^2

    over the :math:`n` votes on recordings with :math:`m_i \ge 2` votes. A difference
    :math:`\delta` of two labels is 0 or 1 at the nominal level; at the interval level
    that of their values; at the ordinal level that of their mean ranks among all votes.

    Parameters
    ----------
    counts : pandas.DataFrame or array-like of shape (n_recordings, n_classes)
        Whole numbers of votes, as of :func:`count_votes`. At the other levels than the
        nominal one its columns are the values, numbers; an array has 0, 1, ...
    level : {"nominal", "ordinal", "interval"}, default="nominal"
        What is known of the labels: "nominal" for emotions, "ordinal" or "interval" for
        ratings of dimensions.

    Returns
    -------
    alpha : float
        1 for perfect agreement, 0 for that of chance; less is possible.

    Raises
    ------
    ValueError
        If counts are not whole, or `level` is unknown, or columns are no numbers.

    Warns
    -----
    sklearn.exceptions.UndefinedMetricWarning
        If no recording has two votes, or all votes are the same: alpha is NaN.

    See Also
    --------
    fleiss_kappa : The same number of votes for all recordings.

    References
    ----------
    .. [1] K. Krippendorff, "Computing Krippendorff's alpha-reliability", University of
       Pennsylvania, 2011.
    .. [2] K. Krippendorff, "Content analysis: An introduction to its methodology",
       Sage, 2004.

    Examples
    --------
    >>> from skser.annotations import count_votes, krippendorff_alpha
    >>> counts = count_votes([[1, 1, 2], [3, 3], [2, 2, 2]])
    >>> round(krippendorff_alpha(counts), 3)
    0.65
    >>> round(krippendorff_alpha(counts, level="interval"), 3)
    0.781
    """
    if level not in LEVELS:
        raise ValueError(f"level must be one of {list(LEVELS)}, got {level!r}.")
    counts = _check_counts(counts)
    values = counts.to_numpy()
    if (values != np.round(values)).any():
        raise ValueError(
            "counts must be whole numbers: an annotator with several labels counts "
            "only once, or as often as there are labels. See count_votes(votes, "
            "several='first') or several='each'."
        )
    values = values[values.sum(axis=1) >= 2]
    totals, n_votes = values.sum(axis=0), values.sum()
    if (totals > 0).sum() < 2:
        return _undefined(
            "Krippendorff's alpha", "no recording has two votes, or all votes are equal"
        )
    scale = None if level == "nominal" else _read_numbers(counts.columns)
    if level == "ordinal":
        scale = _rank(scale, totals)
    observed = _square_differences(values, scale) / (values.sum(axis=1) - 1)
    expected = _square_differences(totals, scale) / (n_votes - 1)
    return float(1 - observed.sum() / expected)


def fleiss_kappa(counts: ArrayLike | pandas.DataFrame) -> float:
    r"""Compute Fleiss' kappa, an agreement of equally many votes on each recording.

    .. math:: \kappa = \frac{\bar P - P_e}{1 - P_e}, \quad
        \bar P = \frac{1}{N} \sum_i \frac{\sum_c n_{ic}^2 - m}{m (m - 1)}, \quad
        P_e = \sum_c \Bigl(\frac{\sum_i n_{ic}}{N m}\Bigr)^2

    where :math:`n_{ic}` of :math:`m` annotators chose class :math:`c` for recording
    :math:`i` of :math:`N`. They need not be the same annotators.

    Parameters
    ----------
    counts : pandas.DataFrame or array-like of shape (n_recordings, n_classes)
        As of :func:`count_votes`; the sums of rows must be equal, and 2 at least.

    Returns
    -------
    kappa : float
        1 for perfect agreement, 0 for that of chance; less is possible.

    Raises
    ------
    ValueError
        If the numbers of votes differ, or are less than two.

    Warns
    -----
    sklearn.exceptions.UndefinedMetricWarning
        If all votes are the same: kappa is NaN.

    See Also
    --------
    krippendorff_alpha : Any number of votes per recording.
    sklearn.metrics.cohen_kappa_score : Of two annotators, each with habits of their
        own.

    References
    ----------
    .. [1] J. L. Fleiss, "Measuring nominal scale agreement among many raters",
       Psychological Bulletin 76(5), 1971.

    Examples
    --------
    >>> from skser.annotations import fleiss_kappa
    >>> round(fleiss_kappa([[3, 0], [2, 1], [0, 3]]), 3)
    0.55
    """
    counts = _check_counts(counts)
    values = counts.to_numpy()
    totals = values.sum(axis=1)
    n_votes = totals[0]
    if not np.allclose(totals, n_votes) or n_votes < 2:
        raise ValueError(
            "Fleiss' kappa needs the same number of votes, 2 or more, for each "
            f"recording; there are {totals.min():g} to {totals.max():g}. "
            "krippendorff_alpha takes any numbers."
        )
    observed = ((values**2).sum(axis=1) - n_votes) / (n_votes * (n_votes - 1))
    expected = (values.mean(axis=0) / n_votes) @ (values.mean(axis=0) / n_votes)
    if np.isclose(expected, 1, rtol=0, atol=1e-12):
        return _undefined("Fleiss' kappa", "all votes are equal")
    return float((observed.mean() - expected) / (1 - expected))


def mean_ratings(votes: ArrayLike | pandas.DataFrame) -> pandas.DataFrame:
    """Average the ratings that annotators gave of a dimension, such as arousal.

    Parameters
    ----------
    votes : pandas.DataFrame or array-like of shape (n_recordings, n_annotators), or \
            sequence of length n_recordings
        As of :func:`count_votes`, of numbers: ``corpus.valence_votes`` of
        :func:`~skser.datasets.load_iemocap`, for instance.

    Returns
    -------
    ratings : pandas.DataFrame of shape (n_recordings, 3)
        The columns are "mean", the target of a regressor; "std", the standard deviation
        of the annotators (divided by their number); and "n", their number. Without
        ratings the first two are NaN.

    Raises
    ------
    ValueError
        If a rating is no number.

    Examples
    --------
    >>> from skser.annotations import mean_ratings
    >>> mean_ratings([{"E1": 2.0, "E2": 4.0}, {"E2": 5.0}])
       mean  std  n
    0   3.0  1.0  2
    1   5.0  0.0  1
    """
    import pandas

    rows = [
        _read_numbers([label for answer in answers for label in answer])
        for answers in _list_answers(votes)
    ]
    nothing = float("nan")
    return pandas.DataFrame(
        {
            "mean": [row.mean() if len(row) else nothing for row in rows],
            "std": [row.std() if len(row) else nothing for row in rows],
            "n": [len(row) for row in rows],
        },
        index=votes.index if isinstance(votes, pandas.DataFrame) else None,
    )


def _list_answers(votes: Any) -> list[list[tuple]]:
    """Return the answers of each recording, each a tuple of one label or several."""
    if isinstance(votes, (str, Mapping)):
        raise ValueError(
            "votes must be a table with a column per annotator, or a list with a dict "
            f"of annotator to label for each recording, got {votes!r:.80}."
        )
    if hasattr(votes, "columns"):
        # Not `to_numpy`: of whole numbers and missing ones it makes floats.
        votes = list(zip(*(votes[name].tolist() for name in votes), strict=True))
    rows = []
    for i, row in enumerate(votes):
        answers = row.values() if isinstance(row, Mapping) else row
        if np.isscalar(row) and _is_missing(row):
            # Of corpora that are merged, some have no votes.
            answers = ()
        elif isinstance(row, str) or not isinstance(answers, Iterable):
            raise ValueError(
                f"Recording {i} of votes is {row!r:.80}. Expected a dict of annotator "
                "to label, or a list of labels, one per annotator."
            )
        rows.append([labels for labels in map(_as_labels, answers) if labels])
    return rows


def _as_labels(answer):
    """Return the labels of an answer as Python's own; () if there is none."""
    labels = answer if isinstance(answer, (tuple, list, set)) else (answer,)
    labels = [x.item() if isinstance(x, np.generic) else x for x in labels]
    return tuple(label for label in labels if not _is_missing(label))


def _is_missing(label):
    return label is None or is_pandas_na(label) or label == "" or is_scalar_nan(label)


def _weigh(labels, several):
    """Return the labels of one annotator, and how much of a vote each is."""
    labels = list(dict.fromkeys(labels))
    if several == "first":
        return [(labels[0], 1.0)]
    return [(label, 1 / len(labels) if several == "split" else 1.0) for label in labels]


def _sort_labels(labels):
    """Sort labels; numbers by their value, mixed ones as texts."""
    try:
        return sorted(labels)
    except TypeError:
        return sorted(labels, key=str)


def _check_counts(counts):
    """Return counts as a DataFrame of floats, or say what is wrong with them."""
    import pandas

    is_table = isinstance(counts, pandas.DataFrame)
    columns, index = (counts.columns, counts.index) if is_table else (None, None)
    try:
        values = np.asarray(counts, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "counts must be a table of numbers, a row per recording and a column per "
            "class. Make it with count_votes(votes)."
        ) from error
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(
            "counts must have the shape (n_recordings, n_classes), got "
            f"{values.shape}. Make it with count_votes(votes)."
        )
    if not np.isfinite(values).all() or values.min() < 0:
        raise ValueError("counts must be finite numbers and not negative.")
    columns = range(values.shape[1]) if columns is None else columns
    return _make_table(values, columns, index)


def _make_table(values, columns, index=None):
    import pandas

    # Not Arrow's strings, on which scikit-learn's tools fail.
    columns = pandas.Index(list(columns), dtype=None if _are_numbers(columns) else "O")
    return pandas.DataFrame(values, columns=columns, index=index)


def _are_numbers(labels):
    return all(
        isinstance(label, numbers.Real) and not isinstance(label, bool)
        for label in labels
    )


def _read_numbers(labels):
    """Return labels, such as 3 or "3.5", as floats, or say which is no number."""
    values = []
    for label in labels:
        try:
            values.append(float(label))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{label!r:.80} is no number, as ratings must be. Give numbers, such "
                "as 3.5, and None where there is no rating."
            ) from error
    return np.array(values, dtype=float)


def _rank(values, totals):
    """Return the mean rank of each value among so many votes."""
    order = np.argsort(values)
    ranks = np.empty(len(values))
    ranks[order] = np.cumsum(totals[order]) - totals[order] / 2
    return ranks


def _square_differences(counts, scale=None):
    """Sum the squared differences of all ordered pairs of votes, of each row."""
    totals = counts.sum(axis=-1)
    if scale is None:
        return totals**2 - (counts**2).sum(axis=-1)
    # From the middle of the votes, as rounding is least there.
    mean = (counts @ scale).sum() / max(totals.sum(), 1)
    scale = scale - mean
    return 2 * (totals * (counts @ scale**2) - (counts @ scale) ** 2)


def _refuse_rows(counts, which, what):
    """Raise an error that names the recordings that are refused, if there are any."""
    rows = counts.index[which].tolist()
    if rows:
        more = ", ..." if len(rows) > _N_SHOWN else ""
        names = ", ".join(map(repr, rows[:_N_SHOWN])) + more
        raise ValueError(f"{len(rows)} recording(s) {what}: {names}.")


def _undefined(name, reason):
    """Warn that a measure of agreement is not defined; it is NaN."""
    warnings.warn(
        f"{name} is undefined, because {reason}.", UndefinedMetricWarning, stacklevel=3
    )
    return float("nan")
