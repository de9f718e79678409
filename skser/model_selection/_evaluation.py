"""How well does a system do on a corpus: fits and predicts fold by fold, and resumes.

Each fold is one call of scikit-learn's ``cross_validate``, so that what a system meets
here is what it meets there.
"""

import inspect
import time
import traceback
import warnings
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass

import numpy as np
import sklearn
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import clone
from sklearn.model_selection import cross_validate
from sklearn.pipeline import Pipeline

from skser._compat import safe_indexing
from skser._sequences import check_labels
from skser.metrics import wants_groups
from skser.model_selection._independence import find_leak, list_folds
from skser.model_selection._result import EvaluationResult
from skser.model_selection._splitters import check_speakers
from skser.storage import Checkpoints, describe, digest, find_versions


class IncompleteEvaluationError(RuntimeError):
    """Some folds have failed; the finished ones are not lost.

    Attributes
    ----------
    result : EvaluationResult or None
        The finished folds. None if there are none.
    """

    result = None


@dataclass
class _Data:
    """A corpus as arrays."""

    X: object
    y: np.ndarray
    speakers: np.ndarray | None
    labels: list
    files: list


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
    pipeline, corpus, cv, *, X=None, seeds=None, checkpoint=None, n_jobs=None, verbose=0
):
    """Fit and test a system on each fold of a corpus, and keep every prediction.

    Parameters
    ----------
    pipeline : estimator
        From recordings (or from `X`) to labels; not changed.
    corpus : :class:`~sklearn.utils.Bunch`
        With `paths` (or `data`), `target` and, unless nothing is known of speakers,
        `groups`; as the functions of :mod:`skser.datasets` return it.
    cv : splitter, int or iterable of (train, test)
        A splitter of this package or any of scikit-learn's.
    X : sequence of length n_recordings, default=None
        What the pipeline is given in place of ``corpus.paths``, for instance features
        that were computed before.
    seeds : sequence of int, default=None
        The evaluation is run once with each: every parameter of the pipeline that is
        called ``random_state`` is set to it. None is one run with the pipeline's own.
        The folds are the same for all seeds.
    checkpoint : str or os.PathLike, default=None
        Folder in which each finished fold is kept. The same call, after an
        interruption, does not run it again. A changed parameter, label, file, fold or
        package version does.
    n_jobs : int, default=None
        Number of folds at a time, in processes of their own. None is 1.
    verbose : int, default=0
        1 prints a line for each fold.

    Returns
    -------
    result : EvaluationResult

    Raises
    ------
    IncompleteEvaluationError
        If folds have failed. The others are run to their end; they are in the
        attribute `result` of the error and in `checkpoint`.
    ValueError
        If `corpus` or `seeds` cannot be used.

    Warns
    -----
    UserWarning
        If a speaker is on two sides of a fold, if a class to be tested does not occur
        in training, if the system has no use for validation recordings, or if a
        checkpoint is damaged.

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
    """
    data = _read_corpus(corpus, X)
    folds = list_folds(cv, data.X, data.y, data.speakers)
    leak = None if data.speakers is None else find_leak(folds, data.speakers)
    if leak:
        warnings.warn(leak, UserWarning, stacklevel=2)
    _check_folds(folds, data)
    system = _prepare(pipeline, any(len(validation) for _, validation, _ in folds))
    protocol = {
        "splitter": _describe_splitter(cv),
        "n_folds": len(folds),
        "speaker_independent": None if data.speakers is None else leak is None,
        "pipeline": describe(pipeline),
        "versions": find_versions(),
    }
    jobs = _list_jobs(system, data, folds, seeds)
    store = Checkpoints(checkpoint, _common_key(data, protocol))
    outcomes, failures = _run_all(jobs, data, store, n_jobs, verbose)
    result = _gather(data, jobs, outcomes, protocol) if outcomes else None
    if len(outcomes) < len(jobs):
        raise _incomplete(failures, len(jobs) - len(outcomes), len(jobs), result, store)
    return result


def _read_corpus(corpus, X):
    """Check a corpus and return it as arrays."""
    given = X if X is not None else corpus.get("paths", corpus.get("data"))
    if given is None or "target" not in corpus:
        raise ValueError(
            "corpus must have target, and paths or data (or pass X); it has "
            f"{sorted(corpus)}."
        )
    y = check_labels(np.asarray(corpus["target"]), given, "corpus.target")
    speakers = corpus.get("groups")
    if speakers is not None:
        speakers = check_speakers(speakers, given, "evaluate")
    present = set(y.tolist())
    names = corpus.get("target_names")
    labels = [] if names is None else [str(name) for name in names]
    if not present <= set(labels):
        labels = np.unique(y).tolist()
    paths = corpus.get("paths")
    files = range(len(y)) if paths is None else paths
    return _Data(given, y, speakers, labels, [str(file) for file in files])


def _check_folds(folds, data):
    """Refuse empty folds, and warn of those that test a class they do not train."""
    for number, (train, _, test) in enumerate(folds):
        if not len(train) or not len(test):
            raise ValueError(
                f"Fold {number} of cv has {len(train)} recordings to train on and "
                f"{len(test)} to test; it needs some of both."
            )
        unseen = set(data.y[test].tolist()) - set(data.y[train].tolist())
        if unseen:
            warnings.warn(
                f"Fold {number} ({_test_name(data, test)}) tests {sorted(unseen)}, "
                "which does not occur in its training part: the recall is 0.",
                UserWarning,
                stacklevel=3,
            )


def _describe_splitter(cv):
    """Return the splitter in words that do not depend on addresses in memory."""
    named = hasattr(cv, "split") or isinstance(cv, int)
    return repr(cv) if named else f"list of {type(cv).__name__}"


def _common_key(data, protocol):
    """Return what the predictions of all folds depend on."""
    return {
        "recordings": digest(data.X),
        "files": data.files,
        "y": data.y.tolist(),
        "labels": data.labels,
        "speakers": None if data.speakers is None else data.speakers.tolist(),
        "splitter": protocol["splitter"],
        "versions": protocol["versions"],
    }


def _prepare(pipeline, has_validation):
    """Return an unfitted copy that requests validation recordings, if it can."""
    with sklearn.config_context(enable_metadata_routing=True):
        system = clone(pipeline)
        if has_validation and not _request_validation(system):
            warnings.warn(
                f"cv names validation recordings, but {type(_last(system)).__name__} "
                "takes no X_val in fit: they are not used at all. To train on them, "
                "set validation=None in cv.",
                UserWarning,
                stacklevel=3,
            )
    return system


def _last(system):
    """Return the step of a Pipeline that classifies."""
    return _last(system.steps[-1][1]) if isinstance(system, Pipeline) else system


def _takes_validation(system):
    """Tell whether validation recordings can be given to `fit`."""
    return "X_val" in inspect.signature(_last(system).fit).parameters


def _request_validation(system):
    """Route X_val and y_val to the last step, if it takes them."""
    if not _takes_validation(system):
        return False
    _last(system).set_fit_request(X_val=True, y_val=True)
    while isinstance(system, Pipeline):
        system.set_params(transform_input=["X_val"])
        system = system.steps[-1][1]
    return True


def _list_jobs(system, data, folds, seeds):
    """Return every combination of seed and fold."""
    seeds = [None] if seeds is None else [int(seed) for seed in seeds]
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be different integers, or None; got {seeds}.")
    jobs = []
    for run, seed in enumerate(seeds):
        seeded = _set_seed(system, seed)
        for fold, parts in enumerate(folds):
            name = f"fold {fold} of {len(folds)} ({_test_name(data, parts[2])})"
            name += "" if seed is None else f", seed {seed}"
            jobs.append(Job(seeded, run, seed, fold, parts, name))
    return jobs


def _test_name(data, test):
    """Return who is tested, for messages."""
    if data.speakers is None:
        return f"{len(test)} recordings"
    names = np.unique(data.speakers[test]).tolist()
    shown = ", ".join(repr(name) for name in names[:3])
    return f"test speaker {shown}{', ...' if len(names) > 3 else ''}"


def _set_seed(system, seed):
    """Return a copy with all parameters called ``random_state`` set to the seed."""
    if seed is None:
        return system
    names = [
        name
        for name in system.get_params()
        if name == "random_state" or name.endswith("__random_state")
    ]
    if not names:
        raise ValueError(
            f"seeds={seed} was given, but {type(_last(system)).__name__} and the steps "
            "before it have no parameter random_state: all runs would be the same. Set "
            "seeds=None."
        )
    return clone(system).set_params(**dict.fromkeys(names, int(seed)))


def _run_all(jobs, data, store, n_jobs, verbose):
    """Run what is not finished, and return outcomes and failures by position."""
    outcomes = {}
    for i, job in enumerate(jobs):
        outcome = store.read(job)
        if outcome is not None:
            outcomes[i] = outcome
            _report(job, verbose, "from its checkpoint")
    left = [i for i in range(len(jobs)) if i not in outcomes]
    failures = {}
    # A generator, so that what is finished is kept should a worker be killed.
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    try:
        for i, outcome, failure, text in parallel(
            delayed(_run)(i, jobs[i], data, store) for i in left
        ):
            (outcomes if failure is None else failures)[i] = outcome or failure
            # Here and not in the worker, so that the lines go where the caller's go.
            _report(jobs[i], verbose, text)
    except BrokenExecutor as error:
        # What a worker has kept but could not tell of any more.
        kept = {i: store.read(jobs[i]) for i in left if i not in outcomes}
        outcomes |= {i: outcome for i, outcome in kept.items() if outcome is not None}
        lost = [jobs[i].name for i in left if i not in outcomes and i not in failures]
        failures[-1] = (_explain_kill(lost[: effective_n_jobs(n_jobs)]), str(error))
    return outcomes, failures


def _explain_kill(names):
    """Say which folds were being run: they are begun in order, so the first ones."""
    return (
        "a worker process was killed, most likely for lack of memory, while "
        f"{' and '.join(names)} {'was' if len(names) == 1 else 'were'} being run; use "
        "fewer n_jobs"
    )


def _report(job, verbose, text):
    if verbose:
        print(f"{job.name}: {text}", flush=True)


def _run(i, job, data, store):
    """Run one fold and keep it; return (position, outcome, failure, report)."""
    start = time.perf_counter()
    try:
        outcome = _fit_and_predict(job, data)
    # Whatever the system raises: the other folds must not be lost for it.
    except Exception as error:
        text = f"{job.name}: {type(error).__name__}: {error}"
        # As text, since not every exception survives the way from a worker.
        return i, None, (text, traceback.format_exc()), f"failed, {error}"
    store.write(job, outcome)
    truth = [data.labels.index(label) for label in data.y[job.parts[2]].tolist()]
    share = np.mean(outcome["predicted"] == truth)
    seconds = time.perf_counter() - start
    return i, outcome, None, f"WA {share:.3f}, {seconds:.0f} s"


def _fit_and_predict(job, data):
    """Return the predictions of one fold."""
    train, validation, test = job.parts
    speakers = None if data.speakers is None else data.speakers[test]
    recorder = _Recorder(data.labels, speakers)
    with sklearn.config_context(enable_metadata_routing=True):
        cross_validate(
            job.system,
            data.X,
            data.y,
            cv=[(train, test)],
            scoring=recorder,
            params=_fit_params(job.system, data, validation),
            error_score="raise",
        )
    return recorder.outcome


def _fit_params(system, data, validation):
    """Return what `fit` is given beside recordings and labels."""
    params = {}
    if data.speakers is not None and wants_groups(system, "fit"):
        params["groups"] = data.speakers
    if len(validation) and _takes_validation(system):
        params["X_val"] = safe_indexing(data.X, validation)
        params["y_val"] = data.y[validation]
    return params


class _Recorder:
    """A scorer that keeps what it has seen: labels and posteriors."""

    def __init__(self, labels, speakers):
        self.labels = labels
        self.speakers = speakers

    def __call__(self, estimator, X, y):
        """Predict, keep the predictions, and return WA."""
        # Step by step, so that features are computed once for labels and posteriors.
        while isinstance(estimator, Pipeline):
            for _, step in estimator.steps[:-1]:
                if step not in (None, "passthrough"):
                    X = self._call(step, "transform", X)
            estimator = estimator.steps[-1][1]
        codes = {label: i for i, label in enumerate(self.labels)}
        predicted = np.asarray(self._call(estimator, "predict", X))
        self.outcome = {"predicted": np.array([codes[p] for p in predicted.tolist()])}
        if hasattr(estimator, "predict_proba"):
            posteriors = np.zeros((len(predicted), len(self.labels)))
            columns = [codes[label] for label in estimator.classes_.tolist()]
            posteriors[:, columns] = self._call(estimator, "predict_proba", X)
            self.outcome["posteriors"] = posteriors
        return float(np.mean(predicted == np.asarray(y)))

    def _call(self, estimator, method, X):
        """Call a method, telling it who speaks if it asks."""
        is_told = self.speakers is not None and wants_groups(estimator, method)
        params = {"groups": self.speakers} if is_told else {}
        return getattr(estimator, method)(X, **params)


def _gather(data, jobs, outcomes, protocol):
    """Put the predictions of all folds together, in the order of the jobs."""
    finished = [(jobs[i], outcomes[i]) for i in sorted(outcomes)]
    tests = [job.parts[2] for job, _ in finished]
    sizes = [len(test) for test in tests]
    posteriors = None
    if all("posteriors" in outcome for _, outcome in finished):
        posteriors = np.concatenate([outcome["posteriors"] for _, outcome in finished])
    codes = {label: i for i, label in enumerate(data.labels)}
    return EvaluationResult(
        labels=data.labels,
        files=data.files,
        speakers=None if data.speakers is None else data.speakers.tolist(),
        true=np.array([codes[label] for label in data.y.tolist()]),
        recordings=np.concatenate(tests),
        folds=np.repeat([job.fold for job, _ in finished], sizes),
        runs=np.repeat([job.run for job, _ in finished], sizes),
        predicted=np.concatenate([outcome["predicted"] for _, outcome in finished]),
        posteriors=posteriors,
        seeds=[seed for _, seed in dict.fromkeys((job.run, job.seed) for job in jobs)],
        protocol=protocol,
    )


def _incomplete(failures, n_missing, n_jobs, result, store):
    """Return the error that says what has failed and what is kept."""
    where = "" if store.folder is None else f" and in checkpoint={str(store.folder)!r}"
    kept = (
        f"The {n_jobs - n_missing} finished ones are in the attribute `result` of this "
        f"error{where}."
        if result is not None
        else "None was finished."
    )
    advice = (
        "Pass checkpoint=<folder> to keep finished folds for the next attempt."
        if store.folder is None
        else "The same call, once the cause is removed, runs only what is missing."
    )
    texts = "; ".join(text for text, _ in failures.values())
    error = IncompleteEvaluationError(
        f"{n_missing} of {n_jobs} folds failed or were not run: {texts}. {kept} "
        f"{advice}"
    )
    error.result = result
    error.add_note(next(iter(failures.values()))[1])
    return error
