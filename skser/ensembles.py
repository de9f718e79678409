"""Ensembles (soft voting) of classifiers, each of which may ask for the speakers."""

import numpy as np
import sklearn
from sklearn.ensemble import VotingClassifier
from sklearn.utils import Bunch
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.validation import check_is_fitted

from skser._base import restore_on_failure


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

    def __init__(self, estimators, *, weights=None, n_jobs=None, verbose=False):
        super().__init__(
            estimators, voting="soft", weights=weights, n_jobs=n_jobs, verbose=verbose
        )

    @restore_on_failure
    def fit(self, X, y, **params):
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

    def predict_proba(self, X, **params):
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

    def predict(self, X, **params):
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

    def get_metadata_routing(self):
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
