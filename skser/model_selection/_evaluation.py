"""Cross-validation of a system on a corpus: every prediction is kept, and resumed.

Each fold is one call of scikit-learn's ``cross_validate``, so that what a system meets
here is what it meets there. Test recordings can be predicted under perturbations, too.
"""

import inspect
import os
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sklearn
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import cross_validate
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from skser._base import list_steps
from skser._columns import check_columns, list_columns
from skser._compat import safe_indexing
from skser._progress import make_bar, say, silence
from skser.metrics import wants_groups
from skser.model_selection._splitters import (
    LeaveOneSpeakerOut,
    check_speakers,
    find_leak,
    find_shared,
    list_folds,
    warn_of_similar_names,
)
from skser.model_selection._targets import Classes, Numbers, read_target
from skser.model_selection.perturbations import PERTURBATIONS, perturb_recordings
from skser.storage import Checkpoints, describe, digest, find_versions


class IncompleteEvaluationError(RuntimeError):
    """Some folds have failed; the finished ones are not lost.

    Attributes
    ----------
    result : EvaluationResult, RegressionResult or None
        The finished folds. None if there are none. Of :func:`evaluate_under`, a dict
        of results.
    """

    result = None


@dataclass
class Recordings:
    """A corpus as arrays; `task` is what is to be predicted of it."""

    X: object
    task: Classes | Numbers
    speakers: np.ndarray | None
    files: list
    columns: dict = field(default_factory=dict)
    name: str | None = None

    @property
    def y(self):
        """What systems are given."""
        return self.task.y

    def list_names(self):
        """Return what is known of each recording that no two sides should share.

        By kind: speakers and sentences, if known, and recordings, by their files.
        """
        names = {"speakers": self.speakers, "sentences": self.columns.get("text_id")}
        known = {kind: np.array(v) for kind, v in names.items() if v is not None}
        return known | {"recordings": np.array(self.files)}

    def describe_test(self, test):
        """Return who is tested, for messages."""
        if self.speakers is None:
            return f"{len(test)} recordings"
        names = np.unique(self.speakers[test]).tolist()
        shown = ", ".join(repr(name) for name in names[:3])
        return f"test speaker {shown}{', ...' if len(names) > 3 else ''}"


@dataclass
class Conditions:
    """What is done to test recordings: name -> perturbation, or None for nothing."""

    perturbations: dict
    sample_rate: int | None = None
    random_state: int = 0

    def apply(self, name, X, folder, **keys):
        """Return recordings as they are under a condition."""
        function = self.perturbations[name]
        if function is None:
            return X
        seed = self.random_state
        return perturb_recordings(
            X, function, self.sample_rate, folder, random_state=seed, **keys
        )

    def describe(self):
        """Return what predictions depend on, as JSON can hold it."""
        return describe(vars(self))


@dataclass
class Job:
    """One fold with one seed."""

    system: object
    run: int
    seed: int | None
    fold: int
    parts: tuple
    name: str


def evaluate(
    system: BaseEstimator,
    corpus: Mapping | Sequence | ArrayLike,
    y: ArrayLike | None = None,
    cv: object = None,
    *,
    target: str | Sequence[str] | None = None,
    groups: ArrayLike | None = None,
    columns: Mapping | None = None,
    X: Sequence | ArrayLike | None = None,
    params: Mapping[str, ArrayLike] | None = None,
    seeds: Iterable[int] | None = None,
    checkpoint: str | os.PathLike | None = None,
    n_jobs: int | None = None,
    verbose: int | None = None,
    allow_leaks: bool = False,
) -> Any:
    """Fit and test a system on each fold of a corpus, and keep every prediction.

    ``evaluate(system, corpus, cv)`` and ``evaluate(system, paths, emotions,
    groups=speakers, cv=cv)`` do the same. With a regressor it is
    ``evaluate(system, corpus, cv, target="arousal")`` or ``evaluate(system, paths,
    arousal, groups=speakers, cv=cv)``.

    Parameters
    ----------
    system : estimator
        From recordings (or from `X`) to labels or, if it is a regressor
        (:func:`sklearn.base.is_regressor`), to numbers; not changed.
    corpus : :class:`~sklearn.utils.Bunch`, or sequence of length n_recordings
        A corpus, as the functions of :mod:`skser.datasets` return it: with `paths` (or
        `data`), `target` and, unless nothing is known of speakers, `groups`. Or the
        recordings themselves, as the system takes them, such as paths.
    y : array-like of shape (n_recordings,) or (n_recordings, n_targets), default=None
        The emotion of each recording, where `corpus` are recordings; with a regressor,
        one or several numbers of each. Or soft labels, a distribution over the classes
        in each row, whose columns a DataFrame names: network classifiers learn these,
        others the most likely class. A corpus brings its own; the third argument is
        then `cv`.
    cv : splitter, int or iterable of (train, test), default=None
        A splitter of this package or any of scikit-learn's. None is
        :class:`LeaveOneSpeakerOut`.
    target : str or list of str, default=None
        What is to be predicted: the name of a column of the corpus, such as "arousal",
        or of several, for regressors. None is the emotion, ``corpus.target``. Where
        `corpus` are recordings, names of what `y` holds.
    groups : array-like of shape (n_recordings,), default=None
        The speaker of each recording, where `corpus` are recordings.
    columns : mapping of str to sequence, or pandas.DataFrame, default=None
        What else is known of each recording, such as ``{"sex": ["female", ...]}``, for
        :meth:`EvaluationResult.scores_by`. The result has the further entries of a
        corpus without being told: texts, sessions, and what a table or loader adds.
    X : sequence of length n_recordings, default=None
        What the system is given in place of ``corpus.paths``, for instance features
        that were computed before.
    params : mapping of str to array-like of length n_recordings, default=None
        What `fit` is given beside the speakers, as by scikit-learn's metadata routing:
        ``{"ratings": table}`` for a network that learns ratings beside the emotions.
    seeds : sequence of int, default=None
        The evaluation is run once with each: every parameter of the system that is
        called ``random_state`` is set to it. None is one run with the system's own.
        The folds are the same for all seeds.
    checkpoint : str or os.PathLike, default=None
        Folder in which each finished fold is kept. The same call, after an
        interruption, does not run it again. A changed parameter, label, file, fold or
        package version does.
    n_jobs : int, default=None
        Number of folds at a time, in processes of their own. None is 1.
    verbose : int or None, default=None
        What is shown on the standard error. None is a bar with the time left, in
        terminals and notebooks, if it takes more than two seconds. 1 is a line for
        each fold as well, and lines in place of the bar in logs. 0 is nothing.
    allow_leaks : bool, default=False
        Whether to go on where a speaker is on two sides of a fold. Such figures say
        nothing about other speakers; the result says so, too.

    Returns
    -------
    result : EvaluationResult or RegressionResult
        The latter of a regressor.

    Raises
    ------
    IncompleteEvaluationError
        If folds have failed. The others are run to their end; they are in the
        attribute `result` of the error and in `checkpoint`.
    ValueError
        If arguments cannot be used, if speakers or labels are numbers and texts, if
        numbers are missing (NaN) or the system is of another task, or if a speaker is
        on two sides of a fold.

    Warns
    -----
    UserWarning
        If names of speakers or labels differ only in case, spaces or leading zeros, if
        a class to be tested does not occur in training, if the system has no use for
        validation recordings, or if a checkpoint is damaged. With `allow_leaks`, if
        there are leaks.

    See Also
    --------
    evaluate_under : The same, with noise, other levels and channels in the test.

    Notes
    -----
    The speakers reach `fit` as `groups` wherever a step, or the folds of a search
    inside the system, request them; no request by the user is needed. If the
    splitter names validation recordings and the last step's `fit` takes `X_val` and
    `y_val`, they reach it so, transformed by the steps before, which are fitted on the
    training recordings only. Other systems train on the same training recordings and
    ignore the rest.

    With plain ``cross_validate(pipeline, cv=cv)`` the validation recordings are
    not trained on either, but nobody is given them: a network with early stopping
    then holds out a training speaker, if it is given `groups`.

    A checkpoint's key does not see changes of the package's own code between two
    releases. Use a new folder after such.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.utils import Bunch
    >>> from skser.model_selection import LeaveOneSpeakerOut, evaluate
    >>> rng = np.random.default_rng(0)
    >>> target = np.tile(["anger", "sadness"], 20)
    >>> corpus = Bunch(
    ...     data=rng.normal(target == "anger", 0.5, (3, 40)).T,
    ...     target=target, groups=np.repeat(["a", "b", "c", "d"], 10))
    >>> result = evaluate(LogisticRegression(), corpus, LeaveOneSpeakerOut())
    >>> result
    <EvaluationResult: 40 predictions of 40 recordings, pooled UA 0.9..., WA 0.9...>
    >>> [row["speaker"] for row in result.scores_by("speaker")]
    ['a', 'b', 'c', 'd']
    >>> again = evaluate(
    ...     LogisticRegression(), corpus.data, target, groups=corpus.groups)
    >>> again.ua == result.ua
    True

    Numbers, such as arousal:

    >>> from sklearn.linear_model import Ridge
    >>> arousal = (target == "anger") + rng.normal(0, 0.1, 40)
    >>> evaluate(Ridge(), corpus, columns={"arousal": arousal}, target="arousal")
    <RegressionResult: 40 predictions of 40 recordings, pooled CCC: arousal 0.7...>
    """
    data, cv = read_arguments(
        corpus, y, cv, groups, columns, X, target=target, system=system
    )
    results = evaluate_folds(
        system,
        data,
        cv,
        Conditions({"clean": None}),
        params=params,
        seeds=seeds,
        checkpoint=checkpoint,
        n_jobs=n_jobs,
        verbose=verbose,
        allow_leaks=allow_leaks,
    )
    return results["clean"]


def evaluate_under(
    system: BaseEstimator,
    corpus: Mapping | Sequence | ArrayLike,
    y: ArrayLike | None = None,
    cv: object = None,
    *,
    perturbations: Iterable[str] | Mapping[str, Callable] | None = None,
    sample_rate: int = 16000,
    random_state: int = 0,
    target: str | Sequence[str] | None = None,
    groups: ArrayLike | None = None,
    columns: Mapping | None = None,
    params: Mapping[str, ArrayLike] | None = None,
    seeds: Iterable[int] | None = None,
    checkpoint: str | os.PathLike | None = None,
    n_jobs: int | None = None,
    verbose: int | None = None,
    allow_leaks: bool = False,
) -> dict[str, Any]:
    """Evaluate a system whose test recordings are perturbed: robustness.

    Each fold is fitted once, on the recordings as they are. Its test recordings are
    predicted as they are, and under each perturbation.

    Parameters
    ----------
    system, corpus, y, cv, target, groups, columns, seeds, checkpoint, n_jobs, \
            verbose, allow_leaks
        As of :func:`evaluate`. The system gets waveforms for waveforms, paths for
        paths and segments, those of temporary WAV files of 32-bit floating-point
        numbers, and (waveform, rate) for all else that an
        :class:`~skser.AudioLoader` takes.
    perturbations : sequence of str, or dict of str to callable, default=None
        Names in :data:`~skser.model_selection.perturbations.PERTURBATIONS`, or names
        and functions as of :func:`~skser.model_selection.perturbations.perturb`. None
        is all of the table.
    sample_rate : int, default=16000
        At which signals are perturbed, in Hz. Files of another rate are resampled to
        it; waveforms without a rate must have it. Take the rate at which the system
        loads them.
    random_state : int, default=0
        Determines noise and filters.
    params : mapping of str to array-like of length n_recordings, default=None
        As of :func:`evaluate`.

    Returns
    -------
    results : dict of str to EvaluationResult or RegressionResult
        "clean", then one result for each perturbation, with the same keys.

    Raises
    ------
    IncompleteEvaluationError, ValueError
        As of :func:`evaluate`.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skser import AcousticFeatures, AudioLoader, Framer
    >>> from skser.datasets import make_emotional_speech
    >>> from skser.features import FrameStatistics
    >>> from skser.model_selection import evaluate_under
    >>> corpus = make_emotional_speech(n_speakers=3, n_utterances=1, random_state=0)
    >>> system = make_pipeline(
    ...     AudioLoader(input_sample_rate=16000), Framer(),
    ...     AcousticFeatures(features=["MFCC"]), FrameStatistics(),
    ...     LogisticRegression())
    >>> results = evaluate_under(
    ...     system, corpus, perturbations=["gain +12 dB", "telephone band"])
    >>> for name, result in results.items():
    ...     print(f"{name}: UA {result.ua:.2f}")
    clean: UA ...
    gain +12 dB: UA ...
    telephone band: UA ...
    """
    if perturbations is None or not isinstance(perturbations, Mapping):
        names = list(PERTURBATIONS if perturbations is None else perturbations)
        unknown = [name for name in names if name not in PERTURBATIONS]
        if unknown:
            raise ValueError(
                f"perturbations has the unknown name {unknown[0]!r}; there are "
                f"{list(PERTURBATIONS)}. Of a function of your own, pass a dict of "
                "name and function."
            )
        perturbations = {name: PERTURBATIONS[name] for name in names}
    if "clean" in perturbations:
        raise ValueError("perturbations must not name one 'clean': it is always there.")
    data, cv = read_arguments(
        corpus, y, cv, groups, columns, None, target=target, system=system
    )
    return evaluate_folds(
        system,
        data,
        cv,
        Conditions({"clean": None, **perturbations}, sample_rate, random_state),
        params=params,
        seeds=seeds,
        checkpoint=checkpoint,
        n_jobs=n_jobs,
        verbose=verbose,
        allow_leaks=allow_leaks,
    )


def read_arguments(corpus, y, cv, groups, columns, X, *, target=None, system=None):
    """Return the recordings as arrays, and cv, of a corpus or of separate arguments.

    Parameters
    ----------
    corpus, y, cv, groups, columns, X, target, system
        As of :func:`evaluate`. Without a system, recordings have classes.

    Returns
    -------
    data : Recordings
    cv : splitter, int or iterable
    """
    if isinstance(corpus, Mapping) or hasattr(corpus, "target"):
        given = corpus if isinstance(corpus, Mapping) else vars(corpus)
        if groups is not None or (y is not None and cv is not None):
            raise ValueError(
                "A corpus has its own target and groups: call evaluate(system, corpus, "
                "cv), or pass recordings, y and groups in place of the corpus."
            )
        y, cv = given.get("target"), y if cv is None else cv
        recordings = given.get("paths", given.get("data")) if X is None else X
        y = None if target is not None else y
        if recordings is None or (y is None and target is None):
            raise ValueError(
                "corpus must have target, and paths or data (or pass X); it has "
                f"{sorted(given)}."
            )
        groups, files = given.get("groups"), given.get("paths")
        names, origin = given.get("target_names"), "corpus.target"
    else:
        _check_recordings(corpus, y, target)
        recordings, names, origin = corpus if X is None else X, None, "y"
        is_list = getattr(corpus, "ndim", 1) == 1
        first = next(iter(corpus), None) if is_list else None
        are_files = isinstance(first, (str, os.PathLike)) or hasattr(first, "path")
        files, given = corpus if are_files else None, {}
    known = {**given, **({} if columns is None else columns)}
    task = read_target(system, y, recordings, target, known, names, origin)
    n = len(task.true)
    if groups is not None:
        groups = check_speakers(groups, recordings, "evaluate")
        warn_of_similar_names(groups, "groups", stacklevel=3)
    files = [str(file) for file in (range(n) if files is None else files)]
    cv = LeaveOneSpeakerOut() if cv is None else cv
    known = list_columns(given, n) | check_columns(columns, n)
    return Recordings(recordings, task, groups, files, known, given.get("name")), cv


def _check_recordings(recordings, y, target):
    """Refuse what is neither a corpus nor recordings with their emotions."""
    if isinstance(recordings, (str, bytes, os.PathLike)) or not hasattr(
        recordings, "__len__"
    ):
        raise ValueError(
            f"corpus is {recordings!r:.80}. Pass a corpus, which the functions of "
            "skser.datasets load (load_table, load_folder, ...), or a list of "
            "recordings with y, their emotions, and groups, their speakers."
        )
    if y is None and target is not None:
        return
    if y is None or hasattr(y, "split") or np.ndim(y) == 0:
        raise ValueError(
            "With recordings in place of a corpus, y must be the emotion of each, or "
            "the numbers that a regressor predicts; got "
            f"{y!r:.80}. Call evaluate(system, paths, emotions, groups=speakers, "
            "cv=...)."
        )


def check_params(params, system, recordings):
    """Return what `fit` is given beside the speakers, if a step of the system takes it.

    Parameters
    ----------
    params, system
        As of :func:`evaluate`.
    recordings : sequence

    Returns
    -------
    params : dict
    """
    params = dict(params or {})
    for name, values in params.items():
        if name in ("groups", "X_val", "y_val"):
            raise ValueError(
                f"params has {name!r}, which evaluate passes itself: groups are those "
                "of the corpus, validation recordings those of cv."
            )
        if not hasattr(values, "__len__") or len(values) != len(recordings):
            raise ValueError(
                f"params[{name!r}] must have an entry for each of the "
                f"{len(recordings)} recordings."
            )
        with sklearn.config_context(enable_metadata_routing=True):
            is_taken = get_routing_for_object(system).consumes("fit", [name])
        if not is_taken:
            raise ValueError(
                f"params has {name!r}, which no step of the system requests in fit: "
                f"set_fit_request({name}=True) of a step that takes it."
            )
    return params


def evaluate_folds(system, data, cv, conditions, **options):
    """Run all folds and return a result for each condition.

    Parameters
    ----------
    system, cv
        As of :func:`evaluate`.
    data : Recordings
    conditions : Conditions
        Under which test recordings are predicted.
    **options : params, seeds, checkpoint, n_jobs, verbose, allow_leaks
        As of :func:`evaluate`.

    Returns
    -------
    results : dict of str to EvaluationResult or RegressionResult
        By the names of the conditions.
    """
    is_classification = data.task.is_classification
    folds = list_folds(
        cv,
        data.X,
        data.task.strata,
        data.speakers,
        is_classification=is_classification,
    )
    leak = None if data.speakers is None else find_leak(folds, data.speakers)
    if leak and not options["allow_leaks"]:
        raise ValueError(
            f"{leak} To measure it all the same, set allow_leaks=True: the figures "
            "then say nothing about other speakers."
        )
    if leak:
        warnings.warn(leak, UserWarning, stacklevel=3)
    _check_folds(folds, data)
    jobs = _list_jobs(_route_validation(system, folds), data, folds, options["seeds"])
    is_named = hasattr(cv, "split") or isinstance(cv, int)
    protocol = {
        "corpus": data.name,
        # In words that do not depend on addresses in memory.
        "splitter": repr(cv) if is_named else f"list of {type(cv).__name__}",
        "n_folds": len(folds),
        "speaker_independent": None if data.speakers is None else leak is None,
        "shared": _count_shared(folds, data),
        "pipeline": describe(system),
        "versions": find_versions(),
        **data.task.describe_folds(folds),
    }
    common = {
        "recordings": digest(data.X),
        "files": data.files,
        **data.task.describe(),
        "speakers": None if data.speakers is None else data.speakers.tolist(),
        "splitter": protocol["splitter"],
        "versions": protocol["versions"],
        "conditions": conditions.describe(),
    }
    params = check_params(options.get("params"), system, data.X)
    if params:
        protocol["params"] = sorted(params)
        common["params"] = {name: digest(params[name]) for name in params}
    store = Checkpoints(options["checkpoint"], common)
    work = Work(data, conditions, store, params)
    outcomes, failures = _run_all(jobs, work, options["n_jobs"], options["verbose"])
    results = _gather(data, conditions, jobs, outcomes, protocol) if outcomes else {}
    if len(outcomes) < len(jobs):
        error = _incomplete(failures, len(outcomes), len(jobs), store.folder)
        error.result = results if conditions.sample_rate else results.get("clean")
        raise error
    return results


def _count_shared(folds, data):
    """Return in how many folds two sides have speakers, sentences or files in common.

    Training and validation count as two sides, as in :func:`audit_folds`.
    """
    return {
        kind: len({one.fold for one in find_shared(folds, names) if one.names})
        for kind, names in data.list_names().items()
    }


def _check_folds(folds, data):
    """Refuse empty folds, and warn of those that test what they do not train."""
    for number, (train, _, test) in enumerate(folds, start=1):
        if not len(train) or not len(test):
            raise ValueError(
                f"Fold {number} of cv has {len(train)} recordings to train on and "
                f"{len(test)} to test; it needs some of both."
            )
        data.task.check_fold(number, train, test, data.describe_test(test))


def _route_validation(system, folds):
    """Return an unfitted copy that requests validation recordings, if it can."""
    with sklearn.config_context(enable_metadata_routing=True):
        system = clone(system)
        last = list_steps(system)[-1]
        if not any(len(validation) for _, validation, _ in folds):
            return system
        if not takes_validation(last):
            warnings.warn(
                f"cv names validation recordings, but {type(last).__name__} takes no "
                "X_val in fit: they are not used at all. To train on them, set "
                "validation=None in cv.",
                UserWarning,
                stacklevel=4,
            )
            return system
        last.set_fit_request(X_val=True, y_val=True)
        step = system
        while isinstance(step, Pipeline):
            step.set_params(transform_input=["X_val"])
            step = step.steps[-1][1]
    return system


def takes_validation(classifier):
    """Tell whether validation recordings can be given to `fit`."""
    return "X_val" in inspect.signature(classifier.fit).parameters


def _list_jobs(system, data, folds, seeds):
    """Return every combination of seed and fold."""
    seeds = [None] if seeds is None else [int(seed) for seed in seeds]
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be different integers, or None; got {seeds}.")
    parameters = [
        name
        for name in system.get_params()
        if name == "random_state" or name.endswith("__random_state")
    ]
    if not parameters and seeds != [None]:
        raise ValueError(
            f"seeds={seeds} were given, but {type(list_steps(system)[-1]).__name__} "
            "and the steps before it have no parameter random_state: all runs would be "
            "the same. Set seeds=None."
        )
    jobs = []
    for run, seed in enumerate(seeds):
        seeded = clone(system)
        if seed is not None:
            seeded.set_params(**dict.fromkeys(parameters, seed))
        for fold, parts in enumerate(folds):
            name = f"fold {fold + 1} of {len(folds)} ({data.describe_test(parts[2])})"
            name += "" if seed is None else f", seed {seed}"
            jobs.append(Job(seeded, run, seed, fold, parts, name))
    return jobs


def _run_all(jobs, work, n_jobs, verbose):
    """Run what is not finished, and return outcomes and failures by position."""

    def report(job, text):
        if verbose:
            say(f"{job.name}: {text}")
        bar.update()

    outcomes, failures = {}, {}
    bar = make_bar(len(jobs), "Folds", verbose=verbose, unit="fold")
    for i, job in enumerate(jobs):
        outcome = work.store.read(job)
        if outcome is not None:
            outcomes[i] = outcome
            report(job, "from its checkpoint")
    left = [i for i in range(len(jobs)) if i not in outcomes]
    # A generator, so that what is finished is kept should a worker be killed.
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    try:
        # Only 0 is silent inside of folds, too.
        with bar, silence(verbose == 0):
            for i, outcome, failure, text in parallel(
                delayed(work.run)(i, jobs[i]) for i in left
            ):
                (outcomes if failure is None else failures)[i] = outcome or failure
                # Here and not in the worker, so that the lines go where the caller's
                # go.
                report(jobs[i], text)
    except BrokenExecutor as error:
        # What a worker has kept but could not tell of any more.
        kept = {i: work.store.read(jobs[i]) for i in left if i not in outcomes}
        outcomes |= {i: outcome for i, outcome in kept.items() if outcome is not None}
        lost = [jobs[i].name for i in left if i not in outcomes and i not in failures]
        # Folds are begun in order, so that those being run are the first ones.
        names = lost[: effective_n_jobs(n_jobs)]
        failures[-1] = (
            "a worker process was killed, most likely for lack of memory, while "
            f"{' and '.join(names)} {'was' if len(names) == 1 else 'were'} being run; "
            "use fewer n_jobs",
            str(error),
        )
    return outcomes, failures


@dataclass
class Work:
    """What is the same for all folds, and how one is run."""

    data: Recordings
    conditions: Conditions
    store: Checkpoints
    params: dict

    def run(self, i, job):
        """Run one fold and keep it; return (position, outcome, failure, report)."""
        start = time.perf_counter()
        try:
            outcome = self.fit_and_predict(job)
        # Whatever the system raises: the other folds must not be lost for it.
        except Exception as error:
            text = f"{job.name}: {type(error).__name__}: {error}"
            # As text, since not every exception survives the way from a worker.
            return i, None, (text, traceback.format_exc()), f"failed, {error}"
        self.store.write(job, outcome)
        name, value = self.data.task.score(outcome["predicted"][0], job.parts[2])
        seconds = time.perf_counter() - start
        return i, outcome, None, f"{name} {value:.3f}, {seconds:.0f} s"

    def fit_and_predict(self, job):
        """Return the predictions of one fold under each condition."""
        train, validation, test = job.parts
        data, params = self.data, dict(self.params)
        recorder = Recorder(data, self.conditions, test)
        with sklearn.config_context(enable_metadata_routing=True):
            if data.speakers is not None and wants_groups(job.system, "fit"):
                params["groups"] = data.speakers
            if len(validation) and takes_validation(list_steps(job.system)[-1]):
                params["X_val"] = safe_indexing(data.X, validation)
                params["y_val"] = safe_indexing(data.y, validation)
            cross_validate(
                job.system,
                data.X,
                data.y,
                cv=[(train, test)],
                scoring=recorder,
                params=params,
                error_score="raise",
            )
        return recorder.outcome


class Recorder:
    """A scorer that keeps what it has seen: predictions by condition."""

    def __init__(self, data, conditions, test):
        self.task = data.task
        self.conditions = conditions
        self.test = test
        self.speakers = None if data.speakers is None else data.speakers[test]

    def __call__(self, estimator, X, y):
        """Predict under every condition, keep the predictions, and return a score."""
        found = []
        for name in self.conditions.perturbations:
            with tempfile.TemporaryDirectory() as folder:
                perturbed = self.conditions.apply(
                    name, X, folder, groups=self.speakers, names=self.test
                )
                found.append(self.predict(estimator, perturbed))
        self.outcome = {key: np.array([one[key] for one in found]) for key in found[0]}
        return self.task.score(self.outcome["predicted"][0], self.test)[1]

    def predict(self, estimator, X):
        """Return what the system predicts, as arrays by name."""
        # Step by step, so that features are computed once for labels and posteriors.
        *front_end, last = list_steps(estimator)
        for step in front_end:
            X = self.call(step, "transform", X)
        return self.task.predict(last, self.call, X, len(self.test))

    def call(self, estimator, method, X):
        """Call a method, telling it who speaks if it asks."""
        is_told = self.speakers is not None and wants_groups(estimator, method)
        params = {"groups": self.speakers} if is_told else {}
        return getattr(estimator, method)(X, **params)


def _gather(data, conditions, jobs, outcomes, protocol):
    """Put the predictions of all folds together, in the order of the jobs."""
    finished = [(jobs[i], outcomes[i]) for i in sorted(outcomes)]
    tests = [job.parts[2] for job, _ in finished]
    sizes = [len(test) for test in tests]
    joined = {
        key: np.concatenate([outcome[key] for _, outcome in finished], axis=1)
        for key in finished[0][1]
    }
    return {
        name: data.task.make_result(
            joined,
            number,
            files=data.files,
            speakers=None if data.speakers is None else data.speakers.tolist(),
            recordings=np.concatenate(tests),
            folds=np.repeat([job.fold for job, _ in finished], sizes),
            runs=np.repeat([job.run for job, _ in finished], sizes),
            seeds=list({job.run: job.seed for job in jobs}.values()),
            protocol=protocol if perturbation is None else {**protocol, "test": name},
            columns=dict(data.columns),
        )
        for number, (name, perturbation) in enumerate(conditions.perturbations.items())
    }


def _incomplete(failures, n_finished, n_jobs, folder):
    """Return the error that says what has failed and what is kept."""
    where = "" if folder is None else f" and in checkpoint={str(folder)!r}"
    kept = (
        f"The {n_finished} finished ones are in the attribute `result` of this error"
        f"{where}."
        if n_finished
        else "None was finished."
    )
    advice = (
        "Pass checkpoint=<folder> to keep finished folds for the next attempt."
        if folder is None
        else "The same call, once the cause is removed, runs only what is missing."
    )
    texts = "; ".join(text for text, _ in failures.values())
    error = IncompleteEvaluationError(
        f"{n_jobs - n_finished} of {n_jobs} folds failed or were not run: {texts}. "
        f"{kept} {advice}"
    )
    error.add_note(next(iter(failures.values()))[1])
    return error
