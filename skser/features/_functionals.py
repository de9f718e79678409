"""How an utterance becomes one row of openSMILE's functionals (optional)."""

import os
import warnings
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from skser._compat import Interval, StrOptions, fit_context, import_opensmile
from skser._sequences import check_utterances
from skser.storage import map_cached

# As this package calls a set -> as openSMILE does.
FEATURE_SETS = {
    "eGeMAPS": "eGeMAPSv02",
    "GeMAPS": "GeMAPSv01b",
    "ComParE": "ComParE_2016",
    "emobase": "emobase",
}


class OpenSmileFunctionals(TransformerMixin, BaseEstimator):
    """Describe each signal by one row of openSMILE's functionals.

    Statistics (means, percentiles, slopes and so on) over an utterance of frame
    descriptors, by openSMILE [1]_ itself: with a support vector machine behind it, what
    most people would use today. It needs ``pip install skser[opensmile]``; note that
    openSMILE's licence forbids commercial use.

    The estimator is stateless: `fit` only checks its input.

    Parameters
    ----------
    feature_set : {"eGeMAPS", "GeMAPS", "ComParE", "emobase"}, default="eGeMAPS"
        Which set: eGeMAPSv02 (88 functionals) [2]_, GeMAPSv01b (62), ComParE 2016
        (6373) [3]_ or emobase (988).
    sample_rate : int, default=16000
        Of the signals, in Hz.
    n_jobs : int, default=None
        Number of threads over utterances; None is 1, -1 is all processors.
    cache : str or os.PathLike, default=None
        Folder in which the functionals of each signal are kept, as in
        :class:`skser.AcousticFeatures`.

    Notes
    -----
    Where openSMILE gives NaN for a single functional, such as a statistic over voiced
    frames where there are none, the row holds 0.

    References
    ----------
    .. [1] F. Eyben, M. Wöllmer and B. Schuller, "openSMILE: the Munich versatile and
       fast open-source audio feature extractor", ACM Multimedia 2010.
    .. [2] F. Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for
       voice research and affective computing", IEEE Transactions on Affective
       Computing 7(2), 2016.
    .. [3] B. Schuller et al., "The Interspeech 2016 computational paralinguistics
       challenge: deception, sincerity and native language", Interspeech 2016.

    Examples
    --------
    >>> from skser.features import OpenSmileFunctionals
    >>> OpenSmileFunctionals("ComParE")
    OpenSmileFunctionals(feature_set='ComParE')
    """

    _parameter_constraints = {
        "feature_set": [StrOptions(set(FEATURE_SETS))],
        "sample_rate": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "cache": [str, os.PathLike, None],
    }

    def __init__(
        self, feature_set="eGeMAPS", *, sample_rate=16000, n_jobs=None, cache=None
    ):
        self.feature_set = feature_set
        self.sample_rate = sample_rate
        self.n_jobs = n_jobs
        self.cache = cache

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the signals; nothing is learnt.

        Parameters
        ----------
        X : list of array-like of shape (n_samples,)
            The signals.
        y : Ignored
            Present for scikit-learn's conventions.

        Returns
        -------
        self : OpenSmileFunctionals
        """
        _check_signals(X)
        return self

    def transform(self, X):
        """Compute the functionals of each signal.

        Parameters
        ----------
        X : list of array-like of shape (n_samples,)
            The signals, samples in [-1, 1].

        Returns
        -------
        functionals : ndarray of float64 of shape (n_utterances, n_functionals)

        Raises
        ------
        ImportError
            If openSMILE is not installed.
        ValueError
            If a signal is empty, not finite or too short for openSMILE.
        """
        self._validate_params()
        smile = self._smile()
        with warnings.catch_warnings():
            # An error below names which.
            warnings.filterwarnings("ignore", "Segment too short", UserWarning)
            rows = map_cached(
                lambda signal: smile.process_signal(signal, self.sample_rate).values[0],
                _check_signals(X),
                self,
                ("opensmile",),
            )
        functionals = np.array(list(rows), dtype=np.float64)
        _refuse_too_short(functionals, X, self.sample_rate)
        return np.nan_to_num(functionals)

    def get_feature_names_out(self, input_features=None):
        """Give openSMILE's names of the functionals.

        Parameters
        ----------
        input_features : Ignored
            The names do not depend on those of the samples.

        Returns
        -------
        names : ndarray of str objects of shape (n_functionals,)
        """
        return np.array(self._smile().feature_names, dtype=object)

    def _smile(self):
        """Return openSMILE, set up for the feature set."""
        opensmile = import_opensmile()
        return opensmile.Smile(
            feature_set=opensmile.FeatureSet[FEATURE_SETS[self.feature_set]],
            feature_level=opensmile.FeatureLevel.Functionals,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags


def _refuse_too_short(functionals, X, sample_rate):
    """Raise a ValueError if openSMILE has not found a single frame in a signal."""
    empty = np.flatnonzero(np.isnan(functionals).all(axis=1))
    if empty.size:
        raise ValueError(
            f"X[{empty[0]}] is too short for openSMILE: {len(X[empty[0]])} samples, "
            f"{1000 * len(X[empty[0]]) / sample_rate:.0f} ms ({empty.size} signal(s) "
            "are). Leave such recordings out."
        )


def _check_signals(X):
    """Return the signals as arrays, or say what is wrong with one."""
    return check_utterances(X, 1, "(n_samples,)")
