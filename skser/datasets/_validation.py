"""Checks of a corpus before training: bad files, silence, clipping, duplicates, typos.

Headers are read by default, samples where asked; what is kept of a recording are a few
numbers, so that memory does not grow with the corpus.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from difflib import SequenceMatcher
from html import escape
from itertools import combinations
from numbers import Integral, Real
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skser import audio
from skser._compat import Interval, validate_params
from skser._display import find_similar_names, html_table
from skser._parallel import map_utterances
from skser._recordings import as_segment
from skser._sequences import check_is_sequence
from skser.datasets._corpus import Corpus, find_count_differences, list_some
from skser.exceptions import (
    AudioError,
    EmptyAudioError,
    NonFiniteAudioError,
    SegmentError,
    TooLongAudioError,
    TruncatedAudioError,
)

if TYPE_CHECKING:
    import pandas


# Kind of a finding -> what it means. The most serious ones come first.
KINDS = {
    "one class": "all recordings have one label",
    "missing": "there is no such file",
    "unreadable": "it is no audio, or may not be read",
    "empty": "it has no samples",
    "truncated": "it holds less audio than its header announces",
    "outside": "it is a part that is not in its file",
    "not finite": "it has samples that are NaN or infinite",
    "unscaled": "its samples are far outside of [-1, 1], like integers",
    "silent": "it is constant, or below -80 dB",
    "cancelled": "its channels cancel each other in their mean",
    "similar speakers": "a person may take them for one, folds do not",
    "similar labels": "one may be a misspelling of the other",
    "too short": "it is shorter than min_duration",
    "too long": "it is longer than max_duration",
    "duplicate": "it has the same content as an earlier recording",
    "count": "the number of recordings is not the published one",
    "rare label": "folds have next to nothing to learn it from",
    "one emotion": "who speaks tells the emotion",
    "level": "speakers were recorded at different levels",
    "overlap": "it is a part that overlaps an earlier one of its file",
    "clipped": "its peaks are cut off",
}
# What one may have to live with: it makes no file bad, and no corpus unusable.
_REMARKS = {"rare label", "one emotion", "level", "overlap", "clipped"}
_KINDS_OF_ERRORS = {
    FileNotFoundError: "missing",
    EmptyAudioError: "empty",
    TruncatedAudioError: "truncated",
    SegmentError: "outside",
    NonFiniteAudioError: "not finite",
    TooLongAudioError: "too long",
}
# Files that are not compared by content, because they may not open or have none.
_UNUSABLE = {"missing", "unreadable", "empty", "outside"}
_N_REPORTED = 5
_N_NAMED = 10
_SILENCE = -80.0  # dB
_LEVEL_SPREAD = 10.0  # dB, between the medians of speakers
# Segments may overlap by rounding.
_OVERLAP = 0.01  # s
# A label is rare below both, or below a hundredth of the most frequent one.
_RARE, _RARE_SHARE = 10, 0.1
# Ratio of difflib from which labels are similar, and what negates an emotion.
_SIMILARITY = 0.8
_NEGATION = re.compile("(un|dis|non|in|im|not)[ _-]?")
# Pairs of labels are compared; nobody has so many emotions.
_MAX_LABELS = 300
# Samples in a row at the peak, of how many in all: the top of a wave has one or two.
_CLIPPED_RUN, _MIN_CLIPPED = 3, 10
# A peak below this is not cut off, and a step this coarse beneath it is of 8 bits.
_MIN_CLIPPED_PEAK, _COARSE_STEP = 0.1, 0.004


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
        The position of the recording in the corpus.
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
        Number of recordings looked at.
    findings : tuple of Finding
        The most serious ones first. Each has `kind`, `path`, `message` and `row`; path
        and row are None where it is about the corpus. The kinds are those that
        :func:`validate` lists.
    decoded : bool
        Whether samples were looked at, and not only headers.

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
    decoded: bool = True

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found: bool."""
        return not self.findings

    @property
    def counts(self) -> dict[str, int]:
        """Number of findings of each kind that was found: dict of str to int."""
        found = Counter(finding.kind for finding in self.findings)
        return {kind: found[kind] for kind in KINDS if found[kind]}

    @property
    def bad_paths(self) -> list[str]:
        """Paths of the files with a finding, each once: list of str."""
        paths = (finding.path for finding in self.findings)
        return list(dict.fromkeys(path for path in paths if path is not None))

    def good_rows(self, kinds: Sequence[str] | None = None) -> np.ndarray:
        """Return the positions of the recordings that can be used.

        Nothing is ever left out of a corpus by itself: this and `Corpus.take` do it
        when they are asked to.

        Parameters
        ----------
        kinds : sequence of str, default=None
            The kinds that make a recording bad; None is all but "clipped" and
            "overlap".

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
        """Return the findings of some kinds, which must be known."""
        kinds = KINDS.keys() - _REMARKS if kinds is None else kinds
        if isinstance(kinds, str) or any(kind not in KINDS for kind in kinds):
            raise ValueError(
                f"kinds must be a list of some of {list(KINDS)}, got {kinds!r}."
            )
        return tuple(finding for finding in self.findings if finding.kind in kinds)

    def _headline(self):
        """Return in one line how much was looked at, and how much found."""
        n = len(self.findings)
        found = f"{n} finding(s)" if n else "nothing found"
        how = "" if self.decoded else " (headers only; decode=True looks at samples)"
        return f"{self.n_files} files{how}, {found}"

    def __str__(self):
        if self.is_clean:
            return f"{self._headline()}."
        lines = [f"{self._headline()}:"]
        for kind, n in self.counts.items():
            lines.append(f"{kind} ({KINDS[kind]}): {n}")
            messages = [f.message for f in self.findings if f.kind == kind]
            lines += [f"  - {message}" for message in messages[:_N_REPORTED]]
            if n > _N_REPORTED:
                lines.append(f"  - and {n - _N_REPORTED} more")
        return "\n".join(lines)

    def _repr_html_(self):
        """Show the findings of each kind in a notebook."""
        rows = [
            {
                "kind": kind,
                "what it means": KINDS[kind],
                "findings": n,
                "for instance": next(
                    f.message for f in self.findings if f.kind == kind
                ),
            }
            for kind, n in self.counts.items()
        ]
        if not rows:
            return f"<p>{escape(self._headline())}.</p>"
        return html_table(rows, self._headline())

    def to_frame(self) -> pandas.DataFrame:
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

    def raise_if_any(self, kinds: Sequence[str] | None = None) -> None:
        """Raise an error that says what was found, if anything was.

        Parameters
        ----------
        kinds : sequence of str, default=None
            The kinds that matter; None is all but "rare label", "one emotion",
            "level", "overlap" and "clipped", which one may have to live with.

        Raises
        ------
        AudioError
            If files have findings; with the text of the report.
        ValueError
            If findings are about labels, speakers or the numbers of recordings only,
            or a kind is unknown.
        """
        findings = self._of(kinds)
        if findings:
            error = AudioError if any(f.path for f in findings) else ValueError
            raise error(str(replace(self, findings=findings)))


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
    corpus: Corpus | Sequence | ArrayLike,
    *,
    min_duration: float = 0.1,
    max_duration: float | None = 60.0,
    decode: bool = False,
    n_jobs: int | None = None,
) -> ValidationReport:
    """Find out what is wrong with a corpus, before anything is trained on it.

    Every file is opened and its header compared with its size, as
    :class:`~skser.audio.AudioLoader` does; labels and speakers are looked at, too.
    Nothing is raised.

    Parameters
    ----------
    corpus : Corpus or sequence of str, os.PathLike or Segment of length n_samples
        A corpus, or only paths.
    min_duration : float, default=0.1
        Recordings that are shorter are reported, in seconds.
    max_duration : float, default=60.0
        Recordings that are longer are reported, in seconds; None accepts any.
    decode : bool, default=False
        Whether to decode the files. That takes longer. It finds damaged FLAC, Ogg and
        MP3, whose headers do not tell, samples that are not finite, silence, channels
        that cancel each other, clipping, levels that differ between speakers, and equal
        samples in files that differ otherwise.
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

    Notes
    -----
    What is found, the most serious first:

    - "one class": all recordings have one label.
    - "missing", "unreadable", "empty", "truncated": files that cannot be used.
    - "outside": a segment that is not in its file.
    - "not finite", "unscaled", "silent", "cancelled" (`decode`): samples that cannot be
      used. Unscaled are values above 100. Silent is what is constant or below -80 dB
      relative to full scale; cancelled are channels whose mean has less than a
      hundredth of the power that unrelated channels would give it.
    - "similar speakers", "similar labels": names that differ in case, spaces, hyphens
      or leading zeros ("01", "1"), and labels one of which may be a misspelling
      ("hapy" beside 60 "happy"; the ratio of `difflib` is 0.8 or more).
    - "too short", "too long".
    - "duplicate": the same bytes, or with `decode` the same samples, again.
    - "count": the number of recordings is not the published one.

    The rest is worth a look, but makes no recording bad:

    - "rare label": fewer than ten recordings and a tenth of those of the most frequent
      label, or fewer than a hundredth; or of one speaker only, among three or more.
    - "one emotion": speakers who have one emotion only.
    - "level" (`decode`): the medians of the speakers' levels, as root mean square in
      dB, lie more than 10 dB apart.
    - "overlap": segments that overlap by more than 10 ms.
    - "clipped" (`decode`): ten samples or more at the peak of the mean of the
      channels, three in a row or more. Formats of 8 bits are left out.

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
    segments = _get_segments(corpus)

    def inspect(segment):
        return _inspect(segment, min_duration, max_duration, decode)

    seen = map_utterances(inspect, segments, n_jobs)
    findings = [
        Finding(kind, segment.path, message, row)
        for row, (segment, one) in enumerate(zip(segments, seen, strict=True))
        for kind, message in one.remarks
    ]
    labels, speakers = (_get_names(corpus, key) for key in ("target", "groups"))
    findings += _find_duplicates(segments, seen, labels, speakers, n_jobs)
    findings += _find_overlaps(segments, seen)
    about_corpus = [
        *_look_at_labels(labels, speakers),
        *_look_at_speakers(labels, speakers),
        *_look_at_levels(seen, speakers),
        *_look_at_counts(corpus),
    ]
    findings += [Finding(kind, None, message) for kind, message in about_corpus]
    order = list(KINDS)
    findings.sort(key=lambda finding: order.index(finding.kind))
    return ValidationReport(len(segments), tuple(findings), decode)


def _get_segments(corpus):
    """Return the recordings of a corpus as segments."""
    if isinstance(corpus, dict):
        if corpus.get("paths") is None:
            raise TypeError(
                f"corpus has no paths, only {', '.join(corpus)}. Pass the corpus of a "
                "loader, or paths, for instance of skser.datasets.write_corpus."
            )
        corpus = corpus["paths"]
    check_is_sequence(corpus, "corpus")
    for i, entry in enumerate(corpus):
        if not isinstance(entry, (str, os.PathLike)):
            raise TypeError(
                f"corpus[{i}] is no path but {type(entry).__name__}. Files are "
                "validated: pass paths or segments. AudioLoader().inspect(X) checks "
                "the headers of contents, open files and waveforms."
            )
    return [as_segment(path) for path in corpus]


def _get_names(corpus, key):
    """Return the labels or speakers of a corpus as a list, or None."""
    values = corpus.get(key) if isinstance(corpus, dict) else None
    return None if values is None else np.asarray(values).tolist()


# One recording


class _Seen(NamedTuple):
    """What is kept of a recording: a few numbers."""

    remarks: list[tuple[str, str]]  # kind and message
    part: tuple[int, int] | None = None  # first sample and behind the last one
    rate: int | None = None
    digest: bytes | None = None  # of its samples
    level: float | None = None  # in dB


def _inspect(segment, min_duration, max_duration, decode):
    """Return what is worth knowing of one recording."""
    name = repr(str(segment))
    part, rate = None, None
    try:
        with audio.open_recording(segment, max_duration) as recording:
            rate = recording.rate
            part = recording.start, recording.start + recording.n_samples
            if decode:
                meter = audio.Meter(name)
                blocks = meter.watch(recording.read_blocks())
                signal = audio.join(blocks, recording.n_samples)
    except (AudioError, OSError) as error:
        kind = _KINDS_OF_ERRORS.get(type(error), "unreadable")
        return _Seen([(kind, str(error))], part, rate)
    remarks, duration = [], (part[1] - part[0]) / rate
    if duration < min_duration:
        message = f"{name} lasts {duration:.3f} s, less than {min_duration=} s."
        remarks.append(("too short", message))
    if not decode:
        return _Seen(remarks, part, rate)
    level = audio.measure_level(signal)
    if meter.have_cancelled():
        message = f"{name}: one channel is the other's opposite; use one of them."
        remarks.append(("cancelled", message))
    elif np.ptp(signal) == 0:
        remarks.append(("silent", f"{name}: all samples are {signal[0]}."))
    elif level < _SILENCE:
        remarks.append(("silent", f"{name} has a level of {level:.0f} dB."))
    elif meter.peak > audio.PLAUSIBLE_PEAK:
        remarks.append(("unscaled", f"{name} has samples of up to {meter.peak:.6g}."))
    elif n_clipped := _count_clipped(signal):
        message = f"{name} has {n_clipped} samples ({n_clipped / len(signal):.2%}) at "
        remarks.append(("clipped", f"{message}its peak of {meter.peak:.3g}."))
    digest = hashlib.sha256(signal).digest()
    return _Seen(remarks, part, rate, digest, level)


def _count_clipped(signal):
    """Return the number of samples that clipping has cut off, or 0 for none."""
    top, bottom = signal.max(), signal.min()
    is_top = signal == top if top > _MIN_CLIPPED_PEAK else np.zeros(len(signal), bool)
    if bottom < -_MIN_CLIPPED_PEAK:
        is_top |= signal == bottom
    if is_top.sum() < _MIN_CLIPPED:
        return 0
    below = np.abs(signal[~is_top]).max(initial=0.0)
    if 0 < below < max(top, -bottom) - _COARSE_STEP:
        return 0
    edges = np.flatnonzero(np.diff(is_top, prepend=False, append=False))
    lengths = np.diff(edges)[::2]
    n_clipped = int(lengths[lengths >= _CLIPPED_RUN].sum())
    return n_clipped if n_clipped >= _MIN_CLIPPED else 0


# Recordings among each other


def _find_duplicates(segments, seen, labels, speakers, n_jobs):
    """Return the recordings that hold the same samples, or bytes, as an earlier one."""
    digests = dict(_digest_files(segments, seen, n_jobs))
    first, findings = {}, []
    for row, (segment, one) in enumerate(zip(segments, seen, strict=True)):
        key = digests.get(row) if one.digest is None else (one.rate, one.digest)
        original = row if key is None else first.setdefault(key, row)
        if original == row:
            continue
        message = f"{str(segment)!r} has the same content as "
        message += repr(str(segments[original]))
        facts = [names for names in (labels, speakers) if names is not None]
        said, said_first = ([str(f[i]) for f in facts] for i in (row, original))
        if said != said_first:
            message += (
                f", but is labelled {' of '.join(said)} and not "
                f"{' of '.join(said_first)}"
            )
        findings.append(Finding("duplicate", segment.path, f"{message}.", row))
    return findings


def _digest_files(segments, seen, n_jobs):
    """Yield row and digest of files that were not decoded, where it may be shared."""
    rows = [
        row
        for row, one in enumerate(seen)
        if one.digest is None and not any(kind in _UNUSABLE for kind, _ in one.remarks)
    ]
    sizes = {row: (os.path.getsize(segments[row].path), seen[row].part) for row in rows}
    n_of_size = Counter(sizes.values())
    # Only files of equal size can be equal, so that few need to be read.
    suspects = [row for row in rows if n_of_size[sizes[row]] > 1]
    paths = list(dict.fromkeys(segments[row].path for row in suspects))

    def digest(path):
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").digest()

    digests = dict(zip(paths, map_utterances(digest, paths, n_jobs), strict=True))
    for row in suspects:
        yield row, (digests[segments[row].path], seen[row].part)


def _find_overlaps(segments, seen):
    """Return the segments that overlap an earlier one of the same file."""
    by_file = defaultdict(list)
    for row, (segment, one) in enumerate(zip(segments, seen, strict=True)):
        if one.part is not None:
            by_file[segment.path].append((*one.part, one.rate, row))
    findings = []
    for path, parts in by_file.items():
        last_stop, last_row, last_part = -1, None, None
        for start, stop, rate, row in sorted(parts):
            seconds = (min(stop, last_stop) - start) / rate
            # The same part again is a duplicate.
            if seconds > _OVERLAP and (start, stop) != last_part:
                message = (
                    f"{str(segments[row])!r} shares {seconds:.2f} s with "
                    f"{str(segments[last_row])!r}."
                )
                findings.append(Finding("overlap", path, message, row))
            if stop > last_stop:
                last_stop, last_row, last_part = stop, row, (start, stop)
    return sorted(findings, key=lambda finding: finding.row)


# Labels and speakers: generators of kind and message


def _look_at_labels(labels, speakers):
    """Yield what is odd about the labels."""
    counts = Counter(labels or ())
    if len(counts) == 1 and len(labels) > 1:
        yield "one class", f"all {len(labels)} recordings are {next(iter(counts))!r}."
    most = max(counts.values(), default=0)
    rarest_first = sorted(counts.items(), key=lambda item: item[1])
    for label, n in rarest_first:
        if n < max(most / 100, min(_RARE, most * _RARE_SHARE)):
            message = f"{label!r}: {n} of {len(labels)} recordings."
            yield "rare label", message
    for one, other in _find_similar_labels(counts):
        yield (
            "similar labels",
            f"{one!r} ({counts[one]} recording(s)) and {other!r} ({counts[other]}).",
        )
    if speakers is None:
        return
    of_label = defaultdict(set)
    for label, speaker in zip(labels or (), speakers, strict=False):
        of_label[label].add(speaker)
    if len(set(speakers)) < 3 or len(counts) < 2:
        return
    for label, names in of_label.items():
        if len(names) == 1:
            yield (
                "rare label",
                f"{label!r} is of one speaker only, {next(iter(names))!r}: the fold "
                "that tests this one has nothing to learn it from.",
            )


def _find_similar_labels(counts):
    """Return pairs of labels, the rarer one first, that may be meant to be one."""
    pairs = {
        frozenset(pair)
        for names in find_similar_names(counts)
        for pair in combinations(names, 2)
    }
    names = [name for name in counts if isinstance(name, str)]
    for pair in combinations(names if len(names) <= _MAX_LABELS else (), 2):
        rarer, other = sorted(pair, key=counts.get)
        one, two = rarer.casefold(), other.casefold()
        matcher = SequenceMatcher(None, one, two)
        if (
            matcher.quick_ratio() < _SIMILARITY
            or matcher.ratio() < _SIMILARITY
            or re.findall(r"\d+", one) != re.findall(r"\d+", two)
        ):
            continue
        shorter, longer = sorted((one, two), key=len)
        if longer.endswith(shorter) and _NEGATION.fullmatch(longer[: -len(shorter)]):
            continue
        # Common labels of several words, such as of man and woman, are meant so.
        is_typo = counts[rarer] * 4 <= counts[other]
        if is_typo or (one[:3] == two[:3] and one.isalpha() and two.isalpha()):
            pairs.add(frozenset(pair))
    return sorted(
        (sorted(pair, key=lambda name: (counts[name], str(name))) for pair in pairs),
        key=str,
    )


def _look_at_speakers(labels, speakers):
    """Yield what is odd about the speakers."""
    counts = Counter(speakers or ())
    for names in find_similar_names(counts):
        shown = " and ".join(f"{name!r} ({counts[name]})" for name in names)
        yield "similar speakers", f"{shown} recording(s)."
    if labels is None or speakers is None or len(set(labels)) < 2:
        return
    emotions = defaultdict(set)
    for label, speaker in zip(labels, speakers, strict=True):
        emotions[speaker].add(label)
    alone = [
        f"{speaker} ({next(iter(names))}, {counts[speaker]} recording(s))"
        for speaker, names in emotions.items()
        if len(names) == 1
    ]
    if alone:
        yield (
            "one emotion",
            f"{len(alone)} of {len(counts)} speaker(s): {list_some(alone, _N_NAMED)}.",
        )


def _look_at_levels(seen, speakers):
    """Yield a remark if speakers were recorded at levels that differ."""
    levels = defaultdict(list)
    for one, speaker in zip(seen, speakers or (), strict=False):
        if one.level is not None and one.level >= _SILENCE:
            levels[speaker].append(one.level)
    medians = {speaker: float(np.median(found)) for speaker, found in levels.items()}
    if not medians:
        return
    softest, loudest = (choose(medians, key=medians.get) for choose in (min, max))
    spread = medians[loudest] - medians[softest]
    if spread > _LEVEL_SPREAD:
        yield (
            "level",
            f"the spread is {spread:.1f} dB, from {medians[softest]:.1f} dB "
            f"({softest}) to {medians[loudest]:.1f} dB ({loudest}): the median of each "
            "speaker's recordings.",
        )


def _look_at_counts(corpus):
    """Yield where the numbers of recordings are not the published ones."""
    differences = find_count_differences(corpus) if isinstance(corpus, dict) else {}
    for speaker, labels in differences.items():
        who = "all speakers" if speaker is None else f"speaker {speaker}"
        for label, (n_found, n_expected) in labels.items():
            yield (
                "count",
                f"{who}, {label}: {n_found} recording(s), the published {corpus.name} "
                f"has {n_expected}.",
            )
