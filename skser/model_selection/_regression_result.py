"""The result of an evaluation of numbers, such as arousal and valence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from skser.model_selection._base_result import BaseResult, defined
from skser.model_selection._bootstrap import Interval
from skser.model_selection._calibration import bounds_over_units
from skser.model_selection._measures import BaseTally, Measure
from skser.model_selection._regression_measures import (
    MEAN,
    REGRESSION_MEASURES,
    NumberTally,
)

TRAINING_MEANS = "training_means"


@dataclass(eq=False)
class RegressionResult(BaseResult):
    """Every prediction of an evaluation of numbers, and what follows from them.

    :func:`evaluate` makes it of a regressor, :func:`load_result` reads it back.

    Parameters
    ----------
    targets : list of str
        What is predicted, such as "arousal" and "valence".
    files : list of str
        Name of each recording of the corpus.
    speakers : list or None
        Speaker of each recording, if known.
    true : ndarray of shape (n_recordings, n_targets)
        The targets of each recording.
    recordings, folds, runs : ndarray of int of shape (n_predictions,)
        Of each prediction: the recording, the fold that it was tested in, and the index
        of its seed.
    predicted : ndarray of shape (n_predictions, n_targets)
    seeds : list of int or None
        The seed of each run. None stands for the pipeline's own.
    protocol : dict
        As of :class:`EvaluationResult`; and "training_means", the means of the targets
        in the training part of each fold, which is the baseline of all scores.
    columns : dict of str to list, default={}
        What else is known of each recording, as of :class:`EvaluationResult`.

    See Also
    --------
    EvaluationResult : The same of classes.
    skser.plotting.RegressionDisplay : Shows predictions over true values.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.model_selection import RegressionResult
    >>> result = RegressionResult(
    ...     targets=["arousal"], files=["a1", "a2", "b1", "b2"],
    ...     speakers=["a", "a", "b", "b"], true=np.array([[1.0], [2.0], [3.0], [4.0]]),
    ...     recordings=np.arange(4), folds=np.array([0, 0, 1, 1]),
    ...     runs=np.zeros(4, int), predicted=np.array([[1.0], [2.0], [3.0], [3.0]]),
    ...     seeds=[None], protocol={})
    >>> round(result.ccc, 3), result.rmse
    (0.875, 0.5)
    >>> result.scores_by("speaker")[0]
    {'speaker': 'a', 'target': 'arousal', 'n': 2, 'CCC': 1.0, ... 'MAE': 0.0}
    """

    targets: list
    files: list
    speakers: list | None
    true: np.ndarray
    recordings: np.ndarray
    folds: np.ndarray
    runs: np.ndarray
    predicted: np.ndarray
    seeds: list
    protocol: dict
    columns: dict = field(default_factory=dict)

    is_classification: ClassVar[bool] = False
    measures: ClassVar[Mapping[str, Measure]] = REGRESSION_MEASURES
    summarised: ClassVar[tuple[str, ...]] = ("CCC", "PCC", "RMSE")
    detailed: ClassVar[tuple[str, ...]] = tuple(REGRESSION_MEASURES)
    format: ClassVar[str] = "skser regression evaluation"
    metadata: ClassVar[tuple[str, ...]] = (
        "targets",
        "files",
        "speakers",
        "seeds",
        "protocol",
    )
    arrays: ClassVar[tuple[str, ...]] = (
        "true",
        "recordings",
        "folds",
        "runs",
        "predicted",
    )
    indices: ClassVar[Mapping[str, str | None]] = MappingProxyType(
        {"summary": "target", "scores": "target", "predictions": None}
    )
    note: ClassVar[str] = (
        "low, high: 95 % studentised bootstrap interval over speakers. mean and sd: of "
        "the scores of single speakers and single seeds. training mean: always the "
        "mean of the training part's targets."
    )

    def __repr__(self):
        values = (f"{head['target']} {t:.3f}" for head, t in self._list_headlines())
        return (
            f"<RegressionResult: {len(self.predicted)} predictions of "
            f"{len(self.files)} recordings, pooled CCC: {', '.join(values)}>"
        )

    def _list_headlines(self):
        measure = self.measures[self.headline]
        return [(head, measure.value(tally)) for head, tally in self._parts()]

    @property
    def ccc(self) -> float:
        """Pooled concordance correlation coefficient, its mean over the targets."""
        return self.score("CCC")

    @property
    def pcc(self) -> float:
        """Pooled Pearson correlation coefficient, its mean over the targets."""
        return self.score("PCC")

    @property
    def rmse(self) -> float:
        """Pooled root mean squared error, its mean over the targets."""
        return self.score("RMSE")

    @property
    def mae(self) -> float:
        """Pooled mean absolute error, its mean over the targets."""
        return self.score("MAE")

    def of_target(self, target: str) -> RegressionResult:
        """Return the result of one of several targets.

        Parameters
        ----------
        target : str

        Returns
        -------
        result : RegressionResult
            For what takes results, such as :func:`compare`.

        Raises
        ------
        ValueError
            If there is no such target.
        """
        number = self._find_target(target)
        which = slice(number, number + 1)
        protocol = dict(self.protocol)
        if TRAINING_MEANS in protocol:
            protocol[TRAINING_MEANS] = [row[which] for row in protocol[TRAINING_MEANS]]
        return replace(
            self,
            targets=self.targets[which],
            true=self.true[:, which],
            predicted=self.predicted[:, which],
            protocol=protocol,
        )

    def _find_target(self, target):
        if target not in self.targets:
            raise ValueError(f"target must be one of {self.targets}, got {target!r}.")
        return self.targets.index(target)

    def score(self, name: str = "CCC", *, target: str | None = None) -> float:
        """Return a score of all predictions.

        Parameters
        ----------
        name : {"CCC", "PCC", "RMSE", "MAE"}, default="CCC"
        target : str, default=None
            One of the `targets`. None is the mean of the scores of all.

        Returns
        -------
        score : float
            NaN of fewer than two predictions, except for RMSE and MAE.

        Raises
        ------
        ValueError
            If there is no such score or target.
        """
        return self.find_measure(name).value(self._tally(target))

    def _tally(self, target=None):
        """Return the predictions by speaker, or as one unit if none are known."""
        tally = NumberTally(
            true=self.true[self.recordings],
            predicted=self.predicted,
            **self._units(),
        )
        return tally if target is None else tally.of_target(self._find_target(target))

    def _parts(self) -> Iterator[tuple[dict, BaseTally]]:
        """Yield each target with its predictions; of several, all of them, too."""
        tally = self._tally()
        for number, target in enumerate(self.targets):
            yield {"target": target}, tally.of_target(number)
        if len(self.targets) > 1:
            yield {"target": MEAN}, tally

    def scores(self) -> list[dict[str, Any]]:
        r"""Return all scores, with intervals over speakers and those of a baseline.

        Returns
        -------
        rows : list of dict
            One a target and score, with the keys "target", "score", "pooled", the
            bounds "low" and "high" of its 95 % interval (None with fewer than three
            speakers), and "training mean". The scores are "CCC", "PCC", "RMSE" and
            "MAE"; None stands for one that is not defined. Of several targets there
            is a last one, "mean", the mean of their scores.

        Notes
        -----
        They are :func:`~skser.metrics.concordance_correlation_coefficient`,
        :func:`~skser.metrics.pearson_correlation_coefficient`, and scikit-learn's
        ``root_mean_squared_error`` and ``mean_absolute_error``.

        The training mean is a system that always predicts the mean of the training
        part's targets, as ``DummyRegressor`` does. Its CCC is 0 or, as each fold has a
        mean of its own, a little less. The correlation with a constant is not defined;
        in PCC it counts as 0.
        """
        baselines = [None] * (len(self.targets) + 1)
        if TRAINING_MEANS in self.protocol:
            means = np.asarray(self.protocol[TRAINING_MEANS], dtype=float)
            constant = replace(self, predicted=means[self.folds])
            baselines = [tally for _, tally in constant._parts()]
        rows = []
        for (head, tally), other in zip(self._parts(), baselines, strict=False):
            for name, measure in self.measures.items():
                low, high = bounds_over_units(measure, tally)
                row = {**head, "score": name, "pooled": defined(measure.value(tally))}
                row |= {"low": low, "high": high, "training mean": None}
                # Means of folds correlate, but only with who is left out.
                if other is not None and name != "PCC":
                    row["training mean"] = defined(measure.value(other))
                rows.append(row)
        return rows

    def confidence_interval(
        self,
        score: str = "CCC",
        *,
        target: str | None = None,
        level: float = 0.95,
        n_resamples: int = 4999,
        random_state: int | np.random.RandomState | None = 0,
    ) -> Interval:
        """Return the interval in which the pooled score of other speakers may lie.

        As of :meth:`EvaluationResult.confidence_interval`.

        Parameters
        ----------
        score : {"CCC", "PCC", "RMSE", "MAE"}, default="CCC"
        target : str, default=None
            One of the `targets`. None is the mean of the scores of all.
        level : float, default=0.95
            Nominal coverage.
        n_resamples : int, default=4999
            Number of draws.
        random_state : int, RandomState instance or None, default=0
            Determines the draws.

        Returns
        -------
        interval : Interval
            With the attributes `estimate`, `low` and `high`.

        Raises
        ------
        ValueError
            If there are fewer than three speakers, or none are known.

        Notes
        -----
        In simulations of ten speakers with 50 recordings each, 95 % intervals of all
        four scores cover the truth in 94 to 97 % of cases
        (``tests/benchmarks/bench_intervals.py``).
        """
        measure, tally = self.find_measure(score), self._tally(target)
        draws = {"n_resamples": n_resamples, "random_state": random_state}
        return self._find_interval(measure, tally, level, draws)

    def truths(self) -> dict[str, Any]:
        """Return the targets of each recording, by its file.

        Returns
        -------
        truths : dict of str to tuple
        """
        values = map(tuple, self.true.tolist())
        return dict(zip(self.files, values, strict=True))

    def describe_task(self) -> tuple[str, str]:
        """Return what was predicted, and what the scores are, for sentences.

        Returns
        -------
        what, scores : str
        """
        return " and ".join(self.targets), (
            "CCC is the concordance correlation coefficient, PCC Pearson's, RMSE the "
            "root mean squared error and MAE the mean absolute error, all of the "
            "predictions of all folds together."
        )

    def _predictions(self):
        """Return what is true and predicted, as columns."""
        columns = {}
        true = self.true[self.recordings]
        for number, target in enumerate(self.targets):
            columns[f"true {target}"] = true[:, number].tolist()
            columns[f"predicted {target}"] = self.predicted[:, number].tolist()
        return columns
