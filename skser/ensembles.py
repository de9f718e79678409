"""Soft voting of classifiers, and data augmentation: training on perturbed copies."""

import numbers
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import sklearn
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.ensemble import VotingClassifier
from sklearn.utils import Bunch, check_random_state, get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skser._base import restore_on_failure
from skser._compat import HasMethods, Interval, fit_context, safe_indexing
from skser._sequences import Batch, check_labels, check_utterances
from skser.audio import scale_to_rms
from skser.model_selection.perturbations import perturb

__all__ = ["AugmentedTraining", "SoftVotingClassifier"]


class SoftVotingClassifier(VotingClassifier):
    r"""Average the posteriors of several classifiers.

    .. math:: P(c \mid x) = \sum_k w_k P_k(c \mid x) \Big/ \sum_k w_k

    scikit-learn's :class:`~sklearn.ensemble.VotingClassifier` with ``voting="soft"``,
    except that what the members request at prediction, such as the `groups` of a
    :class:`~skser.normalization.SpeakerNormalizer`, reaches them. There, it goes no
    further than `fit`.

    Parameters
    ----------
    estimators : list of (str, estimator) tuples
        Classifiers with `predict_proba`, by names.
    weights : array-like of shape (n_classifiers,), default=None
        The :math:`w_k`; None is equal weights.
    n_jobs : int, default=None
        Number of members that are fitted at a time.
    verbose : bool, default=False
        Whether to print how long each member takes to fit.

    Attributes
    ----------
    estimators_ : list of estimators
        The fitted members. They know classes as 0, 1, ...
    classes_ : ndarray of shape (n_classes,)
        The labels.
    le_ : LabelEncoder
        Between labels and numbers.

    See Also
    --------
    sklearn.ensemble.StackingClassifier : Learns how to weigh its members.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skser.ensembles import SoftVotingClassifier
    >>> X, y = np.array([[0.0], [1.0], [4.0], [5.0]]), ["calm", "calm", "sad", "sad"]
    >>> members = [("linear", LogisticRegression()), ("bayes", GaussianNB())]
    >>> SoftVotingClassifier(members, weights=[2, 1]).fit(X, y).predict([[0.4]])
    array(['calm'], dtype='<U4')
    """

    def __init__(
        self,
        estimators: list[tuple[str, BaseEstimator]],
        *,
        weights: ArrayLike | None = None,
        n_jobs: int | None = None,
        verbose: bool = False,
    ):
        super().__init__(
            estimators, voting="soft", weights=weights, n_jobs=n_jobs, verbose=verbose
        )

    @restore_on_failure
    def fit(self, X: Sequence | ArrayLike, y: ArrayLike, **params: Any) -> Self:
        """Fit all members.

        Parameters
        ----------
        X : array-like, or list
            As all members take it.
        y : array-like of shape (n_samples,)
            The labels.
        **params : dict
            What members request, such as `groups`; only with
            ``enable_metadata_routing=True``.

        Returns
        -------
        self : SoftVotingClassifier
        """
        return super().fit(X, y, **params)

    def predict_proba(self, X: Sequence | ArrayLike, **params: Any) -> np.ndarray:
        """Return the average of the members' posteriors.

        Parameters
        ----------
        X : array-like, or list
            As all members take it.
        **params : dict
            What members request, such as `groups`; only with
            ``enable_metadata_routing=True``.

        Returns
        -------
        posteriors : ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        names = [name for name, member in self.estimators if member != "drop"]
        routed = {name: Bunch(predict_proba={}) for name in names}
        if params:
            if not sklearn.get_config()["enable_metadata_routing"]:
                raise ValueError(
                    f"{', '.join(params)} can be passed on only with "
                    "sklearn.set_config(enable_metadata_routing=True)."
                )
            routed = process_routing(self, "predict_proba", **params)
        posteriors = [
            member.predict_proba(X, **routed[name]["predict_proba"])
            for name, member in zip(names, self.estimators_, strict=True)
        ]
        return np.average(posteriors, axis=0, weights=self._weights_not_none)

    def predict(self, X: Sequence | ArrayLike, **params: Any) -> np.ndarray:
        """Return the most probable labels.

        Parameters
        ----------
        X : array-like, or list
            As all members take it.
        **params : dict
            As of `predict_proba`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        best = np.argmax(self.predict_proba(X, **params), axis=1)
        return self.le_.inverse_transform(best)

    def get_metadata_routing(self) -> Any:
        """Say that members get what they request in `fit` and at prediction.

        Returns
        -------
        routing : MetadataRouter
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        for caller in ("predict", "predict_proba"):
            mapping.add(caller=caller, callee="predict_proba")
        members = dict(self.estimators)
        return MetadataRouter(owner=self).add(method_mapping=mapping, **members)


def _estimator_has(method):
    """Return a check that the estimator, fitted or not, has a method."""

    def check(augmented):
        getattr(getattr(augmented, "estimator_", augmented.estimator), method)
        return True

    return check


class AugmentedTraining(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Train a classifier on signals and on perturbed copies of them (augmentation).

    A classifier that has heard nothing but a studio knows no telephone. `fit` gives it
    each training signal as it is and once more for each perturbation, all with the
    signal's label. At prediction nothing is perturbed.

    Parameters
    ----------
    estimator : classifier
        From signals to labels; most often a Pipeline that begins with
        :class:`~skser.Framer`.
    perturbations : sequence of str or callable, default=("telephone band",)
        One for each set of copies: names in
        :data:`~skser.model_selection.perturbations.PERTURBATIONS`, or functions
        ``f(signal, sample_rate)``. A system with a function cannot be saved by
        :func:`skser.save`.
    keep_rms : bool, default=True
        Whether each copy is shifted to mean 0 and scaled to the root mean square that
        its signal has, as a loader does that brings all recordings to one level,
        ``AudioLoader(rms=0.05)``. A gain then changes nothing.
    sample_rate : int, default=16000
        Of the signals, in Hz.
    random_state : int, RandomState instance or None, default=None
        Determines what is random in the perturbations. Those of
        ``"telephone band"`` have nothing.

    Attributes
    ----------
    estimator_ : classifier
        The fitted one.
    classes_ : ndarray of shape (n_classes,)
        The labels.

    See Also
    --------
    skser.model_selection.evaluate_under : Perturbs test recordings.

    Notes
    -----
    What `fit` is given for each signal, such as `sample_weight` or `groups`, holds for
    its copies, too; except that the copies of a speaker are those of another speaker.
    :class:`~skser.normalization.SpeakerNormalizer` thus has one mean for a voice and
    another for the voice on the telephone.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skser import Framer
    >>> from skser.ensembles import AugmentedTraining
    >>> from skser.features import FrameStatistics, SpeechDescriptors
    >>> times = np.arange(8000) / 16000
    >>> signals = [np.sin(2 * np.pi * f * times) for f in (200, 220, 400, 420)]
    >>> classifier = make_pipeline(
    ...     Framer(400, 160),
    ...     SpeechDescriptors(["log_pitch"]),
    ...     FrameStatistics(["mean"], []),
    ...     LogisticRegression(),
    ... )
    >>> augmented = AugmentedTraining(classifier)
    >>> augmented.fit(signals, ["low", "low", "high", "high"]).predict(signals).tolist()
    ['low', 'low', 'high', 'high']
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"])],
        "perturbations": [list, tuple],
        "keep_rms": ["boolean"],
        "sample_rate": [Interval(numbers.Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: BaseEstimator,
        perturbations: Sequence[str | Callable] = ("telephone band",),
        *,
        keep_rms: bool = True,
        sample_rate: int = 16000,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.estimator = estimator
        self.perturbations = perturbations
        self.keep_rms = keep_rms
        self.sample_rate = sample_rate
        self.random_state = random_state

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Sequence | ArrayLike, y: ArrayLike, **params: Any) -> Self:
        """Fit the classifier to the signals and to their copies.

        Parameters
        ----------
        X : list of array-like of shape (n_samples,)
            The signals.
        y : array-like of shape (n_signals,)
            The labels.
        **params : dict
            What the classifier requests, such as `groups`; only with
            ``enable_metadata_routing=True``.

        Returns
        -------
        self : AugmentedTraining

        Raises
        ------
        ValueError
            If a perturbation is unknown, or `y` or a parameter has another length.
        """
        signals = check_utterances(X, 1, "(n_samples,)")
        y = check_labels(y, signals)
        groups = params.get("groups")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        copies = Batch(signals)
        for number, perturbation in enumerate(self.perturbations):
            copies += self._perturb(signals, perturbation, groups, seed + number)
        n_sets = 1 + len(self.perturbations)
        places = np.tile(np.arange(len(signals)), n_sets)
        repeated = {
            name: values
            if values is None or np.ndim(values) == 0
            else safe_indexing(values, places)
            for name, values in params.items()
        }
        if groups is not None:
            _, speakers = np.unique(np.asarray(groups), return_inverse=True)
            of_set = np.repeat(np.arange(n_sets), len(signals))
            repeated["groups"] = speakers[places] + of_set * (speakers.max() + 1)
        routed = self._route("fit", repeated)
        self.estimator_ = clone(self.estimator).fit(copies, y[places], **routed)
        self.classes_ = self.estimator_.classes_
        return self

    def predict(self, X: Sequence | ArrayLike, **params: Any) -> np.ndarray:
        """Return the labels that the classifier gives to signals as they are.

        Parameters
        ----------
        X : list of array-like of shape (n_samples,)
            The signals.
        **params : dict
            As of `fit`.

        Returns
        -------
        labels : ndarray of shape (n_signals,)
        """
        check_is_fitted(self)
        return self.estimator_.predict(X, **self._route("predict", params))

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X, **params):
        """Return the posteriors that the classifier gives to signals as they are.

        Parameters
        ----------
        X : list of array-like of shape (n_samples,)
            The signals.
        **params : dict
            As of `fit`.

        Returns
        -------
        posteriors : ndarray of shape (n_signals, n_classes)
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X, **self._route("predict_proba", params))

    def get_metadata_routing(self) -> Any:
        """Say that the classifier gets what it requests in `fit` and at prediction.

        Returns
        -------
        routing : MetadataRouter
        """
        mapping = MethodMapping()
        for method in ("fit", "predict", "predict_proba"):
            mapping.add(caller=method, callee=method)
        return MetadataRouter(owner=self).add(
            estimator=self.estimator, method_mapping=mapping
        )

    def _perturb(self, signals, perturbation, groups, seed):
        """Return one copy of each signal."""
        copies = perturb(
            signals, perturbation, self.sample_rate, groups=groups, random_state=seed
        )
        if not self.keep_rms:
            return copies
        return [
            scale_to_rms(copy, np.sqrt(np.mean(np.square(signal, dtype=np.float64))))
            for copy, signal in zip(copies, signals, strict=True)
        ]

    def _route(self, method, params):
        """Return what the classifier's method is given."""
        if not params:
            return {}
        if not sklearn.get_config()["enable_metadata_routing"]:
            raise ValueError(
                f"{', '.join(params)} can be passed on only with "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        return process_routing(self, method, **params)["estimator"][method]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags
