"""How a copy of IEMOCAP is read: its labels are in text files, one a dialogue."""

import os
import re
import warnings
from collections import Counter
from pathlib import Path

from skser._compat import StrOptions, validate_params
from skser.datasets._corpus import (
    describe_incomplete,
    describe_missing,
    list_some,
    make_corpus,
    read_description,
    show_path,
)
from skser.datasets._layouts import find_audio

_SESSIONS = tuple(f"Session{i}" for i in range(1, 6))
_KINDS = {"impro": "improvised", "script": "scripted"}
# Folders inside `path` that may hold the sessions; the publisher's, torchaudio's.
_ROOTS = ("", "IEMOCAP_full_release", "IEMOCAP")

# What the annotators' majority called an utterance -> the class that it falls into.
_SUBSETS = {
    "dataset1": {
        "ang": "anger",
        "hap": "happiness",
        "neu": "neutral",
        "sad": "sadness",
    },
    "dataset2": {
        "ang": "anger",
        "exc": "happiness",  # excited
        "hap": "happiness",
        "neu": "neutral",
        "sad": "sadness",
    },
}

# Utterances of each speaker: 5531 in all, 4490 without "exc".
_CATEGORIES = ("ang", "hap", "exc", "sad", "neu")
_COUNTS = {
    "Ses01F": (147, 69, 63, 78, 171),
    "Ses01M": (82, 66, 80, 116, 213),
    "Ses02F": (67, 70, 96, 113, 135),
    "Ses02M": (70, 47, 114, 84, 227),
    "Ses03F": (92, 80, 48, 172, 130),
    "Ses03M": (148, 55, 103, 133, 190),
    "Ses04F": (205, 31, 154, 62, 76),
    "Ses04M": (122, 34, 84, 81, 182),
    "Ses05F": (78, 77, 82, 132, 221),
    "Ses05M": (92, 66, 217, 113, 163),
}
# For the two kinds, the totals of the speakers only.
_COUNTS_OF_KINDS = {
    "improvised": {None: (289, 284, 663, 608, 1099)},
    "scripted": {None: (814, 311, 378, 476, 609)},
    "all": _COUNTS,
}

_TREE = """\
    <path>/               (or IEMOCAP_full_release, or IEMOCAP, in <path>)
        Session1/
            sentences/wav/
                Ses01F_impro01/
                    Ses01F_impro01_F000.wav
                    ...
                ...
            dialog/EmoEvaluation/
                Ses01F_impro01.txt
                ...
        ...
        Session5/"""

# [6.2901 - 8.2357]	Ses01F_impro01_F000	neu	[2.5000, 2.5000, 2.5000]
_UTTERANCE = re.compile(
    r"^[ \t]*\[(?P<start>[\d.]+)\s*-\s*(?P<end>[\d.]+)\]\s+"
    r"(?P<turn>(?P<dialogue>(?P<session>Ses\d\d)[FM]_(?P<kind>impro|script)\w*)"
    # Turns named XX are not one person's: both speak, or nobody knows who.
    r"_(?P<speaker>[FM])\d+)\s+"
    r"(?P<category>[a-z]+)"
    r"(?:[ \t]+\[(?P<attributes>[^\]\n]*)\])?",
    re.MULTILINE,
)
_ATTRIBUTES = ("valence", "activation", "dominance")


@validate_params(
    {
        "path": [str, os.PathLike],
        "subset": [StrOptions(set(_SUBSETS))],
        "kind": [StrOptions(set(_COUNTS_OF_KINDS))],
    },
    prefer_skip_nested_validation=True,
)
def load_iemocap(path, subset="dataset1", kind="all"):
    """List the utterances of a copy of IEMOCAP with their labels.

    No audio is read: the labels are in text files, ``EmoEvaluation``, which give every
    utterance the category that most annotators chose.

    Parameters
    ----------
    path : str or os.PathLike
        The folder that holds ``Session1`` ... ``Session5``, or that holds
        ``IEMOCAP_full_release`` or ``IEMOCAP``. ``~`` is the home folder.
    subset : {"dataset1", "dataset2"}, default="dataset1"
        Which utterances, both in four classes. "dataset1" has the categories angry,
        happy, neutral and sad: 4490 utterances. "dataset2" counts the excited ones as
        happy: 5531.
    kind : {"all", "improvised", "scripted"}, default="all"
        Which dialogues. The scripted ones share their texts between the sessions, so
        that words can give the emotion away.

    Returns
    -------
    corpus : Corpus
        As described in :class:`~skser.datasets.Corpus`, ordered by utterance, with:

        target : ndarray of str of shape (n_samples,)
            "anger", "happiness", "neutral" or "sadness".
        groups : ndarray of str of shape (n_samples,)
            Ten speakers: "Ses01F", "Ses01M" ... "Ses05M"; F is a woman, M a man.
        sessions : ndarray of str of shape (n_samples,)
            "Ses01" ... "Ses05", the two speakers who talk to each other.
        text_ids : None
            What was said is not known.
        turn, dialogue, kind, category : ndarray of str of shape (n_samples,)
            The utterance's name; the dialogue; "improvised" or "scripted"; the label
            in the file: "ang", "exc", "hap", "neu", "sad".
        start, end : ndarray of float of shape (n_samples,)
            Where the utterance lies in its dialogue, in seconds.
        valence, activation, dominance : ndarray of float of shape (n_samples,)
            Means over the annotators, from 1 to 5; NaN where they are missing.

    Raises
    ------
    FileNotFoundError
        If there is no labelled utterance with its recording; the message shows the
        expected tree.
    ValueError
        If `subset` or `kind` is unknown.

    Warns
    -----
    UserWarning
        If recordings of labelled utterances are missing (they are left out), or if the
        numbers by speaker and class are not those of the published corpus.

    See Also
    --------
    validate : Find out whether the recordings can be used.

    Notes
    -----
    The speaker is in the *last* part of an utterance's name: ``Ses01F_impro01_M003``
    is spoken by the man, Ses01M. The letter at the beginning names the one who wore
    the sensors in that dialogue. Who takes it for the speaker, as some loaders do, is
    wrong for 2750 of the 5531 utterances, and his test speakers are in the training
    set.

    References
    ----------
    .. [1] C. Busso, M. Bulut, C.-C. Lee, A. Kazemzadeh, E. Mower, S. Kim, J. N. Chang,
       S. Lee and S. S. Narayanan, "IEMOCAP: Interactive emotional dyadic motion capture
       database", Language Resources and Evaluation 42(4), 2008, pp. 335-359.

    Examples
    --------
    >>> from skser.datasets import load_iemocap
    >>> corpus = load_iemocap("~/corpora/IEMOCAP_full_release")    # doctest: +SKIP
    >>> len(corpus.paths), corpus.target_names    # doctest: +SKIP
    (4490, ['anger', 'happiness', 'neutral', 'sadness'])
    """
    found, missing = [], []
    for session in _find_sessions(Path(path).expanduser()):
        recordings = _index_recordings(session)
        for utterance in _read_labels(session, _SUBSETS[subset], kind):
            utterance["paths"] = recordings.get(utterance["turn"])
            (found if utterance["paths"] else missing).append(utterance)
    if not found:
        raise FileNotFoundError(describe_missing("IEMOCAP", path, _TREE))
    corpus = make_corpus(
        "IEMOCAP",
        _as_columns(found),
        target_names=_SUBSETS[subset].values(),
        expected_counts=_expect_counts(subset, kind),
        description=read_description("iemocap"),
    )
    for message in (
        _describe_without_recording(path, missing),
        describe_incomplete(corpus, path),
    ):
        if message:
            # One level more than usual: the check of the parameters wraps this.
            warnings.warn(message, UserWarning, stacklevel=3)
    return corpus


def _find_sessions(folder):
    """Return the folders of the sessions that there are."""
    for root in _ROOTS:
        sessions = [folder / root / session for session in _SESSIONS]
        present = [session for session in sessions if session.is_dir()]
        if present:
            return present
    return []


def _index_recordings(session):
    """Return the path of each recording of a session by the utterance's name."""
    # Beside the utterances, a session has whole dialogues and thousands of other files.
    return {Path(path).stem: path for path in find_audio(session / "sentences" / "wav")}


def _read_labels(session, classes, kind):
    """Return the utterances of some categories, ordered by name.

    Parameters
    ----------
    session : Path
    classes : dict of str to str
        Category -> class.
    kind : str

    Returns
    -------
    utterances : list of dict
    """
    # The folders beside the files hold the single annotators' answers.
    files = (session / "dialog" / "EmoEvaluation").glob("[!.]*.txt")
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    utterances = [
        _describe_utterance(match, classes[match["category"]])
        for text in texts
        for match in _UTTERANCE.finditer(text)
        if match["category"] in classes and kind in ("all", _KINDS[match["kind"]])
    ]
    return sorted(utterances, key=lambda utterance: utterance["turn"])


def _describe_utterance(match, label):
    """Return the entries of one utterance."""
    numbers = [_to_float(text) for text in (match["attributes"] or "").split(",")]
    numbers += [float("nan")] * (len(_ATTRIBUTES) - len(numbers))
    return {
        "target": label,
        # Not match["dialogue"]: that begins with the one who wore the sensors.
        "groups": match["session"] + match["speaker"],
        "sessions": match["session"],
        "turn": match["turn"],
        "dialogue": match["dialogue"],
        "kind": _KINDS[match["kind"]],
        "category": match["category"],
        "start": float(match["start"]),
        "end": float(match["end"]),
        **dict(zip(_ATTRIBUTES, numbers, strict=False)),
    }


def _to_float(text):
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _as_columns(utterances):
    return {key: [row[key] for row in utterances] for key in utterances[0]}


def _expect_counts(subset, kind):
    """Return the published numbers of utterances by (speaker, class)."""
    counts = Counter()
    for speaker, row in _COUNTS_OF_KINDS[kind].items():
        for category, n in zip(_CATEGORIES, row, strict=True):
            if category in _SUBSETS[subset]:
                counts[speaker, _SUBSETS[subset][category]] += n
    return dict(counts)


def _describe_without_recording(path, utterances):
    if not utterances:
        return ""
    names = list_some((utterance["turn"] for utterance in utterances), 5)
    return (
        f"{len(utterances)} labelled utterance(s) in {show_path(path)} left out, "
        f"because their recordings are missing from sentences/wav: {names}."
    )
