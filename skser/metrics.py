"""Metrics: UA and WA, calibration, coverage, soft labels, CCC, and scorers.

The field calls the accuracy "weighted" and the mean recall over the classes
"unweighted", after the weights that the classes get. scikit-learn knows them as
`accuracy_score` and, nearly, as `balanced_accuracy_score`. Only what scikit-learn does
not have is here: F1, Cohen's kappa, log loss, Brier score and the errors of regression
are its own.
"""

import warnings
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import rel_entr
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import accuracy_score, recall_score, root_mean_squared_error
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.multiclass import unique_labels

from skser._compat import Scorer
from skser._sequences import ROUNDING, check_weights

__all__ = [
    "DISTRIBUTION_SCORERS",
    "PROBABILITY_SCORERS",
    "REGRESSION_SCORERS",
    "SCORERS",
    "accuracy_coverage_curve",
    "concordance_correlation_coefficient",
    "expected_calibration_error",
    "jensen_shannon_divergence",
    "pearson_correlation_coefficient",
    "soft_cross_entropy",
    "unweighted_accuracy_score",
    "weighted_accuracy_score",
]

BINNINGS = ("quantile", "uniform")
AVERAGES = ("raw_values", "uniform_average")


def unweighted_accuracy_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    r"""Compute UA, the mean recall over the classes.

    .. math:: \mathrm{UA} = \frac{1}{|C|} \sum_{c \in C}
        \frac{|\{i : y_i = c, \hat y_i = c\}|}{|\{i : y_i = c\}|}

    where :math:`C` are the classes that occur in `y_true`: the recall of a class
    without samples is undefined.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    labels : array-like of shape (n_classes,), default=None
        The fixed list of classes. The score is the same, but it is said when a class
        of the list does not occur in `y_true`, and a label outside of it is an error.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each sample counts; finite and not negative.

    Returns
    -------
    score : float
        Between 0 and 1; a classifier that ignores its input reaches
        ``1 / n_classes``.

    Raises
    ------
    ValueError
        If `y_true` has a label that is not among `labels`.

    Warns
    -----
    sklearn.exceptions.UndefinedMetricWarning
        If a class among `labels` does not occur in `y_true`.

    See Also
    --------
    weighted_accuracy_score : The plain accuracy.
    sklearn.metrics.balanced_accuracy_score : The same number, without `labels`.
    sklearn.metrics.recall_score : With ``average="macro"`` it takes a class that is
        only ever predicted for one of recall 0: the example below would give 0.5.

    Notes
    -----
    The same quantity goes by unweighted average recall (UAR), macro recall and
    balanced accuracy. Averages over folds differ from the score of the pooled
    predictions: say which one is reported.

    References
    ----------
    .. [1] B. Schuller, S. Steidl and A. Batliner, "The INTERSPEECH 2009 emotion
       challenge", Interspeech 2009.
    .. [2] Z. Zhao et al., "Exploring spatio-temporal representations by integrating
       attention-based bidirectional-LSTM-RNNs and FCNs for speech emotion
       recognition", Interspeech 2018.

    Examples
    --------
    >>> from skser.metrics import unweighted_accuracy_score
    >>> y_true = ["anger", "anger", "sadness", "sadness"]
    >>> y_pred = ["anger", "neutral", "sadness", "sadness"]
    >>> unweighted_accuracy_score(y_true, y_pred)
    0.75
    """
    if labels is not None:
        present, labels = unique_labels(y_true).tolist(), np.asarray(labels).tolist()
        unseen = [label for label in present if label not in labels]
        if unseen:
            raise ValueError(
                f"y_true has the label(s) {unseen}, which are not among the known "
                f"classes {labels} of the parameter labels."
            )
        absent = [label for label in labels if label not in present]
        if absent:
            warnings.warn(
                f"y_true has no sample of the class(es) {absent}: their recall is "
                f"undefined. UA is the mean over the other {len(present)} class(es).",
                UndefinedMetricWarning,
                stacklevel=2,
            )
    if sample_weight is not None:
        sample_weight = check_weights(sample_weight, y_true)
    # With NaN for what is undefined, recall_score leaves it out of the mean.
    return float(
        recall_score(
            y_true,
            y_pred,
            average="macro",
            sample_weight=sample_weight,
            zero_division=np.nan,
        )
    )


def weighted_accuracy_score(
    y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    r"""Compute WA, the share of correct predictions.

    .. math:: \mathrm{WA} = \frac{1}{n} \, |\{i : \hat y_i = y_i\}|

    It is the mean recall over the classes, each weighted by its number of samples.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each sample counts; finite and not negative.

    Returns
    -------
    score : float
        Between 0 and 1.

    See Also
    --------
    unweighted_accuracy_score : Every class counts the same.
    sklearn.metrics.accuracy_score : The same, under scikit-learn's name.

    Notes
    -----
    Elsewhere "weighted accuracy" can mean one with class weights; in speech emotion
    recognition [1]_ it is the plain accuracy.

    References
    ----------
    .. [1] Schuller et al. 2009, as of :func:`unweighted_accuracy_score`.

    Examples
    --------
    >>> from skser.metrics import weighted_accuracy_score
    >>> y_true = ["anger", "anger", "anger", "sadness"]
    >>> y_pred = ["anger", "anger", "anger", "anger"]
    >>> weighted_accuracy_score(y_true, y_pred)
    0.75
    """
    if sample_weight is not None:
        sample_weight = check_weights(sample_weight, y_true)
    return float(accuracy_score(y_true, y_pred, sample_weight=sample_weight))


def find_bins(confidence, n_bins, strategy):
    """Return the bin of each confidence, with the edges of `calibration_curve`.

    Parameters
    ----------
    confidence : ndarray of shape (n_samples,)
        Between 0 and 1.
    n_bins : int
    strategy : {"quantile", "uniform"}
        Bins of equal mass or of equal width.

    Returns
    -------
    bins : ndarray of int of shape (n_samples,)
        From 0 to ``n_bins - 1``. Equal confidences share a bin, so that some may be
        empty.
    """
    if strategy not in BINNINGS:
        raise ValueError(
            f"strategy must be one of {list(BINNINGS)}, got {strategy!r}: bins of "
            "equal mass or of equal width."
        )
    if not isinstance(n_bins, Integral) or n_bins < 1:
        raise ValueError(f"n_bins must be an integer of at least 1, got {n_bins!r}.")
    edges = np.linspace(0, 1, n_bins + 1)
    if strategy == "quantile":
        edges = np.quantile(confidence, edges)
    return np.searchsorted(edges[1:-1], confidence)


def _check_sums(values, name):
    """Check that rows are probabilities."""
    sums = values.sum(axis=1)
    if values.min() < 0 or not np.allclose(sums, 1, atol=1e-5):
        raise ValueError(
            f"{name} must have rows of probabilities, not negative and with the sum 1; "
            f"the least value is {values.min():.3g}, and sums go from "
            f"{sums.min():.3g} to {sums.max():.3g}."
        )


def _read_probabilities(y_true, y_proba, labels):
    """Return the confidence in the most probable class, and whether it is right."""
    y_true = np.asarray(y_true)
    y_proba = check_array(y_proba, dtype=float, input_name="y_proba")
    check_consistent_length(y_true, y_proba)
    labels = unique_labels(y_true) if labels is None else np.asarray(labels)
    if len(labels) != y_proba.shape[1]:
        raise ValueError(
            f"y_proba has {y_proba.shape[1]} columns, but there are {len(labels)} "
            f"classes: {labels.tolist()}. Pass labels, the class of each column, such "
            "as the attribute classes_ of the classifier."
        )
    unseen = sorted(set(y_true.tolist()) - set(labels.tolist()))
    if unseen:
        raise ValueError(
            f"y_true has the label(s) {unseen}, which are not among the known "
            f"classes {labels.tolist()} of the parameter labels."
        )
    _check_sums(y_proba, "y_proba")
    return y_proba.max(axis=1), labels[y_proba.argmax(axis=1)] == y_true


def expected_calibration_error(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    n_bins: int = 10,
    strategy: str = "quantile",
) -> float:
    r"""Compute the expected calibration error (ECE) of the most probable class.

    .. math:: \mathrm{ECE} = \sum_b \frac{n_b}{n} \,
        \bigl| \mathrm{acc}_b - \mathrm{conf}_b \bigr|

    where :math:`n_b` of :math:`n` samples lie in the bin :math:`b` of confidence, the
    largest probability of a sample; :math:`\mathrm{conf}_b` is their mean confidence
    and :math:`\mathrm{acc}_b` the share of them whose most probable class is right.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_proba : array-like of shape (n_samples, n_classes)
        Probabilities, as of `predict_proba`.
    labels : array-like of shape (n_classes,), default=None
        The class of each column. None is the labels of `y_true`, sorted.
    n_bins : int, default=10
        Number of bins.
    strategy : {"quantile", "uniform"}, default="quantile"
        "quantile" has bins of equal mass, which is less biased [3]_; "uniform" has
        bins of equal width, as the definition has it [1]_ [2]_. The edges are those
        of :func:`sklearn.calibration.calibration_curve`.

    Returns
    -------
    error : float
        Between 0 and 1; 0 is best.

    Raises
    ------
    ValueError
        If `y_proba` has other columns than there are classes, or no probabilities, or
        `y_true` a label that is not among `labels`.

    See Also
    --------
    sklearn.metrics.log_loss, sklearn.metrics.brier_score_loss : Proper scores, which
        a system cannot improve by being vague.
    skser.plotting.ReliabilityDisplay : The bins as a picture.

    Notes
    -----
    Chance makes the error of a finite sample larger than 0 even where probabilities
    are right: with 500 samples and an accuracy of 0.55 it is about 0.05 on average
    (``tests/benchmarks/bench_intervals.py``). Compare it at equal numbers of samples
    and bins only.

    References
    ----------
    .. [1] M. P. Naeini, G. F. Cooper and M. Hauskrecht, "Obtaining well calibrated
       probabilities using Bayesian binning", AAAI 2015.
    .. [2] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern
       neural networks", ICML 2017.
    .. [3] R. Roelofs, N. Cain, J. Shlens and M. C. Mozer, "Mitigating bias in
       calibration error estimation", AISTATS 2022.

    Examples
    --------
    Sure of all four, right in three:

    >>> from skser.metrics import expected_calibration_error
    >>> y_true = ["anger", "anger", "sadness", "sadness"]
    >>> y_proba = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    >>> expected_calibration_error(y_true, y_proba, n_bins=1)
    0.25
    """
    confidence, is_right = _read_probabilities(y_true, y_proba, labels)
    bins = find_bins(confidence, n_bins, strategy)
    differences = np.bincount(bins, confidence - is_right, minlength=n_bins)
    return float(np.abs(differences).sum() / len(confidence))


def accuracy_coverage_curve(
    y_true: ArrayLike, y_proba: ArrayLike, *, labels: ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""Compute the accuracy of the most confident answers, over how many are given.

    With a threshold :math:`\tau` a system answers where its largest probability is
    :math:`\tau` or more. Its coverage is the share of samples that it answers, its
    accuracy the share of those answers that are right; one minus the accuracy is the
    selective risk of the risk-coverage curve [1]_.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_proba : array-like of shape (n_samples, n_classes)
        Probabilities, as of `predict_proba`.
    labels : array-like of shape (n_classes,), default=None
        The class of each column. None is the labels of `y_true`, sorted.

    Returns
    -------
    coverage, accuracy, thresholds : ndarray of shape (n_thresholds,)
        The thresholds are the different confidences, the largest first; the last
        coverage is 1, and its accuracy WA.

    Raises
    ------
    ValueError
        As of :func:`expected_calibration_error`.

    Notes
    -----
    A threshold that is read off here has seen these samples. Choose it on others.

    References
    ----------
    .. [1] R. El-Yaniv and Y. Wiener, "On the foundations of noise-free selective
       classification", Journal of Machine Learning Research 11, 2010.

    Examples
    --------
    >>> from skser.metrics import accuracy_coverage_curve
    >>> y_true = ["anger", "anger", "sadness", "sadness"]
    >>> y_proba = [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]]
    >>> coverage, accuracy, thresholds = accuracy_coverage_curve(y_true, y_proba)
    >>> coverage.tolist(), accuracy.round(2).tolist()
    ([0.25, 0.5, 0.75, 1.0], [1.0, 1.0, 0.67, 0.75])
    """
    confidence, is_right = _read_probabilities(y_true, y_proba, labels)
    order = np.argsort(-confidence, kind="stable")
    ordered, n_right = confidence[order], np.cumsum(is_right[order])
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    n_answered = ends + 1
    return n_answered / len(ordered), n_right[ends] / n_answered, ordered[ends]


def _read_targets(y_true, y_pred, sample_weight):
    """Return truth and predictions as columns of floats, and weights with the sum 1."""
    columns = []
    for name, values in (("y_true", y_true), ("y_pred", y_pred)):
        values = check_array(values, dtype=float, ensure_2d=False, input_name=name)
        columns.append(values.reshape(-1, 1) if values.ndim == 1 else values)
    y_true, y_pred = columns
    check_consistent_length(y_true, y_pred)
    if y_true.shape[1] != y_pred.shape[1]:
        raise ValueError(
            f"y_true has {y_true.shape[1]} target(s) and y_pred {y_pred.shape[1]}. "
            "They need the same columns, one per target."
        )
    weights = check_weights(sample_weight, y_true)
    return y_true, y_pred, weights / weights.sum()


def _average_targets(values, multioutput):
    """Return one number per target, or their mean, as scikit-learn's errors do."""
    if isinstance(multioutput, str):
        if multioutput not in AVERAGES:
            raise ValueError(
                f"multioutput must be one of {list(AVERAGES)} or an array of weights, "
                f"one per target; got {multioutput!r}."
            )
        return values if multioutput == "raw_values" else float(values.mean())
    weights = np.asarray(multioutput, dtype=float)
    if weights.shape != values.shape:
        raise ValueError(
            f"multioutput has the shape {weights.shape}, but there are {len(values)} "
            "target(s). It takes one weight per target."
        )
    return float(np.average(values, weights=weights))


def _correlate(y_true, y_pred, sample_weight):
    """Return means, variances and covariance of each target, of the population.

    Where all values are equal, up to rounding, the variance is 0. Of one sample all of
    them are NaN.
    """
    y_true, y_pred, weights = _read_targets(y_true, y_pred, sample_weight)
    if (weights > 0).sum() < 2:
        warnings.warn(
            "Correlations are not defined for fewer than two samples: NaN.",
            UndefinedMetricWarning,
            stacklevel=3,
        )
        undefined = np.full(y_true.shape[1], np.nan)
        return [undefined] * 2, [undefined] * 2, undefined
    means = [weights @ values for values in (y_true, y_pred)]
    distances = [y_true - means[0], y_pred - means[1]]
    variances = [weights @ distance**2 for distance in distances]
    for values, variance in zip((y_true, y_pred), variances, strict=True):
        scale = np.abs(values).max(axis=0)
        variance[np.sqrt(variance) <= ROUNDING * scale] = 0
    return means, variances, weights @ (distances[0] * distances[1])


def concordance_correlation_coefficient(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: str | ArrayLike = "uniform_average",
) -> float | np.ndarray:
    r"""Compute CCC, Lin's concordance correlation coefficient.

    .. math:: \mathrm{CCC} = \frac{2 \, \sigma_{y \hat y}}
        {\sigma_y^2 + \sigma_{\hat y}^2 + (\mu_y - \mu_{\hat y})^2}

    with means :math:`\mu`, variances :math:`\sigma^2` and the covariance
    :math:`\sigma_{y \hat y}` of the population: divided by the number of samples
    :math:`n`, as in [1]_, not by :math:`n - 1`. It is Pearson's correlation times a
    factor that is below 1 where mean or scale of the predictions differ from those of
    the truth.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        True values, such as ratings of arousal.
    y_pred : array-like of shape (n_samples,) or (n_samples, n_targets)
        Predicted values.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each sample counts; finite and not negative.
    multioutput : "raw_values", "uniform_average" or array-like of shape (n_targets,)
        What becomes of several targets: a number for each, their mean (the default),
        or their mean with these weights.

    Returns
    -------
    coefficient : float or ndarray of shape (n_targets,)
        Between -1 and 1; 1 if all predictions are right, and 0 for a regressor that
        ignores its input. An array with ``multioutput="raw_values"``.

    Raises
    ------
    ValueError
        If values are not finite, or shapes do not fit.

    Warns
    -----
    sklearn.exceptions.UndefinedMetricWarning
        If there are fewer than two samples. The result is then NaN, as of
        :func:`sklearn.metrics.r2_score`.

    See Also
    --------
    pearson_correlation_coefficient : The same for predictions of any mean and scale.
    sklearn.metrics.root_mean_squared_error : The error in the unit of the ratings.

    Notes
    -----
    If truth or predictions are constant, the coefficient is 0; if both are the same
    constant, it is 1, as :func:`sklearn.metrics.r2_score` of perfect predictions.

    The mean of the coefficients of folds differs from the coefficient of the pooled
    predictions: say which one is reported.

    References
    ----------
    .. [1] L. I.-K. Lin, "A concordance correlation coefficient to evaluate
       reproducibility", Biometrics 45(1), 1989.

    Examples
    --------
    Predictions that are right up to a shift correlate perfectly, and agree less:

    >>> from skser.metrics import concordance_correlation_coefficient
    >>> from skser.metrics import pearson_correlation_coefficient
    >>> y_true, y_pred = [1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 5.0]
    >>> round(concordance_correlation_coefficient(y_true, y_pred), 3)
    0.714
    >>> round(pearson_correlation_coefficient(y_true, y_pred), 3)
    1.0
    """
    means, variances, covariance = _correlate(y_true, y_pred, sample_weight)
    spread = variances[0] + variances[1] + (means[0] - means[1]) ** 2
    is_same = spread == 0
    values = np.where(is_same, 1, 2 * covariance / np.where(is_same, 1, spread))
    return _average_targets(values, multioutput)


def pearson_correlation_coefficient(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: str | ArrayLike = "uniform_average",
) -> float | np.ndarray:
    r"""Compute PCC, Pearson's correlation coefficient.

    .. math:: \mathrm{PCC} = \frac{\sigma_{y \hat y}}{\sigma_y \, \sigma_{\hat y}}

    with the standard deviations :math:`\sigma` and the covariance
    :math:`\sigma_{y \hat y}`.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        True values, such as ratings of arousal.
    y_pred : array-like of shape (n_samples,) or (n_samples, n_targets)
        Predicted values.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each sample counts; finite and not negative.
    multioutput : "raw_values", "uniform_average" or array-like of shape (n_targets,)
        What becomes of several targets: a number for each, their mean (the default),
        or their mean with these weights.

    Returns
    -------
    coefficient : float or ndarray of shape (n_targets,)
        Between -1 and 1. An array with ``multioutput="raw_values"``.

    Raises
    ------
    ValueError
        If values are not finite, or shapes do not fit.

    Warns
    -----
    sklearn.exceptions.UndefinedMetricWarning
        If a target or its predictions are constant: the correlation is undefined and
        counts as 0, as of :func:`sklearn.feature_selection.r_regression`. If there are
        fewer than two samples, the result is NaN.

    See Also
    --------
    concordance_correlation_coefficient : A wrong mean or scale costs something.
    scipy.stats.pearsonr : The same for one target, with a test and without weights.

    Examples
    --------
    >>> from skser.metrics import pearson_correlation_coefficient
    >>> y_true = [[1.0, 0.0], [2.0, 1.0], [3.0, 0.0]]
    >>> y_pred = [[2.0, 0.0], [4.0, -1.0], [6.0, 0.0]]
    >>> coefficients = pearson_correlation_coefficient(
    ...     y_true, y_pred, multioutput="raw_values"
    ... )
    >>> coefficients.round(3).tolist()
    [1.0, -1.0]
    """
    _, variances, covariance = _correlate(y_true, y_pred, sample_weight)
    scale = np.sqrt(variances[0] * variances[1])
    is_constant = scale == 0
    if is_constant.any():
        warnings.warn(
            f"PCC is undefined for the target(s) {np.flatnonzero(is_constant).tolist()}"
            ": the true values, or the predicted ones, are all the same. It counts as "
            "0.",
            UndefinedMetricWarning,
            stacklevel=2,
        )
    values = np.where(is_constant, 0, covariance / np.where(is_constant, 1, scale))
    return _average_targets(np.clip(values, -1, 1), multioutput)


def _list_labels(y_true):
    """Return the labels of y_true, or the classes of distributions."""
    if getattr(y_true, "ndim", 1) != 2:
        return unique_labels(y_true).tolist()
    return list(getattr(y_true, "columns", range(y_true.shape[1])))


def _read_distributions(y_true, y_proba, labels):
    """Return truth and predictions as arrays of probabilities, in the same columns."""
    y_proba = check_array(y_proba, dtype=float, input_name="y_proba")
    named = list(getattr(y_true, "columns", []))
    if labels is not None:
        classes = np.asarray(labels).tolist()
    else:
        classes = named or list(range(y_proba.shape[1]))
    unknown = [label for label in named if label not in classes]
    if unknown:
        raise ValueError(
            f"y_true has the column(s) {unknown}, which are not among the known "
            f"classes {classes} of the parameter labels."
        )
    if named:
        # A class without a column is one that no annotator chose.
        y_true = y_true.reindex(columns=classes, fill_value=0.0)
    y_true = check_array(y_true, dtype=float, input_name="y_true")
    check_consistent_length(y_true, y_proba)
    for name, values in (("y_true", y_true), ("y_proba", y_proba)):
        if values.shape[1] != len(classes):
            raise ValueError(
                f"{name} has {values.shape[1]} columns, but there are {len(classes)} "
                f"classes: {classes}. Both need one per class; name those of y_proba "
                "with labels, such as the attribute classes_ of the classifier."
            )
        _check_sums(values, name)
    return y_true, y_proba


def soft_cross_entropies(truth, answers):
    """Return the cross-entropy of each row, in nats; see `soft_cross_entropy`."""
    answers = np.clip(answers, np.finfo(answers.dtype).eps, 1)
    return -(truth * np.log(answers)).sum(axis=1)


def jensen_shannon_divergences(truth, answers):
    """Return that of each row, in bits; see `jensen_shannon_divergence`."""
    middle = (truth + answers) / 2
    terms = rel_entr(truth, middle) + rel_entr(answers, middle)
    # Rounding can take it below 0.
    return np.clip(terms.sum(axis=1) / (2 * np.log(2)), 0, 1)


def _average_rows(values, sample_weight):
    weights = None if sample_weight is None else check_weights(sample_weight, values)
    return float(np.average(values, weights=weights))


def soft_cross_entropy(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    r"""Compute the cross-entropy of posteriors against soft labels, in nats.

    .. math:: H = - \frac{1}{n} \sum_i \sum_c P(c \mid i) \ln Q(c \mid i)

    with the distribution :math:`P` of the annotators and the posteriors :math:`Q`. It
    is what network classifiers minimise; with one label per sample it is
    :func:`sklearn.metrics.log_loss`.

    Parameters
    ----------
    y_true : pandas.DataFrame or array-like of shape (n_samples, n_classes)
        Distributions, as of :func:`~skser.annotations.label_distributions`. The columns
        of a DataFrame name the classes and are matched with `labels`; those of an array
        are in the order of `y_proba`.
    y_proba : array-like of shape (n_samples, n_classes)
        Probabilities, as of `predict_proba`.
    labels : array-like of shape (n_classes,), default=None
        The class of each column of `y_proba`. None is the order of `y_true`.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each sample counts; finite and not negative.

    Returns
    -------
    entropy : float
        Not less than the mean entropy of the annotators' distributions, which a system
        reaches that predicts them.

    Raises
    ------
    ValueError
        If rows are no probabilities, or columns do not fit.

    See Also
    --------
    jensen_shannon_divergence : 0 for posteriors that are right.

    Notes
    -----
    Probabilities of 0 count as :math:`2.2 \cdot 10^{-16}`, as in
    :func:`sklearn.metrics.log_loss`.

    Examples
    --------
    >>> from skser.metrics import soft_cross_entropy
    >>> y_true = [[0.5, 0.5], [1.0, 0.0]]
    >>> round(soft_cross_entropy(y_true, [[0.5, 0.5], [0.5, 0.5]]), 3)
    0.693
    >>> round(soft_cross_entropy(y_true, y_true), 3)
    0.347
    """
    truth, answers = _read_distributions(y_true, y_proba, labels)
    return _average_rows(soft_cross_entropies(truth, answers), sample_weight)


def jensen_shannon_divergence(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    r"""Compute the Jensen-Shannon divergence of posteriors from soft labels, in bits.

    .. math:: \mathrm{JSD} = \frac{1}{n} \sum_i \sum_c \frac{1}{2} \left(
        P \log_2 \frac{P}{M} + Q \log_2 \frac{Q}{M} \right), \quad
        M = \frac{P + Q}{2}

    with the distribution :math:`P(c \mid i)` of the annotators and the posteriors
    :math:`Q(c \mid i)`.

    Parameters
    ----------
    y_true : pandas.DataFrame or array-like of shape (n_samples, n_classes)
        Distributions, as of :func:`~skser.annotations.label_distributions`. The columns
        of a DataFrame name the classes and are matched with `labels`; those of an array
        are in the order of `y_proba`.
    y_proba : array-like of shape (n_samples, n_classes)
        Probabilities, as of `predict_proba`.
    labels : array-like of shape (n_classes,), default=None
        The class of each column of `y_proba`. None is the order of `y_true`.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each sample counts; finite and not negative.

    Returns
    -------
    divergence : float
        The mean over the samples: between 0, for equal distributions, and 1.

    Raises
    ------
    ValueError
        If rows are no probabilities, or columns do not fit.

    See Also
    --------
    soft_cross_entropy : What is minimised in training.
    scipy.spatial.distance.jensenshannon : The square root of this, per sample.

    References
    ----------
    .. [1] J. Lin, "Divergence measures based on the Shannon entropy", IEEE Trans. on
       Information Theory 37(1), 1991.

    Examples
    --------
    >>> from skser.metrics import jensen_shannon_divergence
    >>> y_true = [[0.5, 0.5], [1.0, 0.0]]
    >>> jensen_shannon_divergence(y_true, [[0.5, 0.5], [0.0, 1.0]])
    0.5
    """
    truth, answers = _read_distributions(y_true, y_proba, labels)
    return _average_rows(jensen_shannon_divergences(truth, answers), sample_weight)


class _SpeakerScorer(Scorer):
    """A scorer that tells the estimator who speaks, if the estimator requests it."""

    def get_metadata_routing(self):
        """Request `groups` beside what the user requests.

        So ``cross_validate(..., params={"groups": speakers})`` names the speakers to
        estimators that normalise by them, without another word.

        Returns
        -------
        routing : MetadataRequest
        """
        routing = super().get_metadata_routing()
        if "groups" not in routing.score.requests:
            routing.score.add_request(param="groups", alias=True)
        return routing

    def _score(self, method_caller, estimator, X, y_true, groups=None, **kwargs):
        kwargs = {**self._kwargs, **kwargs}
        method = self._response_method
        is_told = groups is not None and wants_groups(estimator, method)
        if method == "predict" and not is_told:
            return super()._score(method_caller, estimator, X, y_true, **kwargs)
        params = {"groups": groups} if is_told else {}
        answers = getattr(estimator, method)(X, **params)
        if method == "predict_proba":
            # A class that training never saw has no probability.
            n_unseen = len(kwargs["labels"]) - answers.shape[1]
            answers = np.pad(answers, ((0, 0), (0, n_unseen)))
        return self._sign * self._score_func(y_true, answers, **kwargs)


class _ClassScorer(_SpeakerScorer):
    """UA, ECE and the like are told the classes that the estimator knows."""

    def _score(self, method_caller, estimator, X, y_true, **kwargs):
        if self._score_func is not weighted_accuracy_score:
            known = np.asarray(getattr(estimator, "classes_", [])).tolist()
            unseen = [label for label in _list_labels(y_true) if label not in known]
            # A class that training never saw has the recall 0, as in `score`.
            kwargs["labels"] = known + unseen
        return super()._score(method_caller, estimator, X, y_true, **kwargs)


def wants_groups(estimator, method):
    """Tell whether an estimator requests to be told who speaks.

    Parameters
    ----------
    estimator : estimator instance
    method : str
        Such as "predict".

    Returns
    -------
    wants_groups : bool
    """
    return bool(get_routing_for_object(estimator).consumes(method, ["groups"]))


SCORERS = {
    "UA": _ClassScorer(unweighted_accuracy_score, 1, {}, "predict"),
    "WA": _ClassScorer(weighted_accuracy_score, 1, {}, "predict"),
}
"""Both as scorers, for ``cross_validate(..., scoring=SCORERS)``.

A label that training never saw counts as wrong."""

PROBABILITY_SCORERS = {
    "neg_ECE": _ClassScorer(expected_calibration_error, -1, {}, "predict_proba"),
}
"""Scorers of classifiers with `predict_proba`, the larger the better.

scikit-learn's own are "neg_log_loss" and "neg_brier_score".
"""

DISTRIBUTION_SCORERS = {
    "neg_soft_cross_entropy": _ClassScorer(soft_cross_entropy, -1, {}, "predict_proba"),
    "neg_JSD": _ClassScorer(jensen_shannon_divergence, -1, {}, "predict_proba"),
}
"""Scorers against soft labels, of classifiers with `predict_proba`; larger is better.

The targets are distributions, as of :func:`skser.annotations.label_distributions`.
"""

REGRESSION_SCORERS = {
    "CCC": _SpeakerScorer(concordance_correlation_coefficient, 1, {}, "predict"),
    "PCC": _SpeakerScorer(pearson_correlation_coefficient, 1, {}, "predict"),
    "neg_RMSE": _SpeakerScorer(root_mean_squared_error, -1, {}, "predict"),
}
"""Scorers of regressors, such as of arousal, the larger the better.

Of several targets they give the mean.
"""
