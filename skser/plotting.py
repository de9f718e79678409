"""Plots: attention, training, confusion, regression, calibration, features, timelines.

They are displays in scikit-learn's form. A display holds its data; `plot` draws them,
into the axes that are given or into a new figure; class methods named ``from_...``
compute the data and plot them. They need matplotlib (extra ``plotting``), which is
imported when something is first plotted.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, is_regressor
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    PredictionErrorDisplay,
    confusion_matrix,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import robust_scale
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import check_is_fitted

from skser._base import list_steps
from skser._extras import import_extra
from skser._recordings import Waveform, as_recording
from skser.audio import AudioLoader, check_waveform, open_recording, read_recording
from skser.features import CATALOGUE, AcousticFeatures, FrameAveraging
from skser.framing import Framer
from skser.metrics import unweighted_accuracy_score
from skser.timeline import EnergyActivityDetector, Timeline, predict_timeline
from skser.timeline._timeline import find_edges

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

    from skser.model_selection._across import CrossCorpusResult
    from skser.model_selection._base_result import BaseResult
    from skser.model_selection._regression_result import RegressionResult
    from skser.model_selection._result import EvaluationResult


__all__ = [
    "AttentionDisplay",
    "ConfusionDisplay",
    "CoverageDisplay",
    "CrossCorpusDisplay",
    "FeatureDisplay",
    "RegressionDisplay",
    "ReliabilityDisplay",
    "ScoreDisplay",
    "TimelineDisplay",
    "TrainingHistoryDisplay",
]

# Frames of 64 ms that overlap by three quarters, as is usual for looking at speech.
_N_FFT, _N_MELS = 1024, 80
# With more speakers than this their names would cover one another.
_MAX_NAMES = 30
# What is drawn of the sound, and of posteriors, of a recording of any length.
_SOUND_COLUMNS, _POSTERIOR_COLUMNS = 1200, 200
# From here on times are written as minutes and seconds, so many seconds apart.
_SHORT_SECONDS = 120
_CLOCK_STEPS = (15, 30, 60, 120, 300, 600, 900, 1800, 3600)


def _import_pyplot(needed_by):
    """Return matplotlib's pyplot, or say how to install it."""
    return import_extra("matplotlib.pyplot", "plotting", needed_by)


class _Display:
    """A display plots into `ax_`, axes that were given or those of a new figure."""

    def _take_axes(self, ax, figsize=None):
        plt = _import_pyplot(type(self).__name__)
        if ax is None:
            _, ax = plt.subplots(figsize=figsize, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure


class AttentionDisplay(_Display):
    """Show which moments of a recording a network has attended to.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
        The recording, mono.
    weights : ndarray of shape (n_steps,)
        How much each step counts.
    times : ndarray of shape (n_steps,)
        Where the middle of each step lies, in seconds.
    sample_rate : int, default=16000
        Of the signal, in Hz.
    label : object, default=None
        The class that was predicted; None leaves out the title.
    posterior : float, default=None
        Its probability.

    Attributes
    ----------
    ax_ : matplotlib Axes
        With the recording.
    weight_ax_ : matplotlib Axes
        With the weights, over the same seconds.
    line_ : matplotlib Line2D
        The weights.
    figure_ : matplotlib Figure

    See Also
    --------
    skser.AttentionBLSTMFCNClassifier.attention_weights : The weights as numbers.

    Examples
    --------
    >>> from skser.datasets import make_emotional_speech
    >>> from skser.plotting import AttentionDisplay
    >>> from skser.systems import attention_blstm
    >>> corpus = make_emotional_speech(n_speakers=1, n_utterances=1, random_state=0)
    >>> system = attention_blstm(input_sample_rate=16000, random_state=0)
    >>> system = system.set_params(
    ...     whiten__n_components=5, classify__recurrent_units=4, classify__max_epochs=1)
    >>> system = system.fit(corpus.data, corpus.target)
    >>> display = AttentionDisplay.from_estimator(system, corpus.data[0], kind="mel")
    >>> display.ax_.get_xlabel(), display.weight_ax_.get_ylabel()
    ('Time (s)', 'Attention weight')
    """

    def __init__(
        self,
        signal: np.ndarray,
        weights: np.ndarray,
        times: np.ndarray,
        *,
        sample_rate: int = 16000,
        label: object = None,
        posterior: float | None = None,
    ):
        self.signal = signal
        self.weights = weights
        self.times = times
        self.sample_rate = sample_rate
        self.label = label
        self.posterior = posterior

    @classmethod
    def from_estimator(
        cls,
        system: Pipeline,
        recording: str | os.PathLike | ArrayLike,
        *,
        member: str | None = None,
        kind: str = "waveform",
        ax: Axes | None = None,
    ) -> Self:
        """Predict one recording and show what the network has attended to.

        Parameters
        ----------
        system : sklearn.pipeline.Pipeline
            Fitted, from recordings (or signals) to labels or numbers, with a `Framer`
            and, at the end, a classifier or regressor that has `attention_weights`,
            such as ``SYSTEMS["attention_blstm_fcn"]()``; or a vote or stack of such.
        recording : str, os.PathLike or array-like of shape (n_samples,)
            What the system takes, such as a path.
        member : str, default=None
            In a vote, the name of the member whose network is shown; names in votes
            within votes are joined by dots. None is the only network that attends.
        kind : {"waveform", "mel"}, default="waveform"
            What is behind the weights: the samples, or a mel spectrogram in dB.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : AttentionDisplay

        Raises
        ------
        ValueError
            If no classifier attends, or several do and `member` is None; if it does
            not attend to moments (it may attend to features); or if the system does
            not say where its frames lie.

        Notes
        -----
        Frame `t` is centred on sample ``t * hop_length``. Where a step takes several
        frames, as in the Attentive CNN or behind a `FrameAveraging`, it stands at
        their middle. Behind `max_frames`, at which a classifier may cut, there are no
        weights. The title is the network's own answer, not that of a vote.
        """
        _import_pyplot(cls.__name__)
        network = _find_network(cls, system, member, "attention_weights")
        classifier = network.classifier
        frames_per_step = _check_attends_to_moments(classifier)
        utterance = _describe(network.front_end, recording)
        weights = classifier.attention_weights([utterance.frames])[0]
        label, posterior = _answer(network, utterance.frames)
        step = frames_per_step * utterance.frames_per_row
        middles = np.arange(len(weights)) * step + (step - 1) / 2
        display = cls(
            utterance.signal,
            weights,
            middles * utterance.hop_length / utterance.sample_rate,
            sample_rate=utterance.sample_rate,
            label=label,
            posterior=posterior,
        )
        return display.plot(kind=kind, ax=ax)

    def plot(self, *, kind: str = "waveform", ax: Axes | None = None) -> Self:
        """Plot the recording, and over it the weights.

        Parameters
        ----------
        kind : {"waveform", "mel"}, default="waveform"
            What is behind the weights.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : AttentionDisplay
        """
        colors = {"waveform": "C3", "mel": "white"}
        if kind not in colors:
            raise ValueError(f"kind must be one of {list(colors)}, got {kind!r}.")
        self._take_axes(ax, figsize=(8, 3.2))
        self._show_recording(kind)
        # librosa's own ticks are multiples of 0.15 s.
        self.ax_.locator_params(axis="x", nbins=10, steps=[1, 2, 5, 10])
        self.ax_.set(xlabel="Time (s)", xlim=(0, len(self.signal) / self.sample_rate))
        if self.label is not None:
            share = "" if self.posterior is None else f" ({self.posterior:.2f})"
            self.ax_.set_title(f"{self.label}{share}")
        self.weight_ax_ = self.ax_.twinx()
        (self.line_,) = self.weight_ax_.plot(
            self.times, self.weights, color=colors[kind]
        )
        self.weight_ax_.set(
            ylabel="Attention weight", ylim=(0, 1.1 * np.max(self.weights))
        )
        return self

    def _show_recording(self, kind):
        """Show the samples or their envelope, or a mel spectrogram in dB."""
        import librosa.display

        signal, rate = np.asarray(self.signal), self.sample_rate
        if kind == "waveform":
            librosa.display.waveshow(
                signal, sr=rate, axis="s", color="0.72", ax=self.ax_
            )
            self.ax_.set_ylabel("Amplitude")
            return
        hop = {"sr": rate, "hop_length": _N_FFT // 4}
        bands = librosa.feature.melspectrogram(
            y=signal, n_fft=_N_FFT, n_mels=_N_MELS, **hop
        )
        levels = librosa.power_to_db(bands, ref=np.max, top_db=70)
        librosa.display.specshow(levels, x_axis="s", y_axis="mel", ax=self.ax_, **hop)
        self.ax_.set_ylabel("Frequency (Hz)")


def _check_attends_to_moments(classifier):
    """Return by how many frames its steps are apart, or say that there are none."""
    name = type(classifier).__name__
    try:
        _ = classifier.attention_weights
    except AttributeError as error:
        reason = error.__cause__ or f"{name} has no attention_weights."
        raise ValueError(
            f"AttentionDisplay needs a classifier that attends. {reason}"
        ) from error
    # A classifier from elsewhere is taken to attend to frames.
    steps = getattr(classifier, "_frames_per_step", lambda: 1)()
    if steps is None:
        raise ValueError(
            "AttentionDisplay shows attention to moments, but with "
            f"view={classifier.view!r} the steps of {name} are none. Set view='frames'."
        )
    return steps


def _answer(network, frames):
    """Return what a network says of an utterance, and how sure it is of a class."""
    estimator = network.classifier
    if is_regressor(estimator):
        numbers = np.atleast_1d(estimator.predict([frames])[0])
        return ", ".join(f"{number:.2f}" for number in numbers), None
    posteriors = estimator.predict_proba([frames])[0]
    label = estimator.classes_[posteriors.argmax()]
    # Members of a vote know classes by their numbers.
    label = label if network.classes is None else network.classes[label]
    return label, posteriors.max()


class TrainingHistoryDisplay(_Display):
    """Show how the training of a network went.

    Parameters
    ----------
    history : dict of str to list of float
        Per epoch: "loss" and, if something was held out, "val_loss" and "val_UA" or,
        of a regressor, "val_CCC".
    best_epoch : int
        The epoch, counted from 0, whose weights were kept.

    Attributes
    ----------
    ax_ : matplotlib Axes
        With the losses.
    score_ax_ : matplotlib Axes or None
        With UA or CCC on the held-out utterances; None if nothing was held out.
    lines_ : dict of str to matplotlib Line2D
        By the names of `history`, and "best_epoch".
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from skser.plotting import TrainingHistoryDisplay
    >>> history = {
    ...     "loss": [1.4, 1.0, 0.7], "val_loss": [1.4, 1.2, 1.3],
    ...     "val_UA": [0.25, 0.5, 0.4]}
    >>> display = TrainingHistoryDisplay(history, best_epoch=1).plot()
    >>> list(display.lines_)
    ['loss', 'val_loss', 'val_UA', 'best_epoch']
    """

    def __init__(self, history: dict[str, list[float]], best_epoch: int):
        self.history = history
        self.best_epoch = best_epoch

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator | Pipeline,
        *,
        member: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Show how a fitted classifier or regressor was trained.

        Parameters
        ----------
        estimator : classifier, regressor or sklearn.pipeline.Pipeline
            A fitted network of :mod:`skser.classifiers` or :mod:`skser.regressors`, a
            Pipeline that ends in one, or a vote or stack of such.
        member : str, default=None
            In a vote, the name of the member that is shown; None is the only network.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : TrainingHistoryDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If it keeps no history, or several members do and `member` is None.
        """
        _import_pyplot(cls.__name__)
        classifier = _find_network(cls, estimator, member, "history_").classifier
        check_is_fitted(classifier)
        if not hasattr(classifier, "history_"):
            raise ValueError(
                f"{cls.__name__} needs a network of skser.classifiers or "
                "skser.regressors, which keeps its history_; "
                f"{type(classifier).__name__} does not."
            )
        return cls(classifier.history_, classifier.best_epoch_).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Plot losses, and UA or CCC, over the epochs.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : TrainingHistoryDisplay
        """
        self._take_axes(ax)
        axes = {"loss": self.ax_, "val_loss": self.ax_}
        self.score_ax_ = None
        for name in {"val_UA", "val_CCC"} & set(self.history):
            axes[name] = self.score_ax_ = self.ax_.twinx()
            lowest = min(0, *self.history[name])
            self.score_ax_.set(ylabel=name.removeprefix("val_"), ylim=(lowest, 1))
        self.lines_ = {
            name: axes[name].plot(self.history[name], label=label, **style)[0]
            for name, (label, style) in _CURVES.items()
            if name in self.history
        }
        self.lines_["best_epoch"] = self.ax_.axvline(
            self.best_epoch, color="0.5", linestyle=":", label="best epoch"
        )
        self.ax_.set(xlabel="Epoch", ylabel="Loss", ylim=(0, None))
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        # Above the axes: within, one of the two kinds of curves would cross it.
        self.ax_.legend(
            handles=list(self.lines_.values()),
            loc="lower center",
            bbox_to_anchor=(0.5, 1),
            ncols=2,
            frameon=False,
        )
        return self


# Name in the history -> label and style.
_CURVES = {
    "loss": ("loss", {"color": "C0"}),
    "val_loss": ("validation loss", {"color": "C0", "linestyle": "--"}),
    "val_UA": ("validation UA", {"color": "C1"}),
    "val_CCC": ("validation CCC", {"color": "C1"}),
}


class ConfusionDisplay(_Display):
    """Show which emotions are taken for which, and how speakers differ.

    Parameters
    ----------
    confusion_matrix : ndarray of int of shape (n_classes, n_classes)
        Numbers of recordings: rows are true, columns predicted.
    labels : sequence of length n_classes
        The classes.
    scores : dict of str to float, default=None
        UA of each speaker; None shows the matrix alone.

    Attributes
    ----------
    matrix_ : sklearn.metrics.ConfusionMatrixDisplay
        Of the matrix, each row divided by its sum.
    ax_ : matplotlib Axes
        With the matrix.
    speaker_ax_ : matplotlib Axes or None
        With UA of each speaker, to the right of `ax_`; None without `scores`.
    figure_ : matplotlib Figure

    See Also
    --------
    skser.model_selection.evaluate : Makes results to show.

    Examples
    --------
    >>> from skser.plotting import ConfusionDisplay
    >>> display = ConfusionDisplay.from_predictions(
    ...     ["anger", "anger", "sadness"], ["anger", "sadness", "sadness"],
    ...     groups=["s01", "s02", "s02"])
    >>> display.matrix_.confusion_matrix
    array([[0.5, 0.5],
           [0. , 1. ]])
    >>> display.scores
    {'s01': 1.0, 's02': 0.5}
    """

    def __init__(
        self,
        confusion_matrix: np.ndarray,
        labels: Sequence | np.ndarray,
        *,
        scores: dict[str, float] | None = None,
    ):
        self.confusion_matrix = confusion_matrix
        self.labels = labels
        self.scores = scores

    @classmethod
    def from_result(cls, result: EvaluationResult, *, ax: Axes | None = None) -> Self:
        """Show the result of an evaluation, pooled over folds and seeds.

        Parameters
        ----------
        result : skser.model_selection.EvaluationResult
            As :func:`~skser.model_selection.evaluate` returns it.
        ax : matplotlib Axes, default=None
            Where to plot, the speakers included; None makes a figure.

        Returns
        -------
        display : ConfusionDisplay
        """
        columns = result.predictions()
        return cls.from_predictions(
            columns["true"],
            columns["predicted"],
            groups=columns.get("speaker"),
            labels=result.labels,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        labels: Sequence | np.ndarray | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Show predictions.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels.
        y_pred : array-like of shape (n_samples,)
            Predicted labels.
        groups : array-like of shape (n_samples,), default=None
            The speaker of each sample; None shows no speakers.
        labels : array-like of shape (n_classes,), default=None
            The classes, in the order of the matrix. None takes those that occur,
            sorted.
        ax : matplotlib Axes, default=None
            Where to plot, the speakers included; None makes a figure.

        Returns
        -------
        display : ConfusionDisplay

        Raises
        ------
        ValueError
            If the lengths differ.
        """
        _import_pyplot(cls.__name__)
        check_consistent_length(y_true, y_pred, groups)
        labels = unique_labels(y_true, y_pred) if labels is None else labels
        counts = confusion_matrix(y_true, y_pred, labels=labels)
        scores = None
        if groups is not None:
            true, predicted, groups = map(np.asarray, (y_true, y_pred, groups))
            parts = {name: groups == name for name in np.unique(groups).tolist()}
            scores = {
                name: unweighted_accuracy_score(true[part], predicted[part])
                for name, part in parts.items()
            }
        return cls(counts, labels, scores=scores).plot(ax=ax)

    def plot(self, *, cmap: str | Colormap = "Blues", ax: Axes | None = None) -> Self:
        """Plot the matrix and, beside it, UA of each speaker.

        Parameters
        ----------
        cmap : str or matplotlib Colormap, default="Blues"
            The colours of the matrix.
        ax : matplotlib Axes, default=None
            Where to plot, the speakers included; None makes a figure.

        Returns
        -------
        display : ConfusionDisplay
        """
        has_speakers = self.scores is not None
        self._take_axes(ax, figsize=(8, 4.8) if has_speakers else (5.6, 4.8))
        totals = np.sum(self.confusion_matrix, axis=1, keepdims=True)
        # A class without recordings has a row of zeros.
        shares = self.confusion_matrix / np.maximum(totals, 1)
        self.matrix_ = ConfusionMatrixDisplay(shares, display_labels=self.labels)
        self.matrix_.plot(
            ax=self.ax_,
            cmap=cmap,
            colorbar=False,
            values_format=".2f",
            xticks_rotation=45 if len(self.labels) > 4 else "horizontal",
            im_kw={"vmin": 0, "vmax": 1},
        )
        ua = np.diag(shares)[totals[:, 0] > 0].mean()
        wa = np.trace(self.confusion_matrix) / totals.sum()
        self.ax_.set_title(f"UA {ua:.3f}, WA {wa:.3f}")
        self.speaker_ax_ = self._plot_speakers(ua) if has_speakers else None
        return self

    def _plot_speakers(self, ua):
        """Plot UA of each speaker, in axes beside the matrix, and return these."""
        from mpl_toolkits.axes_grid1 import make_axes_locatable

        ax = make_axes_locatable(self.ax_).append_axes("right", "45%", pad=0.15)
        rows = np.arange(len(self.scores))
        scores = list(self.scores.values())
        ax.hlines(rows, 0, scores, color="C0", linewidth=1)
        ax.plot(scores, rows, "o", color="C0", markersize=4, clip_on=False)
        ax.axvline(ua, color="0.5", linestyle=":")
        n_named = len(rows) if len(rows) <= _MAX_NAMES else 0
        ax.yaxis.tick_right()
        ax.set_yticks(rows[:n_named], [str(name) for name in self.scores][:n_named])
        ax.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5), xticks=(0, 0.5, 1))
        ax.set(xlabel="UA", title=f"{len(rows)} speakers")
        return ax


class RegressionDisplay(_Display):
    """Show predicted and true numbers, such as arousal.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,)
        True values.
    y_pred : ndarray of shape (n_samples,)
        Predicted values.
    target : str, default=None
        What they are, for the axes.

    Attributes
    ----------
    error_ : sklearn.metrics.PredictionErrorDisplay or None
        Of ``kind="actual_vs_predicted"``.
    points_ : matplotlib PathCollection
        One point a prediction.
    lines_ : list of matplotlib Line2D
        The diagonal; or the mean difference and the limits of agreement.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    sklearn.metrics.PredictionErrorDisplay : Shows residuals over predictions.

    References
    ----------
    .. [1] J. M. Bland and D. G. Altman, "Statistical methods for assessing agreement
       between two methods of clinical measurement", Lancet 327, 1986.

    Examples
    --------
    >>> from skser.plotting import RegressionDisplay
    >>> display = RegressionDisplay.from_predictions(
    ...     [1.0, 2.0, 3.0], [1.5, 2.0, 2.5], kind="bland_altman")
    >>> [round(float(line.get_ydata()[0]), 2) for line in display.lines_]
    [0.0, -0.8, 0.8]
    """

    def __init__(
        self, y_true: np.ndarray, y_pred: np.ndarray, *, target: str | None = None
    ):
        self.y_true = y_true
        self.y_pred = y_pred
        self.target = target

    @classmethod
    def from_result(
        cls,
        result: RegressionResult,
        *,
        target: str | None = None,
        kind: str = "actual_vs_predicted",
        ax: Axes | None = None,
    ) -> Self:
        """Show the result of an evaluation, pooled over folds and seeds.

        Parameters
        ----------
        result : skser.model_selection.RegressionResult
            As :func:`~skser.model_selection.evaluate` returns it.
        target : str, default=None
            One of the result's targets; None is the first.
        kind : {"actual_vs_predicted", "bland_altman"}, default="actual_vs_predicted"
            As of :meth:`plot`.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : RegressionDisplay
        """
        one = result.of_target(result.targets[0] if target is None else target)
        true = one.true[one.recordings, 0]
        return cls(true, one.predicted[:, 0], target=one.targets[0]).plot(
            kind=kind, ax=ax
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        target: str | None = None,
        kind: str = "actual_vs_predicted",
        ax: Axes | None = None,
    ) -> Self:
        """Show predictions.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True values.
        y_pred : array-like of shape (n_samples,)
            Predicted values.
        target : str, default=None
            What they are, for the axes.
        kind : {"actual_vs_predicted", "bland_altman"}, default="actual_vs_predicted"
            As of :meth:`plot`.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : RegressionDisplay

        Raises
        ------
        ValueError
            If the lengths differ, or there are several targets.
        """
        check_consistent_length(y_true, y_pred)
        true, predicted = column_or_1d(y_true), column_or_1d(y_pred)
        return cls(true, predicted, target=target).plot(kind=kind, ax=ax)

    def plot(
        self, *, kind: str = "actual_vs_predicted", ax: Axes | None = None
    ) -> Self:
        """Plot the predictions.

        Parameters
        ----------
        kind : {"actual_vs_predicted", "bland_altman"}, default="actual_vs_predicted"
            True over predicted values; or predicted minus true values over the mean of
            both, with the mean difference and the limits of agreement, 1.96 standard
            deviations around it [1]_.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : RegressionDisplay

        References
        ----------
        .. [1] Bland and Altman 1986, as of :class:`RegressionDisplay`.
        """
        kinds = {
            "actual_vs_predicted": self._plot_values,
            "bland_altman": self._plot_differences,
        }
        if kind not in kinds:
            raise ValueError(f"kind must be one of {list(kinds)}, got {kind!r}.")
        self._take_axes(ax, (4.8, 4))
        kinds[kind]()
        return self

    def _plot_values(self):
        """Plot true over predicted values, as scikit-learn does."""
        self.error_ = PredictionErrorDisplay(y_true=self.y_true, y_pred=self.y_pred)
        self.error_.plot(
            ax=self.ax_, kind="actual_vs_predicted", scatter_kwargs={"alpha": 0.5}
        )
        self.points_, self.lines_ = self.error_.scatter_, [self.error_.line_]
        if self.target is not None:
            self.ax_.set(xlabel=f"Predicted {self.target}")
            self.ax_.set(ylabel=f"True {self.target}")

    def _plot_differences(self):
        """Plot differences over means, after Bland and Altman."""
        differences = self.y_pred - self.y_true
        self.error_ = None
        means = (self.y_pred + self.y_true) / 2
        self.points_ = self.ax_.scatter(means, differences, alpha=0.5)
        bias, *limits = find_agreement(differences)
        self.lines_ = [self.ax_.axhline(bias, color="0.3")]
        self.lines_ += [
            self.ax_.axhline(limit, color="0.3", linestyle="--") for limit in limits
        ]
        name = "" if self.target is None else f" ({self.target})"
        self.ax_.set(xlabel=f"Mean of true and predicted{name}")
        self.ax_.set(ylabel="Predicted minus true")


def find_agreement(differences):
    """Return the mean difference and the limits of agreement, after Bland and Altman.

    Parameters
    ----------
    differences : ndarray of shape (n_samples,)
        Predicted minus true values.

    Returns
    -------
    bias, low, high : float
    """
    bias, width = differences.mean(), 1.96 * differences.std()
    return bias, bias - width, bias + width


class _RowsDisplay(_Display):
    """A display of the rows of a table of a result."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]):
        self.rows = rows

    def _columns(self, *names):
        """Return columns of the rows as arrays, None as NaN."""
        return [np.array([row[name] for row in self.rows], float) for name in names]


class ReliabilityDisplay(_RowsDisplay):
    """Show whether a system is right as often as it says: a reliability diagram.

    Each point is a bin of predictions: their mean posterior, and how many of them are
    right. On the diagonal the posteriors can be believed; below it the system is too
    sure of itself.

    Parameters
    ----------
    rows : sequence of dict
        As of :meth:`skser.model_selection.EvaluationResult.calibration`.

    Attributes
    ----------
    points_ : matplotlib Line2D
        One point a bin.
    bars_ : matplotlib LineCollection
        The intervals of the accuracies, over speakers.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    skser.metrics.expected_calibration_error : The mean distance from the diagonal.
    sklearn.calibration.CalibrationDisplay : The same of two classes.

    Examples
    --------
    >>> from skser.plotting import ReliabilityDisplay
    >>> rows = [
    ...     {"confidence": 0.5, "accuracy": 0.4, "low": 0.3, "high": 0.6},
    ...     {"confidence": 0.9, "accuracy": 0.7, "low": None, "high": None}]
    >>> ReliabilityDisplay(rows).plot().points_.get_xdata().tolist()
    [0.5, 0.9]
    """

    @classmethod
    def from_result(
        cls,
        result: EvaluationResult,
        *,
        n_bins: int = 10,
        strategy: str = "quantile",
        ax: Axes | None = None,
    ) -> Self:
        """Show the result of an evaluation.

        Parameters
        ----------
        result : skser.model_selection.EvaluationResult
            With posteriors.
        n_bins : int, default=10
        strategy : {"quantile", "uniform"}, default="quantile"
            Bins of equal mass or of equal width.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : ReliabilityDisplay
        """
        rows = result.calibration(n_bins=n_bins, strategy=strategy)
        return cls(rows).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Plot the accuracy of each bin over its mean posterior.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : ReliabilityDisplay
        """
        self._take_axes(ax, figsize=(4.2, 4))
        confidence, accuracy, low, high = self._columns(
            "confidence", "accuracy", "low", "high"
        )
        self.ax_.plot([0, 1], [0, 1], color="0.5", linestyle=":")
        self.bars_ = self.ax_.vlines(confidence, low, high, color="C0", alpha=0.5)
        (self.points_,) = self.ax_.plot(confidence, accuracy, "o-", color="C0")
        self.ax_.set(xlim=(0, 1), ylim=(0, 1.02), aspect="equal")
        self.ax_.set(xlabel="Posterior of the prediction", ylabel="Share that is right")
        return self


class CoverageDisplay(_RowsDisplay):
    """Show how accurate a system is that answers only where it is most confident.

    Parameters
    ----------
    rows : sequence of dict
        As of :meth:`skser.model_selection.EvaluationResult.coverage`.

    Attributes
    ----------
    line_ : matplotlib Line2D
        Accuracy over coverage.
    band_ : matplotlib FillBetweenPolyCollection
        The intervals of the accuracies, over speakers.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    skser.metrics.accuracy_coverage_curve : The curve as numbers.

    Examples
    --------
    >>> from skser.plotting import CoverageDisplay
    >>> rows = [
    ...     {"coverage": 0.5, "accuracy": 0.9, "low": 0.8, "high": 1.0},
    ...     {"coverage": 1.0, "accuracy": 0.7, "low": 0.6, "high": 0.8}]
    >>> CoverageDisplay(rows).plot().line_.get_ydata().tolist()
    [0.9, 0.7]
    """

    @classmethod
    def from_result(cls, result: EvaluationResult, *, ax: Axes | None = None) -> Self:
        """Show the result of an evaluation.

        Parameters
        ----------
        result : skser.model_selection.EvaluationResult
            With posteriors.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : CoverageDisplay
        """
        return cls(result.coverage(np.linspace(0.05, 1, 20))).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Plot accuracy over coverage.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : CoverageDisplay
        """
        self._take_axes(ax, figsize=(4.8, 3.6))
        coverage, accuracy, low, high = self._columns(
            "coverage", "accuracy", "low", "high"
        )
        self.band_ = self.ax_.fill_between(
            coverage, low, high, color="C0", alpha=0.2, linewidth=0
        )
        (self.line_,) = self.ax_.plot(
            coverage, accuracy, "o-", color="C0", markersize=3
        )
        least = np.nanmin([accuracy, low])
        self.ax_.set(xlim=(0, 1), ylim=(max(0, least - 0.05), 1.01))
        self.ax_.set(xlabel="Coverage (share answered)", ylabel="Accuracy")
        return self


def pick_last(rows):
    """Return one row of each group: of several targets, that of their mean.

    Parameters
    ----------
    rows : list of dict
        As of the method `scores_by` of results.

    Returns
    -------
    rows : list of dict
    """
    return [row for row in rows if row.get("target") == rows[-1].get("target")]


def name_rows(rows, by, score="UA"):
    """Return scores of groups as the rows of a `ScoreDisplay`.

    Parameters
    ----------
    rows : list of dict
        As of :meth:`skser.model_selection.EvaluationResult.scores_by`.
    by : str
        The key of the groups' names.
    score : str, default="UA"

    Returns
    -------
    rows : list of dict
    """
    return [
        {"low": None, "high": None, **row, "name": row[by], "score": row[score]}
        for row in rows
    ]


class ScoreDisplay(_RowsDisplay):
    """Show scores with their intervals: of groups, conditions or training speakers.

    Parameters
    ----------
    rows : sequence of dict
        With the keys "name", "score", "low" and "high"; None stands for a bound that
        is not known. "small", if there, marks groups of which little is known.
    label : str, default="UA"
        What the score is.

    Attributes
    ----------
    points_ : matplotlib Line2D
        The scores.
    bars_ : matplotlib LineCollection
        Their intervals.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from skser.plotting import ScoreDisplay
    >>> rows = [
    ...     {"name": "female", "score": 0.8, "low": 0.7, "high": 0.9},
    ...     {"name": "male", "score": 0.7, "low": None, "high": None}]
    >>> display = ScoreDisplay(rows).plot()
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['female', 'male']
    """

    def __init__(self, rows: Sequence[Mapping[str, Any]], *, label: str = "UA"):
        super().__init__(rows)
        self.label = label

    @classmethod
    def from_result(
        cls, result: BaseResult, by: str, *, ax: Axes | None = None
    ) -> Self:
        """Show UA, or CCC, of each speaker or group.

        Parameters
        ----------
        result : skser.model_selection.EvaluationResult or RegressionResult
            Of several targets, their mean is shown.
        by : str
            "speaker", "fold", "seed" or one of the result's columns, such as "sex".
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : ScoreDisplay
        """
        rows, score = result.scores_by(by), result.headline
        return cls(name_rows(pick_last(rows), by, score), label=score).plot(ax=ax)

    @classmethod
    def from_conditions(
        cls,
        results: Mapping[str, BaseResult],
        *,
        score: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Show a score under each condition.

        Parameters
        ----------
        results : dict of str to EvaluationResult or RegressionResult
            As of :func:`skser.model_selection.evaluate_under`, or of several systems.
        score : str, default=None
            One of those of the results' method `scores`. None is the first, UA of
            classes and CCC of numbers.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : ScoreDisplay
        """
        score = score or next(iter(results.values())).headline
        return cls(_list_scores(results, score), label=score).plot(ax=ax)

    @classmethod
    def from_learning_curve(
        cls,
        results: Mapping[int, BaseResult],
        *,
        score: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Show a score over the number of training speakers.

        Parameters
        ----------
        results : dict of int to EvaluationResult or RegressionResult
            As of :func:`skser.model_selection.speaker_learning_curve`.
        score : str, default=None
            One of those of the results' method `scores`. None is the first, UA of
            classes and CCC of numbers.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : ScoreDisplay
        """
        score = score or next(iter(results.values())).headline
        display = cls(_list_scores(results, score), label=score)
        return display.plot(kind="curve", ax=ax)

    def plot(self, *, kind: str = "list", ax: Axes | None = None) -> Self:
        """Plot the scores with their intervals.

        Parameters
        ----------
        kind : {"list", "curve"}, default="list"
            One below the other, by their names; or over their names, which are then
            numbers.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : ScoreDisplay
        """
        if kind not in ("list", "curve"):
            raise ValueError(f"kind must be 'list' or 'curve', got {kind!r}.")
        n_rows, is_list = len(self.rows), kind == "list"
        self._take_axes(ax, (4.8, 1 + 0.28 * n_rows) if is_list else (4.8, 3.6))
        scores, low, high = self._columns("score", "low", "high")
        axis = "x" if is_list else "y"
        if is_list:
            rows = np.arange(n_rows)
            self.bars_ = self.ax_.hlines(rows, low, high, color="C0", alpha=0.5)
            (self.points_,) = self.ax_.plot(scores, rows, "o", color="C0")
            names = [_mark_small(row) for row in self.rows]
            n_named = n_rows if n_rows <= _MAX_NAMES else 0
            self.ax_.set_yticks(rows[:n_named], names[:n_named])
            self.ax_.set_ylim(n_rows - 0.5, -0.5)
        else:
            (sizes,) = self._columns("name")
            self.bars_ = self.ax_.vlines(sizes, low, high, color="C0", alpha=0.5)
            (self.points_,) = self.ax_.plot(sizes, scores, "o-", color="C0")
            self.ax_.set(xlabel="Training speakers", xlim=(0, None))
            self.ax_.xaxis.get_major_locator().set_params(integer=True)
        if np.nanmin([scores, low]) >= 0 and np.nanmax([scores, high]) <= 1:
            self.ax_.set(**{f"{axis}lim": (0, 1.02)})
        self.ax_.set(**{f"{axis}label": self.label})
        self.ax_.grid(axis=axis, alpha=0.3)
        return self


def _mark_small(row):
    """Return the name of a row, with a mark if it is of a small group."""
    return f"{row['name']}{' (small)' if row.get('small') else ''}"


def _list_scores(results, score):
    """Return the score of each result with its interval, if there are speakers."""
    rows = []
    for name, result in results.items():
        bounds = (None, None)
        if result.has_intervals:
            bounds = result.confidence_interval(score)[1:]
        row = {"name": name, "score": result.score(score)}
        rows.append({**row, "low": bounds[0], "high": bounds[1]})
    return rows


class CrossCorpusDisplay(_Display):
    """Show the scores of a system across corpora: trained on rows, tested on columns.

    Parameters
    ----------
    matrix : array-like of shape (n_trained_on, n_tested_on)
        Scores from 0 to 1; NaN leaves a cell empty.
    trained_on, tested_on : sequence of str
        Names of rows and columns.
    intervals : dict of (str, str) to (float, float), default=None
        (trained on, tested on) -> bounds, written below the score; None writes none.
    score : str, default="UA"
        What the scores are, for the title.

    Attributes
    ----------
    image_ : matplotlib AxesImage
    text_ : dict of (str, str) to matplotlib Text
        By (trained on, tested on).
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    skser.model_selection.evaluate_across : Makes results to show.

    Examples
    --------
    >>> from skser.plotting import CrossCorpusDisplay
    >>> display = CrossCorpusDisplay(
    ...     [[0.9, 0.4], [0.6, 0.8]], ["EmoDB", "nEMO"], ["EmoDB", "nEMO"]).plot()
    >>> display.text_["EmoDB", "nEMO"].get_text()
    '0.40'
    """

    def __init__(
        self,
        matrix: ArrayLike,
        trained_on: Sequence[str],
        tested_on: Sequence[str],
        *,
        intervals: dict[tuple[str, str], tuple[float, float]] | None = None,
        score: str = "UA",
    ):
        self.matrix = matrix
        self.trained_on = trained_on
        self.tested_on = tested_on
        self.intervals = intervals
        self.score = score

    @classmethod
    def from_result(
        cls, result: CrossCorpusResult, *, score: str = "UA", ax: Axes | None = None
    ) -> Self:
        """Show the result of an evaluation across corpora.

        Parameters
        ----------
        result : skser.model_selection.CrossCorpusResult
            As :func:`~skser.model_selection.evaluate_across` returns it.
        score : {"UA", "WA"}, default="UA"
            Intervals over test speakers are shown of UA.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : CrossCorpusDisplay
        """
        _import_pyplot(cls.__name__)
        intervals = {
            (row["trained on"], row["tested on"]): (row["low"], row["high"])
            for row in result.rows()
            if score == "UA" and row["low"] is not None
        }
        return cls(
            result.matrix(score),
            result.trained_on,
            result.tested_on,
            intervals=intervals,
            score=score,
        ).plot(ax=ax)

    def plot(self, *, cmap: str | Colormap = "Blues", ax: Axes | None = None) -> Self:
        """Plot the matrix.

        Parameters
        ----------
        cmap : str or matplotlib Colormap, default="Blues"
            The colours of the matrix.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : CrossCorpusDisplay
        """
        matrix = np.asarray(self.matrix, dtype=float)
        n_rows, n_columns = matrix.shape
        self._take_axes(ax, figsize=(2.4 + 1.3 * n_columns, 1.8 + 0.9 * n_rows))
        self.image_ = self.ax_.imshow(matrix, cmap=cmap, vmin=0, vmax=1, aspect="auto")
        self.ax_.set_xticks(np.arange(n_columns), self.tested_on)
        self.ax_.set_yticks(np.arange(n_rows), self.trained_on)
        self.ax_.set(xlabel="tested on", ylabel="trained on", title=self.score)
        self.text_ = {}
        for row, column in np.argwhere(np.isfinite(matrix)).tolist():
            pair = self.trained_on[row], self.tested_on[column]
            bounds = (self.intervals or {}).get(pair)
            text = f"{matrix[row, column]:.2f}"
            text += f"\n{bounds[0]:.2f}-{bounds[1]:.2f}" if bounds else ""
            # The middle of the colours is as far from black as from white.
            color = "white" if matrix[row, column] > 0.6 else "black"
            self.text_[pair] = self.ax_.text(
                column, row, text, ha="center", va="center", color=color
            )
        return self


class FeatureDisplay(_Display):
    """Show all acoustic features of an utterance as one heat map.

    Each column is shown relative to its own values in the utterance: 0 is the median,
    and 1 the distance between the 10th and the 90th percentile. The height of a
    feature grows with the logarithm of its number of columns, since the 513 bins of the
    spectrum would leave nothing to be seen of the others.

    Parameters
    ----------
    features : array-like of shape (n_frames, n_features)
        Of one utterance, as `AcousticFeatures` gives them.
    groups : sequence of str, default=None
        The names in ``CATALOGUE`` of the features that the columns belong to, in its
        order. None are all 27.
    hop_length : int, default=512
        Number of samples from one frame to the next.
    sample_rate : int, default=16000
        In Hz.

    Attributes
    ----------
    mesh_ : matplotlib QuadMesh
        The heat map.
    edges_ : ndarray of shape (n_groups + 1,)
        Where the features begin and end on the vertical axis.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Raises
    ------
    ValueError
        If the number of columns is not that of the features.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features import AcousticFeatures
    >>> from skser.plotting import FeatureDisplay
    >>> noise = np.random.default_rng(0).normal(0, 0.1, 16000)
    >>> display = FeatureDisplay.from_estimator(AcousticFeatures(), noise)
    >>> display.features.shape, len(display.ax_.get_yticklabels())
    ((32, 743), 27)
    """

    def __init__(
        self,
        features: ArrayLike,
        *,
        groups: Sequence[str] | None = None,
        hop_length: int = 512,
        sample_rate: int = 16000,
    ):
        self.features: Any = features
        self.groups = groups
        self.hop_length = hop_length
        self.sample_rate = sample_rate

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator | Pipeline,
        recording: str | os.PathLike | ArrayLike,
        *,
        ax: Axes | None = None,
    ) -> Self:
        """Compute the features of a recording and show them.

        Parameters
        ----------
        estimator : AcousticFeatures or sklearn.pipeline.Pipeline
            A Pipeline with an `AcousticFeatures`, also in a member of a vote; later
            steps are not run. An `AcousticFeatures` alone is given the frames of a
            `Framer`.
        recording : str, os.PathLike or array-like of shape (n_samples,)
            What the Pipeline takes; for an `AcousticFeatures` alone, a path or a
            waveform at 16 kHz.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : FeatureDisplay

        Raises
        ------
        ValueError
            If the Pipeline has no `AcousticFeatures`, or no `Framer`.
        """
        _import_pyplot(cls.__name__)
        front_end = _front_end_of_features(estimator)
        utterance = _describe(front_end, recording)
        chosen = front_end[-1].features
        names = CATALOGUE if isinstance(chosen, str) else chosen
        display = cls(
            utterance.frames,
            groups=[name for name in CATALOGUE if name in names],
            hop_length=utterance.hop_length,
            sample_rate=utterance.sample_rate,
        )
        return display.plot(ax=ax)

    @classmethod
    def from_features(
        cls,
        features: ArrayLike,
        *,
        hop_length: int = 512,
        sample_rate: int = 16000,
        ax: Axes | None = None,
    ) -> Self:
        """Show features that were computed before.

        Parameters
        ----------
        features : array-like of shape (n_frames, 743)
            Of one utterance.
        hop_length : int, default=512
            Number of samples from one frame to the next.
        sample_rate : int, default=16000
            In Hz.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : FeatureDisplay

        Raises
        ------
        ValueError
            If there are not 743 columns.
        """
        display = cls(features, hop_length=hop_length, sample_rate=sample_rate)
        return display.plot(ax=ax)

    def plot(
        self,
        *,
        cmap: str | Colormap = "RdBu_r",
        colorbar: bool = True,
        ax: Axes | None = None,
    ) -> Self:
        """Plot the heat map.

        Parameters
        ----------
        cmap : str or matplotlib Colormap, default="RdBu_r"
            The colours; those in the middle are the median.
        colorbar : bool, default=True
            Whether to add a bar that explains the colours.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        display : FeatureDisplay
        """
        self._take_axes(ax, figsize=(8, 7.5))
        features = np.asarray(self.features)
        names = list(CATALOGUE) if self.groups is None else list(self.groups)
        widths = [CATALOGUE[name].width for name in names]
        if features.ndim != 2 or features.shape[1] != sum(widths):
            raise ValueError(
                f"features must have the shape (n_frames, {sum(widths)}), the columns "
                f"of {len(names)} features of the CATALOGUE; got {features.shape}."
            )
        heights = 1 + 0.5 * np.log2(widths)
        self.edges_ = np.concatenate([[0], np.cumsum(heights)])
        # The columns of a feature are equally high.
        columns = np.cumsum(np.repeat(heights / widths, widths))
        moments = np.arange(len(features) + 1) - 0.5
        self.mesh_ = self.ax_.pcolormesh(
            moments * self.hop_length / self.sample_rate,
            np.concatenate([[0], columns]),
            robust_scale(features, quantile_range=(10, 90)).T,
            cmap=cmap,
            vmin=-1,
            vmax=1,
            rasterized=True,
        )
        middles = (self.edges_[:-1] + self.edges_[1:]) / 2
        self.ax_.set_yticks(middles, names, fontsize="x-small")
        for edge in self.edges_[1:-1]:
            self.ax_.axhline(edge, color="white", linewidth=0.8)
        self.ax_.set(xlabel="Time (s)", xlim=(0, None))
        if colorbar:
            self.figure_.colorbar(
                self.mesh_, ax=self.ax_, label="Relative to the median", shrink=0.5
            )
        return self


class TimelineDisplay(_Display):
    """Show how emotions change along a recording.

    Three parts below one another: the sound; the segments of one emotion, a line for
    each speaker; and the posteriors as bands one upon the other, whose heights sum to
    1. Where too little is said, there are gaps. Of long recordings posteriors are
    averaged over a 200th of the recording.

    Parameters
    ----------
    timeline : skser.timeline.Timeline
        As :func:`~skser.timeline.predict_timeline` returns it.
    sound : ndarray, default=None
        Of shape (n_columns,): the largest modulus within equal parts of the recording.
        Or of shape (n_bands, n_columns): a spectrogram in dB. None shows no sound.
    max_frequency : float, default=None
        Of the spectrogram, in Hz.
    file : str, default=None
        Which recording of the timeline; None is the only one.

    Attributes
    ----------
    ax_ : matplotlib Axes
        With the posteriors; the labels alone if the system has no posteriors.
    segment_ax_ : matplotlib Axes
        With the segments.
    sound_ax_ : matplotlib Axes or None
        With the sound.
    bands_ : dict of label to matplotlib PolyCollection
        The bands of posteriors.
    figure_ : matplotlib Figure

    Raises
    ------
    ValueError
        If `file` is not in the timeline, or None and there are several.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.plotting import TimelineDisplay
    >>> from skser.timeline import Timeline
    >>> timeline = Timeline(
    ...     classes=["anger", "sadness"], file=["talk.wav"] * 2,
    ...     start=np.array([0.0, 1.0]), end=np.array([2.0, 3.0]),
    ...     label=np.array(["anger", "sadness"], dtype=object),
    ...     posteriors=np.array([[0.9, 0.1], [0.3, 0.7]]),
    ...     speaker=None, duration={"talk.wav": 3.0})
    >>> display = TimelineDisplay(timeline).plot()
    >>> list(display.bands_), display.ax_.get_xlim() == (0.0, 3.0)
    (['anger', 'sadness'], True)
    """

    def __init__(
        self,
        timeline: Timeline,
        sound: np.ndarray | None = None,
        *,
        max_frequency: float | None = None,
        file: str | None = None,
    ):
        self.timeline = timeline
        self.sound = sound
        self.max_frequency = max_frequency
        self.file = file

    @classmethod
    def from_estimator(
        cls,
        system: BaseEstimator | Pipeline,
        recording: Any,
        *,
        window: float = 3.0,
        hop: float = 1.0,
        smoothing: Any = None,
        segments: Any = None,
        activity: str | EnergyActivityDetector | Any = "energy",
        kind: str = "envelope",
        ax: Axes | None = None,
    ) -> Self:
        """Predict a recording along time and show the result.

        Parameters
        ----------
        system : sklearn.pipeline.Pipeline
            Fitted, from recordings to labels.
        recording : str, os.PathLike, bytes, file, tuple or ndarray
            As :func:`~skser.timeline.predict_timeline` takes it.
        window, hop, smoothing, segments, activity
            As of :func:`~skser.timeline.predict_timeline`.
        kind : {"envelope", "spectrogram"}, default="envelope"
            What is shown of the sound.
        ax : matplotlib Axes, default=None
            Where to plot, all parts together; None makes a figure.

        Returns
        -------
        display : TimelineDisplay
        """
        _import_pyplot(cls.__name__)
        is_path = isinstance(recording, (str, os.PathLike))
        timeline = predict_timeline(
            system,
            recording if is_path else [recording],
            window=window,
            hop=hop,
            smoothing=smoothing,
            segments=segments,
            activity=activity,
        )
        loader: Any = list_steps(system)[0]
        rate = None if is_path else loader.input_sample_rate or loader.sample_rate
        sound = None if is_path else recording
        return cls.from_timeline(timeline, sound, sample_rate=rate, kind=kind, ax=ax)

    @classmethod
    def from_timeline(
        cls,
        timeline: Timeline,
        recording: Any = None,
        *,
        file: str | None = None,
        sample_rate: float | None = None,
        kind: str = "envelope",
        ax: Axes | None = None,
    ) -> Self:
        """Show a timeline with the sound of its recording.

        The sound is read in blocks: it may last for hours.

        Parameters
        ----------
        timeline : skser.timeline.Timeline
            As :func:`~skser.timeline.predict_timeline` returns it.
        recording : str, os.PathLike, bytes, file, tuple or ndarray, default=None
            The sound, as an :class:`~skser.AudioLoader` takes it; None is the
            timeline's own file.
        file : str, default=None
            Which recording of the timeline; None is the only one.
        sample_rate : float, default=None
            Of a waveform, in Hz; None is 16000.
        kind : {"envelope", "spectrogram"}, default="envelope"
            What is shown of the sound.
        ax : matplotlib Axes, default=None
            Where to plot, all parts together; None makes a figure.

        Returns
        -------
        display : TimelineDisplay

        Raises
        ------
        ValueError, OSError
            If there is no such kind or recording.
        """
        _import_pyplot(cls.__name__)
        file = _choose_recording(timeline, file)
        if kind not in _SOUNDS:
            raise ValueError(f"kind must be one of {list(_SOUNDS)}, got {kind!r}.")
        recording = file if recording is None else recording
        entry = as_recording(recording, "recording", int(sample_rate or 16000))
        if isinstance(entry, Waveform):
            check_waveform(entry, None)
            rate = entry.rate
        else:
            with open_recording(entry) as opened:
                rate = opened.rate
        blocks = (block for block, _ in read_recording(entry))
        sound = _SOUNDS[kind](blocks, rate * timeline.duration[file])
        display = cls(timeline, sound, max_frequency=rate / 2, file=file)
        return display.plot(ax=ax)

    def plot(self, *, cmap: str | Colormap = "tab10", ax: Axes | None = None) -> Self:
        """Plot sound, segments and posteriors.

        Parameters
        ----------
        cmap : str or matplotlib Colormap, default="tab10"
            The colours of the emotions.
        ax : matplotlib Axes, default=None
            Where to plot, all parts together; None makes a figure.

        Returns
        -------
        display : TimelineDisplay
        """
        plt = _import_pyplot(type(self).__name__)
        from mpl_toolkits.axes_grid1 import make_axes_locatable

        file = _choose_recording(self.timeline, self.file)
        duration = self.timeline.duration[file]
        self._take_axes(ax, figsize=(9, 4.5))
        colors = _choose_colors(plt.get_cmap(cmap), self.timeline.classes)
        divider = make_axes_locatable(self.ax_)
        self._plot_bands(file, colors)
        speakers = [s.speaker for s in self.timeline.to_segments() if s.file == file]
        speakers = list(dict.fromkeys(speakers)) or [None]
        height = 0.17 * min(len(speakers), _MAX_NAMES)
        self.segment_ax_ = divider.append_axes("top", height, pad=0.08, sharex=self.ax_)
        self._plot_segments(file, colors, speakers)
        self.sound_ax_: Any = None
        if self.sound is not None:
            self.sound_ax_ = divider.append_axes("top", 1.1, pad=0.08, sharex=self.ax_)
            self._plot_sound(duration)
        self.ax_.set(xlim=(0, duration), ylim=(0, 1), ylabel="Posterior")
        self.ax_.set_xlabel("Time (s)")
        if duration > _SHORT_SECONDS:
            steps = [step for step in _CLOCK_STEPS if step >= duration / 10]
            step = steps[0] if steps else 3600 * math.ceil(duration / 36000)
            self.ax_.set_xticks(np.arange(0, duration, step))
            self.ax_.xaxis.set_major_formatter(lambda seconds, _: _clock(seconds))
            self.ax_.set_xlabel("Time")
        self.ax_.legend(
            handles=list(self.bands_.values())[::-1],
            loc="center left",
            bbox_to_anchor=(1, 0.5),
            frameon=False,
        )
        return self

    def _plot_bands(self, file, colors):
        """Plot the posteriors."""
        start, end, posteriors = _average_posteriors(self.timeline, file)
        times = np.column_stack([start, end]).ravel()
        tops = np.cumsum(posteriors, axis=1).repeat(2, axis=0)
        # Between windows that do not touch nothing is known.
        gaps = 2 * np.flatnonzero(start[1:] > end[:-1] + 1e-6) + 2
        times = np.insert(times, gaps, np.nan)
        tops = np.insert(tops, gaps, np.nan, axis=0)
        below, self.bands_ = np.zeros(len(tops)), {}
        for label, top in zip(self.timeline.classes, tops.T, strict=True):
            self.bands_[label] = self.ax_.fill_between(
                times, below, top, color=colors[label], linewidth=0, label=str(label)
            )
            below = top

    def _plot_segments(self, file, colors, speakers):
        """Plot the segments, a line for each speaker."""
        ax = self.segment_ax_
        parts = {}
        for name, start, end, label, speaker in self.timeline.to_segments():
            if name == file:
                parts.setdefault((label, speaker), []).append((start, end - start))
        for (label, speaker), own in parts.items():
            line = (speakers.index(speaker) - 0.4, 0.8)
            # A system may refuse to answer, with a label that is no emotion.
            color = colors.get(label, "0.8")
            ax.broken_barh(own, line, color=color, linewidth=0)
        is_named = speakers != [None] and len(speakers) <= _MAX_NAMES
        names = ["" if name is None else str(name) for name in speakers]
        ax.set_yticks(range(len(names)) if is_named else [], names if is_named else [])
        ax.set_ylim(len(speakers) - 0.5, -0.5)
        ax.tick_params(left=False, bottom=False, labelbottom=False)
        ax.spines[:].set_visible(False)

    def _plot_sound(self, duration):
        """Plot the envelope or the spectrogram."""
        ax, sound = self.sound_ax_, np.asarray(self.sound)
        if sound.ndim == 1:
            times = (np.arange(len(sound)) + 0.5) * duration / len(sound)
            ax.fill_between(times, -sound, sound, color="0.6", linewidth=0)
            ax.set(ylabel="Amplitude", yticks=[])
        else:
            edge = (self.max_frequency or 8000) / 1000
            ax.imshow(
                sound,
                origin="lower",
                aspect="auto",
                extent=(0, duration, 0, edge),
                cmap="magma",
                vmin=sound.max() - 70,
            )
            ax.set_ylabel("kHz")
        ax.tick_params(labelbottom=False)


def _choose_recording(timeline, file):
    """Return the recording of a timeline that is meant."""
    names = list(timeline.duration)
    if file is None and len(names) == 1:
        return names[0]
    if file not in names:
        raise ValueError(
            "TimelineDisplay shows one recording: file must be one of "
            f"{', '.join(names[:5])}{', ...' if len(names) > 5 else ''}; got {file!r}."
        )
    return file


def _choose_colors(cmap, classes):
    """Return a colour for each class: one after the other, or evenly spaced."""
    is_list = hasattr(cmap, "colors") and cmap.N <= 20
    places = [i % cmap.N for i in range(len(classes))]
    if not is_list:
        places = np.linspace(0, 1, len(classes)).tolist()
    return {label: cmap(place) for label, place in zip(classes, places, strict=True)}


def _average_posteriors(timeline, file):
    """Return start and end of times of one answer, and the posteriors there."""
    rows = [i for i, name in enumerate(timeline.file) if name == file]
    rows = np.array(sorted(rows, key=lambda i: timeline.start[i]), dtype=int)
    if timeline.posteriors is None:
        places = {label: i for i, label in enumerate(timeline.classes)}
        posteriors = np.full((len(rows), len(places)), np.nan)
        for row, label in zip(posteriors, timeline.label[rows], strict=True):
            if label in places:
                row[:] = np.arange(len(row)) == places[label]
    else:
        posteriors = timeline.posteriors[rows]
    start, end = map(np.array, find_edges(timeline.start[rows], timeline.end[rows]))
    if len(rows) <= _POSTERIOR_COLUMNS:
        return start, end, posteriors
    edges = np.linspace(0, timeline.duration[file], _POSTERIOR_COLUMNS + 1)
    column = np.clip(np.searchsorted(edges, (start + end) / 2) - 1, 0, len(edges) - 2)
    is_known = ~np.isnan(posteriors).any(axis=1)
    sums = np.zeros((_POSTERIOR_COLUMNS, posteriors.shape[1]))
    np.add.at(sums, column[is_known], posteriors[is_known])
    n_known = np.bincount(column[is_known], minlength=_POSTERIOR_COLUMNS)
    n_rows = np.bincount(column, minlength=_POSTERIOR_COLUMNS)
    # A gap where in most windows too little is said.
    means = np.full_like(sums, np.nan)
    shown = (n_known > 0) & (2 * n_known >= n_rows)
    means[shown] = sums[shown] / n_known[shown, np.newaxis]
    return edges[:-1], edges[1:], means


def _measure_envelope(blocks, n_samples):
    """Return the largest modulus within equal parts of a signal."""
    n_columns = int(min(_SOUND_COLUMNS, n_samples))
    envelope, n_read = np.zeros(n_columns), 0
    for block in blocks:
        columns = (np.arange(n_read, n_read + len(block)) * n_columns) // n_samples
        columns = np.minimum(columns, n_columns - 1).astype(int)
        firsts = np.flatnonzero(np.diff(columns, prepend=-1))
        peaks = np.maximum.reduceat(np.abs(block), firsts)
        envelope[columns[firsts]] = np.maximum(envelope[columns[firsts]], peaks)
        n_read += len(block)
    return envelope


def _measure_spectrogram(blocks, n_samples):
    """Return the mean power spectrum of equal parts of a signal, in dB."""
    hop = _N_FFT // 4
    n_columns = int(max(1, min(_SOUND_COLUMNS, n_samples // hop)))
    powers, counts = np.zeros((n_columns, _N_FFT // 2 + 1)), np.zeros(n_columns)
    window, n_read = np.hanning(_N_FFT), 0
    for block in blocks:
        block = np.pad(block, (0, max(0, _N_FFT - len(block))))
        views = np.lib.stride_tricks.sliding_window_view(block, _N_FFT)[::hop]
        for first in range(0, len(views), 1024):
            frames = views[first : first + 1024]
            middles = n_read + (first + np.arange(len(frames))) * hop + _N_FFT // 2
            columns = np.minimum(middles * n_columns // n_samples, n_columns - 1)
            spectra = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
            np.add.at(powers, columns.astype(int), spectra)
            np.add.at(counts, columns.astype(int), 1)
        n_read += len(block)
    means = powers / np.maximum(counts, 1)[:, np.newaxis]
    return 10 * np.log10(means.T + 1e-10)


_SOUNDS = {"envelope": _measure_envelope, "spectrogram": _measure_spectrogram}


def _clock(seconds):
    """Return seconds as a clock shows them: 1:05, or 1:00:00."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _front_end_of_features(estimator):
    """Return the steps from a recording to `AcousticFeatures`, which is the last."""
    names = []
    for member in _list_members(estimator):
        steps = [*member.front_end, member.classifier]
        names += [type(step).__name__ for step in steps]
        for i, step in enumerate(steps):
            if isinstance(step, AcousticFeatures):
                loader = AudioLoader(input_sample_rate=step.sample_rate)
                return steps[: i + 1] if i else [loader, Framer(), step]
    raise ValueError(
        "FeatureDisplay needs a Pipeline with an AcousticFeatures, got "
        f"{', '.join(dict.fromkeys(names))}."
    )


class _Member(NamedTuple):
    """A classifier of a system, and the steps before it."""

    name: str  # in a vote
    front_end: list
    classifier: object
    classes: np.ndarray | None  # labels by number, in a vote


def _list_members(estimator, front_end=(), name="", classes=None):
    """Yield the classifiers of a system, those of votes and searches included."""
    *steps, last = list_steps(estimator)
    front_end = [*front_end, *steps]
    if hasattr(last, "best_estimator_"):
        yield from _list_members(last.best_estimator_, front_end, name, classes)
    elif hasattr(last, "estimators"):
        named = {key: member for key, member in last.estimators if member != "drop"}
        members = getattr(last, "estimators_", named.values())
        classes = getattr(last, "classes_", None)
        for key, member in zip(named, members, strict=True):
            key = f"{name}.{key}" if name else key
            yield from _list_members(member, front_end, key, classes)
    else:
        yield _Member(name, front_end, last, classes)


def _find_network(display, estimator, member, attribute):
    """Return the member that was chosen, or the only one with an attribute."""
    members = list(_list_members(estimator))
    names = [one.name for one in members]
    if member is not None:
        if member not in names:
            raise ValueError(f"member={member!r}, but the system has {names}.")
        return members[names.index(member)]
    suitable = [one for one in members if hasattr(one.classifier, attribute)]
    if len(members) == 1 or len(suitable) == 1:
        return (suitable or members)[0]
    for one in members:
        check_is_fitted(one.classifier)
    if not suitable:
        raise ValueError(
            f"{display.__name__} needs a network with {attribute}, but none of the "
            f"members {names} has it."
        )
    raise ValueError(
        f"{display.__name__} shows one network, but the system has several: choose one "
        f"of member={[one.name for one in suitable]}."
    )


class _Utterance(NamedTuple):
    """One recording behind a front end."""

    signal: np.ndarray
    sample_rate: int
    hop_length: int
    frames_per_row: int  # more than 1 behind a FrameAveraging
    frames: np.ndarray  # (n_rows, n_features)


def _describe(steps, recording):
    """Pass one recording through the steps of a front end."""
    framer = next((step for step in steps if isinstance(step, Framer)), None)
    sample_rate = next(
        (s.sample_rate for s in steps if hasattr(s, "sample_rate")), None
    )
    if framer is None or sample_rate is None:
        raise ValueError(
            "To know at which second a frame lies, the display needs a Pipeline with a "
            "Framer and a step that has a sample_rate, such as AudioLoader; got "
            f"{', '.join(type(step).__name__ for step in steps) or 'no such step'}."
        )
    batch, frames_per_row = [recording], 1
    for step in steps:
        if step is framer:
            signal = batch[0]
        if isinstance(step, FrameAveraging):
            frames_per_row *= step.n_frames
        batch = step.transform(batch)
    n_expected = -(-len(signal) // (framer.hop_length * frames_per_row))
    if len(batch[0]) != n_expected:
        raise ValueError(
            f"The Framer makes {n_expected} frames of the recording, but the steps "
            f"behind it give {len(batch[0])}: which second is which cannot be known."
        )
    return _Utterance(signal, sample_rate, framer.hop_length, frames_per_row, batch[0])
