"""What each command does: it takes the options and returns the text of its result."""

import difflib
import inspect
import os
import re
import sys
from functools import partial

import numpy as np
from sklearn.pipeline import Pipeline

from skser import datasets, features, model_selection
from skser._files import replacing
from skser.command_line._formats import REPORTS, TABLES, WRITERS, align, ending
from skser.datasets._layouts import find_audio
from skser.persistence import load, save
from skser.systems import SYSTEMS, split_front_end

PROGRAM = "python -m skser"
SYNTHETIC = "synthetic"
# Corpus -> the function that lists its recordings.
CORPORA = {
    SYNTHETIC: partial(datasets.make_emotional_speech, random_state=0),
    **{
        name.removeprefix("load_"): getattr(datasets, name)
        for name in datasets.__all__
        if name.startswith("load_")
    },
}
VALIDATIONS = {"none": None, "rotate": "rotate"}
# Recordings whose features are computed between two reports of progress.
_BLOCK_LENGTH = 16
_BAR_LENGTH = 30


class UsageError(ValueError):
    """The command cannot be meant as it was typed."""


def evaluate(options):
    """Evaluate a system leaving one speaker out at a time.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    report : str
        Empty if it was written to a file.
    """
    if len(set(options.seed)) < len(options.seed):
        raise UsageError(f"--seed takes different integers, got {options.seed}.")
    corpus = _load_corpus(options)
    recordings = _recordings(corpus)
    folds = model_selection.LeaveOneSpeakerOut(
        validation=VALIDATIONS[options.validation]
    )
    # Missing speakers should be told before minutes are spent on features.
    folds.get_n_splits(recordings, groups=corpus["groups"])
    front_end, rest = split_front_end(_build_system(options, corpus))
    result = model_selection.evaluate(
        rest,
        corpus,
        folds,
        X=_compute_features(front_end, recordings, options),
        seeds=options.seed,
        checkpoint=options.checkpoint,
        n_jobs=options.n_jobs,
        verbose=int(not options.quiet),
    )
    report = REPORTS[options.format](result, options)
    if options.output is None:
        return report
    with replacing(options.output) as file:
        file.write(report.encode())
    _note(f"Written: {options.output}", options)
    return ""


def extract(options):
    """Compute the features of recordings and write them to a file.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    result : str
        Empty: everything is in the file.
    """
    files = _list_recordings(options.recordings)
    front_end, _ = split_front_end(_build_system(options))
    features = _compute_features(front_end, files, options)
    names = _name_columns(front_end)
    tables = [np.atleast_2d(table) for table in features]
    with replacing(options.output) as file:
        WRITERS[ending(options.output)](file, files, names, tables)
    n_rows = sum(map(len, tables))
    size = f"{len(files)} recordings, {n_rows} rows, {len(names)} columns"
    _note(f"Written: {options.output} ({size})", options)
    return ""


def train(options):
    """Fit a system on a whole corpus and save it.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    result : str
        Empty: the system is in the file.
    """
    corpus = _load_corpus(options)
    system = _build_system(options, corpus, options.seed)
    front_end, rest = split_front_end(system)
    features = _compute_features(front_end, _recordings(corpus), options)
    # Lines where a bar cannot be seen moving.
    verbose = 1 if sys.stderr.isatty() else 2
    _set_verbosity(rest, 0 if options.quiet else verbose)
    rest.fit(features, corpus.target)
    _set_verbosity(rest, 0)
    save(Pipeline(front_end.steps + rest.steps), options.output)
    _note(f"Written: {options.output}", options)
    return ""


def predict(options):
    """Predict the emotions of recordings with a saved system.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    table : str
        A row a recording.
    """
    files = _list_recordings(options.recordings)
    system = load(options.model)
    if not isinstance(system, Pipeline):
        raise ValueError(
            f"{options.model!r} holds a {type(system).__name__}, expected a Pipeline "
            f"that begins with recordings, as '{PROGRAM} train' writes it."
        )
    if options.proba and not hasattr(system, "predict_proba"):
        raise ValueError(
            f"The system in {options.model!r} has no posteriors. Leave --proba out, or "
            "train a system that has them, such as attention_blstm_fcn."
        )
    front_end, rest = split_front_end(system)
    features = _compute_features(front_end, files, options)
    labels = rest.predict(features).tolist()
    rows = [{"file": f, "label": la} for f, la in zip(files, labels, strict=True)]
    if options.proba:
        names = [f"p({label})" for label in rest.classes_.tolist()]
        posteriors = rest.predict_proba(features).tolist()
        for row, values in zip(rows, posteriors, strict=True):
            row.update(zip(names, values, strict=True))
    return TABLES[options.format](rows)


def list_names(options):
    """List systems and corpora, or the parameters of one system.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    table : str
    """
    if options.system is not None:
        return _list_parameters(SYSTEMS[options.system]())
    parts = []
    for title, functions in (("Systems", SYSTEMS), ("Corpora", CORPORA)):
        rows = [
            {title: name, "": _summarise(function)}
            for name, function in functions.items()
        ]
        parts.append(align(rows))
    return "\n".join(parts)


def export_encoder(options):
    """Make an ONNX file of a checkpoint of transformers; return nothing.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    result : str
        Empty: the encoder is in the file.
    """
    path = features.export_encoder(
        options.source,
        options.layers,
        options.output,
        precision=options.precision,
        pad=options.pad,
        licence=options.licence,
        download=options.download,
    )
    if not options.quiet:
        print(f"Written: {path}", file=sys.stderr, flush=True)
    return ""


def _load_corpus(options):
    """Return the corpus that was named."""
    load_it = CORPORA[options.corpus]
    if (options.path is None) != (options.corpus == SYNTHETIC):
        expected = "no path" if options.corpus == SYNTHETIC else "the path of your copy"
        raise UsageError(
            f"The corpus {options.corpus} takes {expected}, got {options.path!r}: "
            f"'{PROGRAM} {options.command} --help' shows examples."
        )
    paths = [] if options.path is None else [options.path]
    chosen = dict(options.option)
    known = list(inspect.signature(load_it).parameters)[len(paths) :]
    _refuse_unknown(chosen, known, f"The corpus {options.corpus} has no option")
    if options.corpus == SYNTHETIC:
        _note("Synthetic speech: figures say nothing about real voices.", options)
    corpus = load_it(*paths, **chosen)
    n_speakers = "unknown" if corpus.groups is None else len(set(corpus.groups))
    _note(
        f"{options.corpus}: {len(corpus.target)} recordings, {n_speakers} speakers, "
        f"{len(set(corpus.target))} emotions",
        options,
    )
    return corpus


def _recordings(corpus):
    """Return the paths of a corpus, or the waveforms of a synthetic one."""
    return corpus.get("paths", corpus.get("data"))


def _build_system(options, corpus=None, seed=None):
    """Return the system that was named, with the parameters that were set."""
    rate = None if corpus is None else corpus.get("sample_rate")
    build = SYSTEMS[options.system]
    system = build(input_sample_rate=rate, n_jobs=options.n_jobs, random_state=seed)
    chosen = dict(options.set)
    hint = f"; '{PROGRAM} list {options.system}' shows all"
    names = system.get_params()
    _refuse_unknown(chosen, names, f"{options.system} has no parameter", hint)
    system.set_params(**chosen)
    for _, step in system.steps:
        # Here, because `fit` looks at the last step's only after hours, perhaps.
        if hasattr(step, "_validate_params"):
            step._validate_params()
    return system


def _refuse_unknown(chosen, known, message, hint=""):
    """Say which names are unknown, and which ones are meant, perhaps."""
    for name in chosen:
        if name not in known:
            near = guess(name, known)
            known_ones = hint or f"; expected: {', '.join(known)}"
            raise UsageError(f"{message} {name!r}{near}{known_ones}.")


def guess(name, known):
    """Return the name that is meant, perhaps, as the end of a sentence."""
    near = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {near[0]!r}?" if near else ""


def _set_verbosity(system, verbose):
    """Let the package's own steps report how training goes, or not.

    What libsvm reports does not go through Python and would end up among the results.
    """
    names = [
        f"{name}__verbose"
        for name, part in system.get_params().items()
        if hasattr(part, "verbose") and type(part).__module__.startswith("skser.")
    ]
    system.set_params(**dict.fromkeys(names, verbose))


def _list_recordings(names):
    """Return files as they were named, and those of named folders."""
    files = []
    for name in names:
        folder = os.path.expanduser(name)
        if not os.path.isdir(folder):
            files.append(name)
            continue
        root = os.path.abspath(folder)
        found = [os.path.relpath(path, root) for path in find_audio(folder)]
        if not found:
            raise FileNotFoundError(
                f"No WAV or FLAC file in the folder {name!r}. Name one that has some, "
                "or the files themselves."
            )
        files += [os.path.join(name, path) for path in found]
    return files


def _compute_features(front_end, recordings, options):
    """Return what the steps that learn nothing make of each recording."""
    # All are loaded first, so that all that are bad are told at once.
    signals = front_end[:1].fit_transform(recordings)
    features = []
    for start in range(0, len(signals), _BLOCK_LENGTH):
        block = signals[start : start + _BLOCK_LENGTH]
        features += list(front_end[1:].fit_transform(block))
        _show_progress("Features", len(features), len(signals), options)
    return features


def _name_columns(front_end):
    """Return the names of the columns behind the last step."""
    names = None
    for step in front_end.named_steps.values():
        if hasattr(step, "get_feature_names_out"):
            names = step.get_feature_names_out(names)
    return [str(name) for name in names]


def _show_progress(text, n_done, n_all, options):
    """Move a bar on; where it cannot be seen moving, write its end only."""
    is_last = n_done == n_all
    if options.quiet or not (is_last or sys.stderr.isatty()):
        return
    bar = "=" * (_BAR_LENGTH * n_done // n_all)
    line = f"{text}: [{bar:<{_BAR_LENGTH}}] {n_done} of {n_all}"
    start = "\r" if sys.stderr.isatty() else ""
    print(start + line, end="\n" if is_last else "", file=sys.stderr, flush=True)


def _note(text, options):
    """Say something that is no result."""
    if not options.quiet:
        print(text, file=sys.stderr, flush=True)


def _list_parameters(system):
    """Return a system's parameters in the form in which they can be set."""
    parameters = system.get_params()
    return "".join(
        f"{name}={value!r}\n"
        for name, value in parameters.items()
        if "__" in name and not hasattr(value, "get_params")
    )


def _summarise(function):
    """Return the first line of a function's documentation, without references."""
    function = function.func if isinstance(function, partial) else function
    return re.sub(r" \[\d+\]_", "", inspect.getdoc(function).splitlines()[0])
