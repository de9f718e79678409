"""Soft voting, data augmentation, refusing to answer, and scaled targets."""

import math
import numbers
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import sklearn
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.ensemble import VotingClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.utils import (
    Bunch,
    check_array,
    check_random_state,
    get_tags,
    indexable,
)
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from skser._base import restore_on_failure
from skser._compat import HasMethods, Interval, fit_context, safe_indexing
from skser._sequences import (
    Batch,
    check_groups,
    check_is_sequence,
    check_labels,
    check_utterances,
    check_weights,
)
from skser.audio import scale_to_rms
from skser.model_selection._splitters import SpeakerFolds, find_leak, list_folds
from skser.model_selection.perturbations import perturb

__all__ = [
    "AugmentedTraining",
    "RejectOption",
    "ScaledTargetRegressor",
    "SoftVotingClassifier",
]


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


class RejectOption(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    r"""Answer only where the classifier is sure enough, for a wished error rate.

    A recording is answered if its largest posterior reaches a threshold; of all others,
    `predict` says ``"unknown"``. The threshold is the smallest for which, of the
    recordings that are answered, no more than `error_rate` are wrong. It is chosen on
    the predictions of a cross-validation within the training data, on speakers that
    were held out; then the classifier is fitted to all of it.

    Parameters
    ----------
    estimator : classifier
        With `predict_proba`: a whole system, or its last steps.
    error_rate : float, default=0.1
        The share of wrong answers among all answers that is wished, between 0 and 1.
    cv : int, splitter or iterable of (train, test), default=None
        How training data are held out. None is 5 folds of whole speakers if `fit` is
        given `groups`, fewer if there are fewer speakers, and 5 stratified folds of
        recordings otherwise. A model file does not keep it.
    unknown_label : str or number, default=None
        What `predict` says where it does not answer. None is ``"unknown"`` if the
        labels are text, and NaN if they are numbers. It must not be a class.
    n_jobs : int, default=None
        Number of folds at a time. None is 1, -1 is all processors.

    Attributes
    ----------
    estimator_ : classifier
        Fitted to all training data.
    classes_ : ndarray of shape (n_classes,)
        The labels, without `unknown_label`.
    threshold_ : float
        The smallest posterior that is answered: 0 if all are, infinity if none is.
    coverage_ : float
        The share of held-out recordings that the threshold answers.
    error_rate_ : float
        The share of wrong answers among these; NaN if nothing is answered.
    unknown_label_ : str or number
        What `predict` says where it does not answer.

    Raises
    ------
    ValueError
        If `unknown_label` is a class or of another kind than the labels, or folds share
        speakers.

    Warns
    -----
    UserWarning
        If no threshold reaches `error_rate`. Then nothing is answered.

    See Also
    --------
    sklearn.model_selection.TunedThresholdClassifierCV : Chooses between two classes.
    sklearn.calibration.CalibratedClassifierCV : Turns scores into posteriors.

    Notes
    -----
    If :math:`k` of the :math:`n` most certain held-out recordings are wrong, those are
    answered for the largest :math:`n` with

    .. math:: \frac{k + 1}{n + 1} \le \mathrm{error\_rate} .

    The recording to come counts as one more error, so that a handful of lucky answers
    is not enough: with 0.1, nine must be right before any is given. [1]_ discusses the
    trade between errors and coverage; bounds that hold with high probability, for
    recordings as those of training, are in [2]_.

    Of speakers, languages or microphones that training does not know, more answers are
    wrong than promised: posteriors stay high where they should not.

    A refused recording counts as wrong in UA and WA, in all scorers and in
    :func:`~skser.model_selection.evaluate`, where it stands under "no answer". So a
    search by UA prefers to answer everything; to score the answers alone, leave
    refused recordings out. Scikit-learn's metrics refuse NaN among labels: for labels
    that are numbers, set `unknown_label` to another one, such as -1.

    Steps that learn nothing, such as features, compute the same in each fold. Set the
    option behind them and it costs no more time::

        front_end, rest = skser.systems.split_front_end(system)
        Pipeline([*front_end.steps, ("answer", RejectOption(rest))])

    With ``enable_metadata_routing=True``, what the classifier requests reaches it, and
    a Pipeline passes `groups` on without being told to.

    References
    ----------
    .. [1] C. K. Chow, "On optimum recognition error and reject tradeoff", IEEE
       Transactions on Information Theory 16(1), 1970.
    .. [2] Y. Geifman and R. El-Yaniv, "Selective classification for deep neural
       networks", NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skser.ensembles import RejectOption
    >>> X = np.concatenate([np.linspace(-3, 1, 40), np.linspace(-1, 3, 40)])
    >>> y = np.repeat(["calm", "glad"], 40)
    >>> speakers = np.tile(["ann", "bob", "eve", "ian"], 20)
    >>> careful = RejectOption(LogisticRegression(), error_rate=0.1)
    >>> careful = careful.fit(X[:, np.newaxis], y, groups=speakers)
    >>> careful.predict([[-2.0], [0.0], [2.0]]).tolist()
    ['calm', 'unknown', 'glad']
    >>> careful.coverage_ < 1 and careful.error_rate_ <= 0.1
    True
    """

    # What scikit-learn takes for set_fit_request(groups=True).
    __metadata_request__fit = {"groups": True}

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "error_rate": [Interval(numbers.Real, 0, 1, closed="neither")],
        "cv": ["cv_object"],
        "unknown_label": [str, numbers.Real, None],
        "n_jobs": [numbers.Integral, None],
    }

    def __init__(
        self,
        estimator: BaseEstimator,
        error_rate: float = 0.1,
        *,
        cv: Any = None,
        unknown_label: str | float | None = None,
        n_jobs: int | None = None,
    ):
        self.estimator = estimator
        self.error_rate = error_rate
        self.cv = cv
        self.unknown_label = unknown_label
        self.n_jobs = n_jobs

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Sequence | ArrayLike,
        y: ArrayLike,
        groups: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Choose the threshold on held-out recordings, and fit the classifier.

        Parameters
        ----------
        X : array-like, or list
            As the classifier takes it.
        y : array-like of shape (n_samples,)
            The labels.
        groups : array-like of shape (n_samples,), default=None
            The speakers. Without them, a threshold holds for known speakers only.
        **params : dict
            What the classifier requests, such as `sample_weight`; only with
            ``enable_metadata_routing=True``.

        Returns
        -------
        self : RejectOption
        """
        X, y = indexable(X, y)
        y = check_labels(np.asarray(y), X)
        check_is_sequence(y, "y")
        classes = np.unique(y)
        unknown_label = self._choose_unknown_label(classes)
        folds = self._list_folds(X, y, groups)
        routed = self._route("fit", params, groups)
        parallel = Parallel(n_jobs=self.n_jobs)
        held_out = parallel(
            delayed(_predict_fold)(self.estimator, X, y, classes, *fold, routed)
            for fold in folds
        )
        posteriors = np.concatenate(held_out)
        tested = np.concatenate([test for _, test in folds])
        is_right = classes[posteriors.argmax(axis=1)] == y[tested]
        self.threshold_, self.coverage_, self.error_rate_ = _choose_threshold(
            posteriors.max(axis=1), is_right, self.error_rate
        )
        self.estimator_ = clone(self.estimator).fit(X, y, **routed.fit)
        self.classes_ = self.estimator_.classes_
        self.unknown_label_ = unknown_label
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    def predict(self, X: Sequence | ArrayLike, **params: Any) -> np.ndarray:
        """Return the most probable labels, and `unknown_label` where it is not sure.

        Parameters
        ----------
        X : array-like, or list
            As the classifier takes it.
        **params : dict
            What the classifier requests for `predict_proba`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Of floats if the labels are numbers and `unknown_label_` is NaN.
        """
        posteriors = self.predict_proba(X, **params)
        labels = self.classes_[posteriors.argmax(axis=1)]
        is_sure = posteriors.max(axis=1) >= self.threshold_
        return np.where(is_sure, labels, self.unknown_label_)

    def predict_proba(self, X: Sequence | ArrayLike, **params: Any) -> np.ndarray:
        """Return the posteriors of all recordings, those that are refused included.

        Parameters
        ----------
        X : array-like, or list
            As the classifier takes it.
        **params : dict
            What the classifier requests.

        Returns
        -------
        posteriors : ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        routed = self._route("predict_proba", params)
        return self.estimator_.predict_proba(X, **routed.predict_proba)

    def score(
        self,
        X: Sequence | ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return the share of recordings that are answered, and answered correctly.

        Parameters
        ----------
        X : array-like, or list
            As the classifier takes it.
        y : array-like of shape (n_samples,)
            The labels.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each sample counts.

        Returns
        -------
        score : float
        """
        # NaN, which accuracy_score refuses, equals no label.
        is_right = self.predict(X) == check_labels(np.asarray(y), X)
        return float(np.average(is_right, weights=check_weights(sample_weight, X)))

    def get_metadata_routing(self) -> Any:
        """Say that `fit` takes `groups`, and the classifier what it requests.

        Returns
        -------
        routing : MetadataRouter
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        for caller in ("fit", "predict", "predict_proba"):
            mapping.add(caller=caller, callee="predict_proba")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(estimator=self.estimator, method_mapping=mapping)

    def _choose_unknown_label(self, classes):
        """Return what stands for a refusal, if it cannot be taken for a class."""
        is_text = isinstance(classes.tolist()[0], str)
        unknown = self.unknown_label
        if unknown is None:
            unknown = "unknown" if is_text else float("nan")
        if isinstance(unknown, str) != is_text:
            kind = "text" if is_text else "numbers"
            raise ValueError(
                f"unknown_label must be of the kind of the labels, {kind}, got "
                f"{unknown!r}."
            )
        if unknown in classes.tolist():
            raise ValueError(
                f"unknown_label={unknown!r} is a class: {classes.tolist()}. Choose "
                "another one."
            )
        return unknown

    def _list_folds(self, X, y, groups):
        """Return (train, test) for each fold; of speakers, if they are known."""
        speakers = None if groups is None else check_groups(groups, X)
        cv = self.cv
        if cv is None and speakers is not None:
            n_speakers = len(np.unique(speakers))
            if n_speakers < 2:
                raise ValueError(
                    "RejectOption holds out speakers to choose its threshold, but "
                    "groups has only one. Pass the speakers of a larger corpus, or "
                    "no groups: the threshold then holds for this speaker only."
                )
            cv = SpeakerFolds(min(5, n_speakers))
        folds = list_folds(5 if cv is None else cv, X, y, speakers)
        leak = None if speakers is None else find_leak(folds, speakers)
        if leak:
            raise ValueError(leak)
        return [
            (np.concatenate([train, validation]), test)
            for train, validation, test in folds
        ]

    def _route(self, method, params, groups=None):
        """Return what the classifier's methods are given."""
        if sklearn.get_config()["enable_metadata_routing"]:
            given = params if groups is None else {**params, "groups": groups}
            if given:
                return process_routing(self, method, **given)["estimator"]
        elif params:
            raise ValueError(
                f"{', '.join(params)} can be passed on only with "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        return Bunch(fit={}, predict_proba={})

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags


def _predict_fold(estimator, X, y, classes, train, test, routed):
    """Return the posteriors of the test part of a fold; 0 of classes not trained."""
    given = {
        method: {name: _take(values, part) for name, values in routed[method].items()}
        for method, part in (("fit", train), ("predict_proba", test))
    }
    fitted = clone(estimator).fit(safe_indexing(X, train), y[train], **given["fit"])
    posteriors = np.zeros((len(test), len(classes)))
    columns = np.searchsorted(classes, fitted.classes_)
    posteriors[:, columns] = fitted.predict_proba(
        safe_indexing(X, test), **given["predict_proba"]
    )
    return posteriors


def _take(values, part):
    """Return those of one value per recording that belong to a part of them."""
    has_one_each = values is not None and np.ndim(values) > 0
    return safe_indexing(values, part) if has_one_each else values


def _choose_threshold(certainty, is_right, error_rate):
    """Return threshold, coverage and error rate for the most answers that are allowed.

    Parameters
    ----------
    certainty : ndarray of shape (n_samples,)
        The largest posterior of each held-out recording.
    is_right : ndarray of bool of shape (n_samples,)
    error_rate : float
    """
    order = np.argsort(-certainty, kind="stable")
    certainty, n_wrong = certainty[order], np.cumsum(~is_right[order])
    n_answered = np.arange(1, len(order) + 1)
    # Equal posteriors are answered together.
    is_last = np.append(certainty[1:] < certainty[:-1], True)
    expected = np.where(is_last, (n_wrong + 1) / (n_answered + 1), np.inf)
    allowed = np.flatnonzero(expected <= error_rate)
    if len(allowed):
        last = allowed[-1]
        n = n_answered[last]
        threshold = float(certainty[last]) if n < len(order) else 0.0
        return threshold, float(n / len(order)), float(n_wrong[last] / n)
    best = int(expected.argmin())
    warnings.warn(
        f"No threshold reaches error_rate={error_rate}, so that nothing is answered. "
        f"At best, of the {n_answered[best]} most certain of {len(order)} held-out "
        f"recordings {n_wrong[best]} are wrong; with the recording to come, an error "
        f"rate of {expected[best]:.3f}. Set error_rate to this or more, or train on "
        "more speakers.",
        UserWarning,
        stacklevel=6,
    )
    return math.inf, 0.0, math.nan


class ScaledTargetRegressor(MultiOutputRegressor):
    """Fit a regressor to each target, standardised by the training part.

    Regressors such as a support vector machine predict one target, and parameters such
    as its `epsilon` are in the unit of it. Here each target, such as arousal from 1 to
    5, has a regressor of its own and, for that, the mean 0 and the standard deviation
    1. Predictions are in the unit of the target again.

    Parameters
    ----------
    estimator : estimator
        A regressor. It is cloned for each target.
    n_jobs : int, default=None
        Number of targets at a time. None is 1.

    Attributes
    ----------
    estimators_ : list of estimator
        Of each target.
    scaler_ : sklearn.preprocessing.StandardScaler
        Mean and scale of the targets.
    target_ndim_ : int
        1 if `y` was of shape (n_samples,), 2 otherwise: so are predictions.
    n_features_in_ : int

    See Also
    --------
    sklearn.multioutput.MultiOutputRegressor : The same without scaling, and for
        several targets only.
    sklearn.compose.TransformedTargetRegressor : Scales targets, of a regressor that
        takes all of them.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.svm import SVR
    >>> from skser.ensembles import ScaledTargetRegressor
    >>> X = np.linspace(0, 1, 20)[:, np.newaxis]
    >>> y = np.hstack([X, 1000 * X])
    >>> regressor = ScaledTargetRegressor(SVR(kernel="linear", epsilon=0.01)).fit(X, y)
    >>> regressor.predict([[0.5]]).round(2)
    array([[  0.5, 500. ]])
    """

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Fit a regressor to each target.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of features.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each sample counts, if the regressor takes weights. Mean and
            standard deviation are those without.
        **fit_params : dict
            Further arguments of the regressor's `fit`.

        Returns
        -------
        self : ScaledTargetRegressor
        """
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but "
                "the target y is None."
            )
        y = check_array(y, ensure_2d=False, dtype=float, input_name="y")
        columns = y.reshape(len(y), -1)
        scaler = StandardScaler().fit(columns)
        super().fit(X, scaler.transform(columns), sample_weight, **fit_params)
        self.scaler_, self.target_ndim_ = scaler, y.ndim
        return self

    @property
    def partial_fit(self):
        """Not there: a part of the targets has another mean and scale."""
        raise AttributeError("ScaledTargetRegressor cannot be fitted by parts.")

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict the targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            As `y` was in `fit`.
        """
        check_is_fitted(self)
        predicted = self.scaler_.inverse_transform(super().predict(X))
        return predicted[:, 0] if self.target_ndim_ == 1 else predicted
