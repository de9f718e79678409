"""How a copy of the Berlin database of emotional speech (EmoDB) is read."""

import re
import warnings
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

_EMOTIONS = {
    "W": "anger",  # Wut (Ärger)
    "L": "boredom",  # Langeweile
    "E": "disgust",  # Ekel
    "A": "fear",  # Angst
    "F": "happiness",  # Freude
    "N": "neutral",
    "T": "sadness",  # Trauer
}
_NAME = re.compile(r"(?P<speaker>\d{2})(?P<text>[ab]\d{2})(?P<emotion>[WLEAFNT])[a-z]")
_SUFFIXES = {".wav", ".flac"}
_N_FILES = 535

_TREE = """\
    <path>/
        wav/              (or the files directly in <path>)
            03a01Fa.wav   speaker 03, text a01, emotion F, version a
            03a01Nc.wav
            ..."""

_DESCRIPTION = """\
EmoDB, the Berlin database of emotional speech: 535 utterances of ten German sentences
by ten actors (03, 08-16; five women, five men) in seven emotions.

F. Burkhardt, A. Paeschke, M. Rolfes, W. Sendlmeier and B. Weiss, "A database of German
emotional speech", Interspeech 2005, pp. 1517-1520.

The emotion is the acted one; the published files are those of which listeners
recognised the emotion in at least 80 % of cases."""


def load_emodb(path):
    """List the recordings of a copy of EmoDB with their labels.

    No audio is read. What the database says about a recording is in its file name:
    ``03a01Fa.wav`` is speaker 03, text a01, emotion F (Freude, happiness), version a.

    Parameters
    ----------
    path : str or os.PathLike
        The folder of the copy: the files, WAV or FLAC, lie in it or in its folder
        ``wav``. ``~`` is the home folder.

    Returns
    -------
    corpus : :class:`~sklearn.utils.Bunch`
        With, for the files in the order of their names:

        paths : ndarray of str of shape (n_samples,)
            Input for :class:`~skser.audio.AudioLoader`.
        target : ndarray of str of shape (n_samples,)
            The emotion.
        groups : ndarray of str of shape (n_samples,)
            The speaker, for speaker-independent folds: "03", "08" ... "16".
        text_ids : ndarray of str of shape (n_samples,)
            The sentence: "a01" ... "b10".
        target_names : list of str
            The seven emotions, sorted.
        DESCR : str
            What the database is, and its reference.

    Raises
    ------
    FileNotFoundError
        If there is no recording of EmoDB; the message shows the expected tree.

    Warns
    -----
    UserWarning
        If the copy has fewer than 535 recordings, or audio files of other names, which
        are left out.

    References
    ----------
    .. [1] F. Burkhardt, A. Paeschke, M. Rolfes, W. Sendlmeier and B. Weiss, "A database
       of German emotional speech", Interspeech 2005, pp. 1517-1520.

    Examples
    --------
    >>> from skser.datasets import load_emodb
    >>> corpus = load_emodb("~/corpora/emodb")            # doctest: +SKIP
    >>> corpus.paths.shape, corpus.target[0], corpus.groups[0]    # doctest: +SKIP
    ((535,), 'happiness', '03')
    """
    files = _find_audio(Path(path).expanduser())
    matches = {file: _NAME.fullmatch(file.stem) for file in files}
    known = [file for file, match in matches.items() if match]
    if not known:
        raise FileNotFoundError(
            f"No recording of EmoDB in {str(path)!r}. Expected this tree:\n{_TREE}"
        )
    _warn_of_differences(path, known, [f for f, match in matches.items() if not match])
    return Bunch(
        paths=np.array([str(file) for file in known]),
        target=np.array([_EMOTIONS[matches[file]["emotion"]] for file in known]),
        target_names=sorted(_EMOTIONS.values()),
        groups=np.array([matches[file]["speaker"] for file in known]),
        text_ids=np.array([matches[file]["text"] for file in known]),
        DESCR=_DESCRIPTION,
    )


def _find_audio(folder):
    """Return the audio files of a folder, or else of its folder ``wav``, by name."""
    for candidate in (folder / "wav", folder):
        if candidate.is_dir():
            files = sorted(candidate.iterdir())
            audio = [file for file in files if file.suffix.lower() in _SUFFIXES]
            if audio:
                return audio
    return []


def _warn_of_differences(path, known, unknown):
    """Say how a copy differs from the published database."""
    if unknown:
        names = ", ".join(file.name for file in unknown[:5])
        warnings.warn(
            f"{len(unknown)} audio file(s) in {str(path)!r} left out, because they are "
            f"not named as in EmoDB (03a01Fa.wav): {names}"
            f"{', ...' if len(unknown) > 5 else ''}.",
            UserWarning,
            stacklevel=3,
        )
    if len(known) != _N_FILES:
        warnings.warn(
            f"{str(path)!r} has {len(known)} recordings; the published EmoDB has "
            f"{_N_FILES}.",
            UserWarning,
            stacklevel=3,
        )
