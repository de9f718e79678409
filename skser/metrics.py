"""Metrics: unweighted (UA, UAR, balanced) and weighted accuracy (WA), and scorers.

The field calls the accuracy "weighted" and the mean recall over the classes
"unweighted", after the weights that the classes get. scikit-learn knows them as
`accuracy_score` and, nearly, as `balanced_accuracy_score`.
"""

import warnings

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import accuracy_score, recall_score
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.multiclass import unique_labels

from skser._compat import Scorer
from skser._sequences import check_weights

__all__ = ["SCORERS", "unweighted_accuracy_score", "weighted_accuracy_score"]


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


class _SpeakerScorer(Scorer):
    """A scorer that tells the estimator who speaks, if the estimator requests it.

    The score function UA is told the classes that the estimator knows.
    """

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
        if self._score_func is unweighted_accuracy_score:
            # A class that training never saw has the recall 0, as in `score`.
            known = np.asarray(getattr(estimator, "classes_", [])).tolist()
            unseen = [x for x in unique_labels(y_true).tolist() if x not in known]
            kwargs["labels"] = known + unseen
        if groups is None or not wants_groups(estimator, "predict"):
            return super()._score(method_caller, estimator, X, y_true, **kwargs)
        predicted = estimator.predict(X, groups=groups)
        return self._sign * self._score_func(y_true, predicted, **kwargs)


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
    "UA": _SpeakerScorer(unweighted_accuracy_score, 1, {}, "predict"),
    "WA": _SpeakerScorer(weighted_accuracy_score, 1, {}, "predict"),
}
"""Both as scorers, for ``cross_validate(..., scoring=SCORERS)``.

A label that training never saw counts as wrong."""
