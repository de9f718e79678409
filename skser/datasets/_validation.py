"""Checks of a corpus before training: bad files, duplicates, missing recordings."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from numbers import Integral, Real

import numpy as np

from skser import audio
from skser._compat import Interval, validate_params
from skser._parallel import map_utterances
from skser._sequences import check_is_sequence
from skser.datasets._corpus import Corpus, find_count_differences
from skser.exceptions import (
    AudioError,
    EmptyAudioError,
    NonFiniteAudioError,
    TooLongAudioError,
    TruncatedAudioError,
)

# Kind of a finding -> what it means. In the order of a report.
KINDS = {
    "missing": "there is no such file",
    "unreadable": "it is no audio, or may not be read",
    "empty": "it has no samples",
    "truncated": "it holds less audio than its header announces",
    "not finite": "it has samples that are NaN or infinite",
    "silent": "all its samples are equal",
    "too short": "it is shorter than min_duration",
    "too long": "it is longer than max_duration",
    "duplicate": "it has the same content as an earlier file",
    "count": "the number of recordings is not the published one",
}
_KINDS_OF_ERRORS = {
    FileNotFoundError: "missing",
    EmptyAudioError: "empty",
    TruncatedAudioError: "truncated",
    NonFiniteAudioError: "not finite",
    TooLongAudioError: "too long",
}
# Files that are not compared by content, because they may not open or have none.
_UNUSABLE = {"missing", "unreadable", "empty"}
_N_REPORTED = 5


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a corpus.

    Parameters
    ----------
    kind : str
        One of the keys of :data:`KINDS`.
    path : str or None
        The file, if it is about one.
    message : str
    row : int or None
        The position of the file in the corpus.
    """

    kind: str
    path: str | None
    message: str
    row: int | None = None


@dataclass(frozen=True)
class ValidationReport:
    """What :func:`validate` has found. Print it to read it.

    Attributes
    ----------
    n_files : int
        Number of files looked at.
    findings : tuple of Finding
        Each with `kind`, `path`, `message` and `row`; path and row are None for
        "count". The kinds are "missing", "unreadable", "empty", "truncated",
        "not finite", "silent", "too short", "too long", "duplicate" and "count".

    Examples
    --------
    >>> from skser.datasets import ValidationReport
    >>> report = ValidationReport(n_files=535, findings=())
    >>> report.is_clean
    True
    >>> print(report)
    535 files, nothing found.
    """

    n_files: int
    findings: tuple[Finding, ...]

    @property
    def is_clean(self):
        """Whether nothing was found: bool."""
        return not self.findings

    @property
    def counts(self):
        """Number of findings of each kind that was found: dict of str to int."""
        found = Counter(finding.kind for finding in self.findings)
        return {kind: found[kind] for kind in KINDS if found[kind]}

    @property
    def bad_paths(self):
        """Paths of the files with a finding, each once: list of str."""
        paths = (finding.path for finding in self.findings)
        return list(dict.fromkeys(path for path in paths if path is not None))

    def good_rows(self, kinds=None):
        """Return the positions of the files without a finding.

        Nothing is ever left out of a corpus by itself: this and `Corpus.take` do it
        when they are asked to.

        Parameters
        ----------
        kinds : sequence of str, default=None
            The kinds that make a file bad; None is all.

        Returns
        -------
        rows : ndarray of int of shape (n_good_files,)
            Of two equal files, the first is good.

        Raises
        ------
        ValueError
            If a kind is unknown.

        Examples
        --------
        >>> from skser.datasets import validate
        >>> report = validate(["no_such_file.wav"])
        >>> report.good_rows()
        array([], dtype=int64)
        """
        bad = [finding.row for finding in self._of(kinds) if finding.row is not None]
        return np.setdiff1d(np.arange(self.n_files), bad)

    def _of(self, kinds):
        """Return the findings of some kinds, which must be known; None is all."""
        kinds = KINDS if kinds is None else kinds
        if isinstance(kinds, str) or any(kind not in KINDS for kind in kinds):
            raise ValueError(
                f"kinds must be a list of some of {list(KINDS)}, got {kinds!r}."
            )
        return tuple(finding for finding in self.findings if finding.kind in kinds)

    def __str__(self):
        if self.is_clean:
            return f"{self.n_files} files, nothing found."
        lines = [f"{self.n_files} files, {len(self.findings)} finding(s):"]
        for kind, n in self.counts.items():
            lines.append(f"{kind} ({KINDS[kind]}): {n}")
            messages = [f.message for f in self.findings if f.kind == kind]
            lines += [f"  - {message}" for message in messages[:_N_REPORTED]]
            if n > _N_REPORTED:
                lines.append(f"  - and {n - _N_REPORTED} more")
        return "\n".join(lines)

    def to_frame(self):
        """Return the findings as a pandas table with the columns of a Finding.

        Returns
        -------
        frame : pandas.DataFrame of shape (n_findings, 4)
            Columns "kind", "path", "message", "row".
        """
        import pandas

        columns = [field.name for field in fields(Finding)]
        rows = [astuple(finding) for finding in self.findings]
        return pandas.DataFrame(rows, columns=columns, dtype=object)

    def raise_if_any(self, kinds=None):
        """Raise an error that says what was found, if anything was.

        Parameters
        ----------
        kinds : sequence of str, default=None
            The kinds that matter; None is all. Published corpora can hold duplicates,
            for instance, that one may want to live with.

        Raises
        ------
        AudioError
            If files have findings; with the text of the report.
        ValueError
            If only the numbers of recordings differ, or a kind is unknown.
        """
        findings = self._of(kinds)
        if findings:
            error = AudioError if any(f.path for f in findings) else ValueError
            raise error(str(ValidationReport(self.n_files, findings)))


@validate_params(
    {
        "corpus": "no_validation",
        "min_duration": [Interval(Real, 0, None, closed="left")],
        "max_duration": [Interval(Real, 0, None, closed="neither"), None],
        "decode": ["boolean"],
        "n_jobs": [Integral, None],
    },
    prefer_skip_nested_validation=True,
)
def validate(
    corpus: Corpus | Sequence[str | os.PathLike],
    *,
    min_duration: float = 0.1,
    max_duration: float | None = 60.0,
    decode: bool = False,
    n_jobs: int | None = None,
) -> ValidationReport:
    """Find out what is wrong with the files of a corpus, before anything is trained.

    Every file is opened and its header compared with its size, as
    :class:`~skser.audio.AudioLoader` does; nothing is raised. Files of equal size are
    compared by content.

    Parameters
    ----------
    corpus : Corpus or sequence of str or os.PathLike of length n_samples
        A corpus, or only paths.
    min_duration : float, default=0.1
        Files that are shorter are reported, in seconds.
    max_duration : float, default=60.0
        Files that are longer are reported, in seconds; None accepts any.
    decode : bool, default=False
        Whether to decode the files. That takes longer, and finds damaged FLAC, Ogg
        and MP3, whose headers do not tell, samples that are not finite, and silence.
    n_jobs : int, default=None
        Number of threads that read files. None is 1, -1 is all processors.

    Returns
    -------
    report : ValidationReport
        Print it, or call its `raise_if_any`, or keep what is good:
        ``corpus.take(report.good_rows())``.

    Raises
    ------
    TypeError, ValueError
        If `corpus` has no paths.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skser.datasets import make_emotional_speech, validate, write_corpus
    >>> corpus = make_emotional_speech(n_speakers=1, n_utterances=1, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = write_corpus(corpus, folder)
    ...     content = Path(paths[0]).read_bytes()
    ...     _ = Path(paths[0]).write_bytes(content[:10000])
    ...     Path(paths[1]).unlink()
    ...     report = validate(paths)
    >>> report.n_files, report.counts
    (4, {'missing': 1, 'truncated': 1})
    """
    paths = _get_paths(corpus)

    def inspect(item):
        return _inspect(*item, min_duration, max_duration, decode)

    inspected = map_utterances(inspect, list(enumerate(paths)), n_jobs)
    findings = [finding for finding in inspected if finding is not None]
    unusable = {f.path for f in findings if f.kind in _UNUSABLE}
    findings += _find_duplicates(paths, _get_labels(corpus, paths), unusable, n_jobs)
    differences = find_count_differences(corpus) if isinstance(corpus, dict) else {}
    findings += [
        Finding(
            "count",
            None,
            f"{'all speakers' if speaker is None else f'speaker {speaker}'}, {label}: "
            f"{n_found} recording(s), the published {corpus.name} has {n_expected}.",
        )
        for speaker, labels in differences.items()
        for label, (n_found, n_expected) in labels.items()
    ]
    order = list(KINDS)
    findings.sort(key=lambda finding: order.index(finding.kind))
    return ValidationReport(n_files=len(paths), findings=tuple(findings))


def _get_paths(corpus):
    if isinstance(corpus, dict):
        if corpus.get("paths") is None:
            raise TypeError(
                f"corpus has no paths, only {', '.join(corpus)}. Pass the corpus of a "
                "loader, or paths, for instance of skser.datasets.write_corpus."
            )
        corpus = corpus["paths"]
    check_is_sequence(corpus, "corpus")
    # NumPy's strings would show themselves as np.str_('...') in messages.
    return [str(audio.as_segment(path)) for path in corpus]


def _inspect(row, path, min_duration, max_duration, decode):
    """Return what is wrong with one file, or None."""
    try:
        with audio.open_recording(path, max_duration) as recording:
            duration = recording.n_samples / recording.rate
            signal = recording.decode()[0] if decode else None
        if signal is not None:
            audio.check_samples(signal, repr(path))
    except (AudioError, OSError) as error:
        kind = _KINDS_OF_ERRORS.get(type(error), "unreadable")
        return Finding(kind, path, str(error), row)
    if duration < min_duration:
        message = f"{path!r} lasts {duration:.3f} s, less than {min_duration=} s."
        return Finding("too short", path, message, row)
    if signal is not None and np.ptp(signal) == 0:
        message = f"{path!r}: all samples are {signal[0]}."
        return Finding("silent", path, message, row)
    return None


def _get_labels(corpus, paths):
    """Return what a recording is said to be, for each path."""
    if not isinstance(corpus, dict):
        return [()] * len(paths)
    keys = [key for key in ("target", "groups") if corpus.get(key) is not None]
    columns = [np.asarray(corpus[key]).tolist() for key in keys]
    return list(zip(*columns, strict=True)) if columns else [()] * len(paths)


def _find_duplicates(paths, labels, unusable, n_jobs):
    """Return the files that hold the same bytes as an earlier one."""
    indices = [i for i, path in enumerate(paths) if path not in unusable]
    sizes = {i: os.path.getsize(paths[i]) for i in indices}
    n_of_size = Counter(sizes.values())
    # Only files of equal size can be equal, so that few need to be read.
    suspects = [i for i in indices if n_of_size[sizes[i]] > 1]

    def digest(path):
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").digest()

    digests = map_utterances(digest, [paths[i] for i in suspects], n_jobs)
    first, findings = {}, []
    for i, digest in zip(suspects, digests, strict=True):
        original = first.setdefault(digest, i)
        if original == i:
            continue
        message = f"{paths[i]!r} has the same content as {paths[original]!r}"
        if labels[i] != labels[original]:
            said, said_first = (" of ".join(map(str, labels[k])) for k in (i, original))
            message += f", but is labelled {said} and not {said_first}"
        findings.append(Finding("duplicate", paths[i], f"{message}.", i))
    return findings
