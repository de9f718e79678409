"""Published corpora: how their folders and the names of their files are read.

Where the names say everything, a corpus is one :class:`Layout`: a regular expression,
the meaning of the codes, the published counts, and texts of the documentation. All of
them have one loader. IEMOCAP, whose labels are in text files, has its own.
"""

from __future__ import annotations

import os
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from skser._compat import StrOptions, validate_params
from skser.datasets._corpus import (
    Corpus,
    describe_incomplete,
    describe_missing,
    describe_unreadable,
    find_audio,
    list_some,
    make_corpus,
    read_description,
    show_path,
    warn_of,
)
from skser.datasets._listeners import (
    Entries,
    read_crema_d,
    read_iemocap,
    read_recognition,
)

# What the groups of a pattern become; other groups are columns under their own name.
_GROUPS = {"emotion": "target", "speaker": "groups", "text": "text_ids"}


@dataclass(frozen=True)
class Layout:
    """What the files of a corpus are called, and how many there are.

    Parameters
    ----------
    name : str
        In messages.
    description : str
        File of the folder ``descr``, without its ending, and end of the loader's name.
    example : str
        The name of a file.
    tree : str
        The expected folders, for messages.
    pattern : str
        Regular expression of the end of a path, without the file's suffix, from the
        start of a folder's or the file's name. Its groups: emotion, speaker, text
        and any others. Paths with equal groups are the same recording.
    values : dict of str to dict of str to str
        Group -> code in the file name -> value. Codes that are missing, and groups
        without a row, keep the code; emotions are all listed.
    counts : dict of (str or None, str) to int
        Number of recordings by (speaker, emotion).
    about, entries : str
        Of the loader's documentation: what the names mean, and what the corpus has.
    read_more : function, default=None
        Takes the folder and the names of the recordings, and returns entries that are
        in other files of the corpus, and what to warn of.
    others : str
        Regular expression like `pattern` of files that belong to the corpus and are
        left out without a warning.
    """

    name: str
    description: str
    example: str
    tree: str
    pattern: str
    values: Mapping
    counts: Mapping
    about: str
    entries: str
    read_more: Callable[[str | os.PathLike, list[str]], Entries] | None = None
    others: str = "(?!)"  # none

    def read(self, name: str) -> dict[str, str] | None:
        """Return what a path without suffix says, by group, or None."""
        match = re.fullmatch(f"(?:.*/)?{self.pattern}", name, re.DOTALL)
        return match and {
            group: self.values.get(group, {}).get(code, code)
            for group, code in match.groupdict().items()
        }

    def load(self, path: str | os.PathLike) -> Corpus:
        """List the recordings of a copy, ordered by path; see `make_loader`."""
        recordings, unknown, repeated = {}, [], []
        found, unreadable = find_audio(Path(path).expanduser())
        for file in found:
            name = os.path.splitext(file)[0].replace(os.sep, "/")
            groups = self.read(name)
            identity = groups and tuple(groups.values())
            if groups is None:
                if not re.fullmatch(f"(?:.*/)?{self.others}", name, re.DOTALL):
                    unknown.append(file)
            elif identity in recordings:
                repeated.append(file)
            else:
                recordings[identity] = {"paths": file, **groups}
        if not recordings:
            tree = describe_missing(self.name, path, self.tree)
            hint = describe_unreadable(path, unreadable)
            raise FileNotFoundError(f"{tree}\n{hint}".rstrip())
        rows = sorted(recordings.values(), key=lambda row: row["paths"])
        columns: dict[str, Any] = {
            _GROUPS.get(key, key): [row[key] for row in rows] for key in rows[0]
        }
        message_of_more = ""
        if self.read_more is not None:
            names = [Path(file).stem for file in columns["paths"]]
            more, message_of_more = self.read_more(path, names)
            columns |= more
        corpus = make_corpus(
            self.name,
            columns,
            target_names=self.values["emotion"].values(),
            expected_counts=dict(self.counts),
            description=read_description(self.description),
        )
        warn_of(
            [
                _describe_left_out(
                    unknown,
                    path,
                    f"they are not named as in {self.name} ({self.example})",
                ),
                _describe_left_out(
                    repeated,
                    path,
                    "their names repeat those of files listed already (is there a "
                    "second copy inside?)",
                ),
                describe_unreadable(path, unreadable),
                message_of_more,
                describe_incomplete(corpus, path),
            ]
        )
        return corpus


def _describe_left_out(files, path, reason):
    """Return the message for files that are left out, or "" for none."""
    names = list_some(map(show_path, files), 5)
    return files and (
        f"{len(files)} audio file(s) in {show_path(path)} left out, because {reason}: "
        f"{names}."
    )


# What the documentation of all loaders has in common.
_DOCUMENTATION = """\
List the recordings of a copy of {name} with their labels.

No audio is read. {about}

Parameters
----------
path : str or os.PathLike
    The folder of the copy; the recordings lie in it or in folders inside. ``~`` is the
    home folder.

Returns
-------
corpus : Corpus
    As described in :class:`~skser.datasets.Corpus`, ordered by path, with:

{entries}

Raises
------
FileNotFoundError
    If there is no recording of {name}; the message shows the expected tree.

Warns
-----
UserWarning
    If the numbers of recordings are not those of the published corpus ({n} in all), if
    audio files have other names or formats that are not read, or if names repeat; such
    files are left out.

See Also
--------
validate : Find out whether the recordings can be used.

Notes
-----
Licence, source and known defects are in ``corpus.DESCR``.

References
----------
.. [1] {reference}

Examples
--------
>>> from skser.datasets import {function}
>>> corpus = {function}("~/corpora/{description}")    # doctest: +SKIP
>>> corpus.paths.shape    # doctest: +SKIP
({n},)
"""


def make_loader(layout: Layout) -> Callable[[str | os.PathLike], Corpus]:
    """Return the public function that reads a corpus, with its documentation."""

    def load(path: str | os.PathLike) -> Corpus:
        return layout.load(path)

    function: Any = load
    function.__name__ = function.__qualname__ = f"load_{layout.description}"
    # Where `pickle` and `help` find it.
    function.__module__ = __package__
    function.layout = layout
    reference = read_description(layout.description).rpartition("\n\n")[2]
    function.__doc__ = _DOCUMENTATION.format(
        name=layout.name.partition(" (")[0],
        about=layout.about,
        entries=layout.entries,
        n=sum(layout.counts.values()),
        reference=textwrap.indent(reference.strip(), "   ").lstrip(),
        function=function.__name__,
        description=layout.description,
    )
    return function


_SIX = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
_EMODB_EMOTIONS = {
    "W": "anger",  # Wut (Ärger)
    "L": "boredom",  # Langeweile
    "E": "disgust",  # Ekel
    "A": "fear",  # Angst
    "F": "happiness",  # Freude
    "N": "neutral",
    "T": "sadness",  # Trauer
}
# In the order of the emotions above; 535 in all.
_EMODB_COUNTS = {
    "03": (14, 5, 1, 4, 7, 11, 7),
    "08": (12, 10, 0, 6, 11, 10, 9),
    "09": (13, 4, 8, 1, 4, 9, 4),
    "10": (10, 8, 1, 8, 4, 4, 3),
    "11": (11, 8, 2, 10, 8, 9, 7),
    "12": (12, 5, 2, 6, 2, 4, 4),
    "13": (12, 10, 8, 7, 10, 9, 5),
    "14": (16, 8, 8, 12, 8, 7, 10),
    "15": (13, 9, 5, 8, 6, 11, 4),
    "16": (14, 14, 11, 7, 11, 5, 9),
}


def _balance(speakers, counts):
    """Give each speaker the same numbers of recordings."""
    return {
        (speaker, label): n for speaker, (label, n) in product(speakers, counts.items())
    }


load_emodb = make_loader(
    Layout(
        name="EmoDB",
        description="emodb",
        example="03a01Fa.wav",
        tree="""\
    <path>/
        wav/              (or the files directly in <path>)
            03a01Fa.wav   speaker 03, text a01, emotion F, version a
            03a01Nc.wav
            ...
        erkennung.txt     what listeners recognised (may be missing)""",
        pattern=r"(?P<speaker>\d{2})(?P<text>[ab]\d{2})(?P<emotion>[WLEAFNT])"
        r"(?P<version>[a-z])",
        values={"emotion": _EMODB_EMOTIONS},
        counts={
            (speaker, label): n
            for speaker, row in _EMODB_COUNTS.items()
            for label, n in zip(_EMODB_EMOTIONS.values(), row, strict=True)
            if n
        },
        about="""\
What the database says about a recording is in its file name:
``03a01Fa.wav`` is speaker 03, text a01, emotion F (Freude, happiness), version a.""",
        entries="""\
    target : ndarray of str of shape (n_samples,)
        Seven emotions.
    groups : ndarray of str of shape (n_samples,)
        Ten speakers: "03", "08" ... "16".
    text_ids : ndarray of str of shape (n_samples,)
        Ten sentences: "a01" ... "b10".
    version : ndarray of str of shape (n_samples,)
        The take: "a", "b" ...
    recognised : ndarray of float of shape (n_samples,)
        The share of listeners who recognised the emotion, NaN where it is not known;
        only if ``erkennung.txt`` is in the folder, or above it.
        Soft labels: :func:`~skser.annotations.distributions_from_shares`.""",
        read_more=read_recognition,
    )
)

load_ravdess = make_loader(
    Layout(
        name="RAVDESS (speech)",
        description="ravdess",
        example="03-01-06-01-02-01-12.wav",
        tree="""\
    <path>/
        Actor_01/         (the folders may be missing, or lie in another folder)
        ...
        Actor_12/
            03-01-06-01-02-01-12.wav   modality 03 (audio), channel 01 (speech),
            ...                        emotion, intensity, statement, repetition, actor
        ...
        Actor_24/""",
        pattern=r"03-01-(?P<emotion>0[1-8])-(?P<intensity>0[12])-(?P<text>0[12])"
        r"-(?P<repetition>0[12])-(?P<speaker>\d{2})",
        values={
            "emotion": {
                "01": "neutral",
                "02": "calm",
                "03": "happiness",
                "04": "sadness",
                "05": "anger",
                "06": "fear",
                "07": "disgust",
                "08": "surprise",
            },
            "intensity": {"01": "normal", "02": "strong"},
        },
        counts=_balance(
            [f"{actor:02d}" for actor in range(1, 25)],
            {"neutral": 4} | dict.fromkeys((*_SIX, "calm"), 8),
        ),
        others=r"0[1-3]-0[12]-0[1-8]-0[12]-0[12]-0[12]-\d{2}",  # song, sound of videos
        about="""\
The file name says everything: ``03-01-06-01-02-01-12.wav`` is
modality 03 (audio), channel 01 (speech), emotion 06 (fear), intensity 01, statement
02, repetition 01, actor 12. Songs and the sound of videos are left out.""",
        entries="""\
    target : ndarray of str of shape (n_samples,)
        Eight emotions, "calm" among them.
    groups : ndarray of str of shape (n_samples,)
        24 speakers: "01" ... "24"; odd numbers are men, even ones women.
    text_ids : ndarray of str of shape (n_samples,)
        Two sentences: "01", "02".
    intensity : ndarray of str of shape (n_samples,)
        "normal" or "strong"; "neutral" is always normal.
    repetition : ndarray of str of shape (n_samples,)
        "01" or "02".""",
    )
)

load_emovo = make_loader(
    Layout(
        name="EMOVO",
        description="emovo",
        example="dis-f1-b1.wav",
        tree="""\
    <path>/
        f1/               (f1 f2 f3 m1 m2 m3; or the files directly in <path>)
            dis-f1-b1.wav   emotion, speaker, sentence
            ...
        ...
        m3/""",
        pattern=r"(?P<emotion>dis|gio|pau|rab|sor|tri|neu)-(?P<speaker>[fm][123])"
        r"-(?P<text>[bdln]\d)",
        values={
            "emotion": {
                "dis": "disgust",  # disgusto
                "gio": "happiness",  # gioia
                "pau": "fear",  # paura
                "rab": "anger",  # rabbia
                "sor": "surprise",  # sorpresa
                "tri": "sadness",  # tristezza
                "neu": "neutral",  # neutro
            }
        },
        counts=_balance(
            ["f1", "f2", "f3", "m1", "m2", "m3"],
            dict.fromkeys((*_SIX, "neutral"), 14),
        ),
        about="""\
The file name says everything: ``gio-f1-b2.wav`` is gioia
(happiness), speaker f1, sentence b2.""",
        entries="""\
    target : ndarray of str of shape (n_samples,)
        Seven emotions.
    groups : ndarray of str of shape (n_samples,)
        Six speakers: the women "f1" ... "f3", the men "m1" ... "m3".
    text_ids : ndarray of str of shape (n_samples,)
        14 sentences: "b1" ... "n5"; five of them ("n") have no meaning.""",
    )
)

load_savee = make_loader(
    Layout(
        name="SAVEE",
        description="savee",
        example="DC/a01.wav or DC_a01.wav",
        tree="""\
    <path>/
        AudioData/        (or the speakers' folders directly in <path>)
            DC/           (DC JE JK KL; or files named DC_a01.wav, without folders)
                a01.wav   emotion a, sentence 01
                ...
            ...
            KL/""",
        pattern=r"(?P<speaker>DC|JE|JK|KL)[/_](?P<text>(?P<emotion>sa|su|[adfhn])\d{2})",
        values={
            "emotion": {
                "a": "anger",
                "d": "disgust",
                "f": "fear",
                "h": "happiness",
                "n": "neutral",
                "sa": "sadness",
                "su": "surprise",
            }
        },
        counts=_balance(
            ["DC", "JE", "JK", "KL"],
            {"neutral": 30} | dict.fromkeys(_SIX, 15),
        ),
        about="""\
Folder and file name say everything: ``DC/sa03.wav``, in other
copies ``DC_sa03.wav``, is speaker DC, sa (sadness), sentence 03.""",
        entries="""\
    target : ndarray of str of shape (n_samples,)
        Seven emotions.
    groups : ndarray of str of shape (n_samples,)
        Four speakers, all men: "DC", "JE", "JK", "KL".
    text_ids : ndarray of str of shape (n_samples,)
        The sentence: "a01" ... "su15". Only the first three of an emotion are
        common to all emotions, and the thirty of "neutral" repeat some of the
        others under numbers of their own.""",
    )
)

load_tess = make_loader(
    Layout(
        name="TESS",
        description="tess",
        example="OAF_back_angry.wav",
        tree="""\
    <path>/
        OAF_angry/        (or the files directly in <path>)
            OAF_back_angry.wav   speaker OAF (older) or YAF (younger), word, emotion
            ...
        OAF_Pleasant_surprise/
            OAF_back_ps.wav
        ...
        YAF_sad/""",
        # One published file lacks a letter: OA_bite_neutral.wav.
        pattern=r"(?P<speaker>OAF?|YAF)_(?P<text>[a-z]+)"
        r"_(?P<emotion>angry|disgust|fear|happy|neutral|ps|sad)",
        values={
            "speaker": {"OA": "OAF"},
            "emotion": {
                "angry": "anger",
                "disgust": "disgust",
                "fear": "fear",
                "happy": "happiness",
                "neutral": "neutral",
                "ps": "surprise",  # pleasant surprise
                "sad": "sadness",
            },
        },
        counts=_balance(
            ["OAF", "YAF"],
            dict.fromkeys((*_SIX, "neutral"), 200),
        ),
        about="""\
The file name says everything: ``OAF_back_ps.wav`` is the older
speaker, the word "back", pleasant surprise.""",
        entries="""\
    target : ndarray of str of shape (n_samples,)
        Seven emotions; "surprise" is pleasant surprise.
    groups : ndarray of str of shape (n_samples,)
        Two speakers, both women: "OAF" (64 years old), "YAF" (26).
    text_ids : ndarray of str of shape (n_samples,)
        The word: "Say the word ...", 200 of them.""",
    )
)

load_crema_d = make_loader(
    Layout(
        name="CREMA-D",
        description="crema_d",
        example="1001_DFA_ANG_XX.wav",
        tree="""\
    <path>/
        AudioWAV/         (or the files directly in <path>)
            1001_DFA_ANG_XX.wav   actor, sentence, emotion, intensity
            1001_IEO_ANG_HI.wav
            ...
        finishedResponses.csv     the votes of listeners (may be missing)
        processedResults/
            tabulatedVotes.csv    their numbers""",
        pattern=r"(?P<speaker>10\d{2})_(?P<text>[A-Z]{3})"
        r"_(?P<emotion>ANG|DIS|FEA|HAP|NEU|SAD)_(?P<intensity>LO|MD|HI|XX?)",
        values={
            "emotion": {
                "ANG": "anger",
                "DIS": "disgust",
                "FEA": "fear",
                "HAP": "happiness",
                "NEU": "neutral",
                "SAD": "sadness",
            },
            "intensity": {
                "LO": "low",
                "MD": "medium",
                "HI": "high",
                "XX": "unspecified",
                "X": "unspecified",
            },
        },
        counts=_balance(
            [None],
            {"neutral": 1087}
            | dict.fromkeys([e for e in _SIX if e != "surprise"], 1271),
        ),
        about="""\
The file name says everything: ``1001_IEO_ANG_HI.wav`` is actor
1001, sentence IEO ("It's eleven o'clock"), anger, high intensity.""",
        entries="""\
    target : ndarray of str of shape (n_samples,)
        Six emotions: the acted ones, not those that listeners perceived.
    groups : ndarray of str of shape (n_samples,)
        91 speakers: "1001" ... "1091".
    text_ids : ndarray of str of shape (n_samples,)
        Twelve sentences: "DFA", "IEO" ...
    intensity : ndarray of str of shape (n_samples,)
        "low", "medium", "high" or, for most recordings, "unspecified".
    votes : ndarray of object of shape (n_samples,)
        What those perceived who heard the voice alone, for
        :func:`~skser.annotations.count_votes`: a dict of session to emotion from
        ``finishedResponses.csv``, or a list of emotions from
        ``processedResults/tabulatedVotes.csv``. Only if one of them is in the folder,
        or above it.""",
        read_more=read_crema_d,
    )
)

_CASIA_EMOTIONS = {
    "angry": "anger",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprise": "surprise",
}
load_casia = make_loader(
    Layout(
        name="CASIA",
        description="casia",
        example="wangzhe/angry/201.wav",
        tree="""\
    <path>/
        liuchanhg/        (liuchanhg wangzhe zhaoquanyin zhaozuoxiang)
            angry/        (angry fear happy neutral sad surprise)
                201.wav   the number of the sentence
                ...
            ...
        ...""",
        pattern=r"(?P<speaker>liuchanhg|wangzhe|zhaoquanyin|zhaozuoxiang)"
        r"/(?P<emotion>angry|fear|happy|neutral|sad|surprise)/(?P<text>\d{3})",
        values={"emotion": _CASIA_EMOTIONS},
        counts=_balance(
            ["liuchanhg", "wangzhe", "zhaoquanyin", "zhaozuoxiang"],
            dict.fromkeys(_CASIA_EMOTIONS.values(), 50),
        ),
        about="""\
The folders and the file name say everything:
``wangzhe/angry/201.wav`` is speaker wangzhe, anger, sentence 201.""",
        entries="""\
    target : ndarray of str of shape (n_samples,)
        Six emotions.
    groups : ndarray of str of shape (n_samples,)
        Four speakers: "liuchanhg", "wangzhe", "zhaoquanyin", "zhaozuoxiang".
    text_ids : ndarray of str of shape (n_samples,)
        The number of the sentence: "201" ... "250".""",
    )
)


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
_COUNTS_OF_KINDS: dict[str, dict] = {
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
# Where the lines of another utterance begin.
_NEXT = re.compile(r"^[ \t]*\[", re.MULTILINE)
_ATTRIBUTES = ("valence", "activation", "dominance")


@validate_params(
    {
        "path": [str, os.PathLike],
        "subset": [StrOptions(set(_SUBSETS))],
        "kind": [StrOptions(set(_COUNTS_OF_KINDS))],
    },
    prefer_skip_nested_validation=True,
)
def load_iemocap(
    path: str | os.PathLike, subset: str = "dataset1", kind: str = "all"
) -> Corpus:
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
        valence, arousal, dominance : ndarray of float of shape (n_samples,)
            Means over the evaluators, from 1 to 5; NaN where they are missing. The
            file calls arousal activation, and so does the entry `activation`, which is
            the same.
        votes, self_votes : ndarray of object of shape (n_samples,)
            What each evaluator heard, and what the actors themselves said: a dict of
            annotator ("E2", "F1") to one of "anger", "disgust", "excitement", "fear",
            "frustration", "happiness", "neutral", "other", "sadness", "surprise", or to
            a tuple of several. :func:`~skser.annotations.count_votes` counts them.
        valence_votes, arousal_votes, dominance_votes : ndarray of object of shape \
                (n_samples,)
            The rating of each evaluator: a dict of annotator to float, for
            :func:`~skser.annotations.mean_ratings`.

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
    classes = _SUBSETS[subset]
    found: list[dict] = []
    missing: list[dict] = []
    for session in _find_sessions(Path(path).expanduser()):
        # Beside the utterances, a session has whole dialogues and thousands of other
        # files.
        audio, _ = find_audio(session / "sentences" / "wav")
        recordings = {Path(file).stem: file for file in audio}
        for utterance in _read_labels(session, classes, kind):
            utterance["paths"] = recordings.get(utterance["turn"])
            (found if utterance["paths"] else missing).append(utterance)
    if not found:
        raise FileNotFoundError(describe_missing("IEMOCAP", path, _TREE))
    counts: Counter = Counter()
    for speaker, row in _COUNTS_OF_KINDS[kind].items():
        for category, n in zip(_CATEGORIES, row, strict=True):
            if category in classes:
                counts[speaker, classes[category]] += n
    corpus = make_corpus(
        "IEMOCAP",
        {key: [row[key] for row in found] for key in found[0]},
        target_names=classes.values(),
        expected_counts=dict(counts),
        description=read_description("iemocap"),
    )
    names = list_some((utterance["turn"] for utterance in missing), 5)
    left_out = missing and (
        f"{len(missing)} labelled utterance(s) in {show_path(path)} left out, "
        f"because their recordings are missing from sentences/wav: {names}."
    )
    warn_of([left_out, describe_incomplete(corpus, path)])
    return corpus


def _find_sessions(folder):
    """Return the folders of the sessions that there are."""
    for root in _ROOTS:
        sessions = [folder / root / session for session in _SESSIONS]
        present = [session for session in sessions if session.is_dir()]
        if present:
            return present
    return []


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
        | read_iemocap(_NEXT.split(text[match.end() :], maxsplit=1)[0])
        for text in texts
        for match in _UTTERANCE.finditer(text)
        if match["category"] in classes and kind in ("all", _KINDS[match["kind"]])
    ]
    return sorted(utterances, key=lambda utterance: utterance["turn"])


def _describe_utterance(match, label):
    """Return the entries of one utterance."""
    numbers = dict.fromkeys(_ATTRIBUTES, float("nan"))
    texts = (match["attributes"] or "").split(",")
    for attribute, text in zip(_ATTRIBUTES, texts, strict=False):
        with suppress(ValueError):
            numbers[attribute] = float(text)
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
        **numbers,
        "arousal": numbers["activation"],
    }
