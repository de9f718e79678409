"""Which acted corpora can be read, and what their file names mean.

The table comes first, one :class:`~skser.datasets._layouts.Layout` a corpus; the public
functions below only differ in what they document.
"""

from itertools import product

from skser.datasets._layouts import Layout, load_layout

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


_EMODB = Layout(
    name="EmoDB",
    description="emodb",
    example="03a01Fa.wav",
    tree="""\
    <path>/
        wav/              (or the files directly in <path>)
            03a01Fa.wav   speaker 03, text a01, emotion F, version a
            03a01Nc.wav
            ...""",
    pattern=r"(?P<speaker>\d{2})(?P<text>[ab]\d{2})(?P<emotion>[WLEAFNT])"
    r"(?P<version>[a-z])",
    values={"emotion": _EMODB_EMOTIONS},
    counts={
        (speaker, label): n
        for speaker, row in _EMODB_COUNTS.items()
        for label, n in zip(_EMODB_EMOTIONS.values(), row, strict=True)
        if n
    },
)

_RAVDESS = Layout(
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
        {"neutral": 4}
        | dict.fromkeys(
            ["calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise"], 8
        ),
    ),
    others=r"0[1-3]-0[12]-0[1-8]-0[12]-0[12]-0[12]-\d{2}",  # song, sound of videos
)

_EMOVO = Layout(
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
        dict.fromkeys(
            ["disgust", "happiness", "fear", "anger", "surprise", "sadness", "neutral"],
            14,
        ),
    ),
)

_SAVEE = Layout(
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
        {"neutral": 30}
        | dict.fromkeys(
            ["anger", "disgust", "fear", "happiness", "sadness", "surprise"], 15
        ),
    ),
)

_TESS = Layout(
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
        dict.fromkeys(
            ["anger", "disgust", "fear", "happiness", "neutral", "surprise", "sadness"],
            200,
        ),
    ),
)

_CREMA_D = Layout(
    name="CREMA-D",
    description="crema_d",
    example="1001_DFA_ANG_XX.wav",
    tree="""\
    <path>/
        AudioWAV/         (or the files directly in <path>)
            1001_DFA_ANG_XX.wav   actor, sentence, emotion, intensity
            1001_IEO_ANG_HI.wav
            ...""",
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
        {
            "anger": 1271,
            "disgust": 1271,
            "fear": 1271,
            "happiness": 1271,
            "neutral": 1087,
            "sadness": 1271,
        },
    ),
)

_CASIA_EMOTIONS = {
    "angry": "anger",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprise": "surprise",
}
_CASIA = Layout(
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
)

LAYOUTS = (_EMODB, _RAVDESS, _EMOVO, _SAVEE, _TESS, _CREMA_D, _CASIA)


def load_emodb(path):
    """List the recordings of a copy of EmoDB with their labels.

    No audio is read. What the database says about a recording is in its file name:
    ``03a01Fa.wav`` is speaker 03, text a01, emotion F (Freude, happiness), version a.

    Parameters
    ----------
    path : str or os.PathLike
        The folder of the copy; the files, WAV or FLAC, lie in it or in a folder inside,
        for instance ``wav``. ``~`` is the home folder.

    Returns
    -------
    corpus : Corpus
        As described in :class:`~skser.datasets.Corpus`, ordered by path, with:

        target : ndarray of str of shape (n_samples,)
            Seven emotions.
        groups : ndarray of str of shape (n_samples,)
            Ten speakers: "03", "08" ... "16".
        text_ids : ndarray of str of shape (n_samples,)
            Ten sentences: "a01" ... "b10".
        version : ndarray of str of shape (n_samples,)
            The take: "a", "b" ...

    Raises
    ------
    FileNotFoundError
        If there is no recording of EmoDB; the message shows the expected tree.

    Warns
    -----
    UserWarning
        If the numbers of recordings are not those of the published corpus (535 in
        all), if audio files have other names, or if names repeat; such files are
        left out.

    See Also
    --------
    validate : Find out whether the recordings can be used.

    References
    ----------
    .. [1] F. Burkhardt, A. Paeschke, M. Rolfes, W. Sendlmeier and B. Weiss, "A database
       of German emotional speech", Interspeech 2005, pp. 1517-1520.

    Examples
    --------
    >>> from skser.datasets import load_emodb
    >>> corpus = load_emodb("~/corpora/emodb")    # doctest: +SKIP
    >>> len(corpus.paths), corpus.target[0], corpus.groups[0]    # doctest: +SKIP
    (535, 'happiness', '03')
    """
    return load_layout(_EMODB, path)


def load_ravdess(path):
    """List the recordings of a copy of RAVDESS with their labels.

    No audio is read. The file name says everything: ``03-01-06-01-02-01-12.wav`` is
    modality 03 (audio), channel 01 (speech), emotion 06 (fear), intensity 01, statement
    02, repetition 01, actor 12. Songs and the sound of videos are left out.

    Parameters
    ----------
    path : str or os.PathLike
        The folder of the copy; the files, WAV or FLAC, lie in it or in folders inside.
        ``~`` is the home folder.

    Returns
    -------
    corpus : Corpus
        As described in :class:`~skser.datasets.Corpus`, ordered by path, with:

        target : ndarray of str of shape (n_samples,)
            Eight emotions, "calm" among them.
        groups : ndarray of str of shape (n_samples,)
            24 speakers: "01" ... "24"; odd numbers are men, even ones women.
        text_ids : ndarray of str of shape (n_samples,)
            Two sentences: "01", "02".
        intensity : ndarray of str of shape (n_samples,)
            "normal" or "strong"; "neutral" is always normal.
        repetition : ndarray of str of shape (n_samples,)
            "01" or "02".

    Raises
    ------
    FileNotFoundError
        If there is no recording of RAVDESS; the message shows the expected tree.

    Warns
    -----
    UserWarning
        If the numbers of recordings are not those of the published corpus (1440 in
        all), if audio files have other names, or if names repeat; such files are
        left out.

    See Also
    --------
    validate : Find out whether the recordings can be used.

    References
    ----------
    .. [1] S. R. Livingstone and F. A. Russo, "The Ryerson Audio-Visual Database of
       Emotional Speech and Song (RAVDESS)", PLoS ONE 13(5), e0196391, 2018.

    Examples
    --------
    >>> from skser.datasets import load_ravdess
    >>> corpus = load_ravdess("~/corpora/ravdess")    # doctest: +SKIP
    >>> len(corpus.paths), corpus.target[0], corpus.groups[0]    # doctest: +SKIP
    (1440, 'neutral', '01')
    """
    return load_layout(_RAVDESS, path)


def load_emovo(path):
    """List the recordings of a copy of EMOVO with their labels.

    No audio is read. The file name says everything: ``gio-f1-b2.wav`` is gioia
    (happiness), speaker f1, sentence b2.

    Parameters
    ----------
    path : str or os.PathLike
        The folder of the copy; the files, WAV or FLAC, lie in it or in folders inside.
        ``~`` is the home folder.

    Returns
    -------
    corpus : Corpus
        As described in :class:`~skser.datasets.Corpus`, ordered by path, with:

        target : ndarray of str of shape (n_samples,)
            Seven emotions.
        groups : ndarray of str of shape (n_samples,)
            Six speakers: the women "f1" ... "f3", the men "m1" ... "m3".
        text_ids : ndarray of str of shape (n_samples,)
            14 sentences: "b1" ... "n5"; five of them ("n") have no meaning.

    Raises
    ------
    FileNotFoundError
        If there is no recording of EMOVO; the message shows the expected tree.

    Warns
    -----
    UserWarning
        If the numbers of recordings are not those of the published corpus (588 in
        all), if audio files have other names, or if names repeat; such files are
        left out.

    See Also
    --------
    validate : Find out whether the recordings can be used.

    References
    ----------
    .. [1] G. Costantini, I. Iaderola, A. Paoloni and M. Todisco, "EMOVO corpus: an
       Italian emotional speech database", LREC 2014, pp. 3501-3504.

    Examples
    --------
    >>> from skser.datasets import load_emovo
    >>> corpus = load_emovo("~/corpora/emovo")    # doctest: +SKIP
    >>> len(corpus.paths), corpus.target[0], corpus.groups[0]    # doctest: +SKIP
    (588, 'disgust', 'f1')
    """
    return load_layout(_EMOVO, path)


def load_savee(path):
    """List the recordings of a copy of SAVEE with their labels.

    No audio is read. Folder and file name say everything: ``DC/sa03.wav``, in other
    copies ``DC_sa03.wav``, is speaker DC, sa (sadness), sentence 03.

    Parameters
    ----------
    path : str or os.PathLike
        The folder of the copy; the speakers' folders, or the files of the longer names,
        lie in it or in a folder inside, WAV or FLAC. ``~`` is the home folder.

    Returns
    -------
    corpus : Corpus
        As described in :class:`~skser.datasets.Corpus`, ordered by path, with:

        target : ndarray of str of shape (n_samples,)
            Seven emotions.
        groups : ndarray of str of shape (n_samples,)
            Four speakers, all men: "DC", "JE", "JK", "KL".
        text_ids : ndarray of str of shape (n_samples,)
            The sentence: "a01" ... "su15". Only the first three of an emotion are
            common to all emotions, and the thirty of "neutral" repeat some of the
            others under numbers of their own.

    Raises
    ------
    FileNotFoundError
        If there is no recording of SAVEE; the message shows the expected tree.

    Warns
    -----
    UserWarning
        If the numbers of recordings are not those of the published corpus (480 in
        all), if audio files have other names, or if names repeat; such files are
        left out.

    See Also
    --------
    validate : Find out whether the recordings can be used.

    References
    ----------
    .. [1] S. Haq and P. J. B. Jackson, "Multimodal emotion recognition", in Machine
       Audition: Principles, Algorithms and Systems, IGI Global, 2010, pp. 398-423.

    Examples
    --------
    >>> from skser.datasets import load_savee
    >>> corpus = load_savee("~/corpora/savee")    # doctest: +SKIP
    >>> len(corpus.paths), corpus.target[0], corpus.groups[0]    # doctest: +SKIP
    (480, 'anger', 'DC')
    """
    return load_layout(_SAVEE, path)


def load_tess(path):
    """List the recordings of a copy of TESS with their labels.

    No audio is read. The file name says everything: ``OAF_back_ps.wav`` is the older
    speaker, the word "back", pleasant surprise.

    Parameters
    ----------
    path : str or os.PathLike
        The folder of the copy; the files, WAV or FLAC, lie in it or in folders inside.
        ``~`` is the home folder.

    Returns
    -------
    corpus : Corpus
        As described in :class:`~skser.datasets.Corpus`, ordered by path, with:

        target : ndarray of str of shape (n_samples,)
            Seven emotions; "surprise" is pleasant surprise.
        groups : ndarray of str of shape (n_samples,)
            Two speakers, both women: "OAF" (64 years old), "YAF" (26).
        text_ids : ndarray of str of shape (n_samples,)
            The word: "Say the word ...", 200 of them.

    Raises
    ------
    FileNotFoundError
        If there is no recording of TESS; the message shows the expected tree.

    Warns
    -----
    UserWarning
        If the numbers of recordings are not those of the published corpus (2800 in
        all), if audio files have other names, or if names repeat; such files are
        left out.

    See Also
    --------
    validate : Find out whether the recordings can be used.

    Notes
    -----
    With two speakers, a speaker-independent evaluation has two folds and trains on one
    voice. Random folds put the same voice and words on both sides.

    References
    ----------
    .. [1] M. K. Pichora-Fuller and K. Dupuis, "Toronto emotional speech set (TESS)",
       University of Toronto, 2010.

    Examples
    --------
    >>> from skser.datasets import load_tess
    >>> corpus = load_tess("~/corpora/tess")    # doctest: +SKIP
    >>> len(corpus.paths), corpus.target[0], corpus.groups[0]    # doctest: +SKIP
    (2800, 'anger', 'OAF')
    """
    return load_layout(_TESS, path)


def load_crema_d(path):
    """List the recordings of a copy of CREMA-D with their labels.

    No audio is read. The file name says everything: ``1001_IEO_ANG_HI.wav`` is actor
    1001, sentence IEO ("It's eleven o'clock"), anger, high intensity.

    Parameters
    ----------
    path : str or os.PathLike
        The folder of the copy; the files, WAV or FLAC, lie in it or in a folder inside,
        for instance ``AudioWAV``. ``~`` is the home folder.

    Returns
    -------
    corpus : Corpus
        As described in :class:`~skser.datasets.Corpus`, ordered by path, with:

        target : ndarray of str of shape (n_samples,)
            Six emotions: the acted ones, not those that listeners perceived.
        groups : ndarray of str of shape (n_samples,)
            91 speakers: "1001" ... "1091".
        text_ids : ndarray of str of shape (n_samples,)
            Twelve sentences: "DFA", "IEO" ...
        intensity : ndarray of str of shape (n_samples,)
            "low", "medium", "high" or, for most recordings, "unspecified".

    Raises
    ------
    FileNotFoundError
        If there is no recording of CREMA-D; the message shows the expected tree.

    Warns
    -----
    UserWarning
        If the numbers of recordings are not those of the published corpus (7442 in
        all), if audio files have other names, or if names repeat; such files are
        left out.

    See Also
    --------
    validate : Find out whether the recordings can be used.

    Notes
    -----
    ``1076_MTI_SAD_XX.wav`` has no sound and ``1064_IEO_DIS_MD.wav`` holds a whole
    series of takes. They are listed, as published; ``validate(corpus, decode=True)``
    reports them.

    References
    ----------
    .. [1] H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova and R. Verma,
       "CREMA-D: Crowd-sourced emotional multimodal actors dataset", IEEE Trans. on
       Affective Computing 5(4), 2014, pp. 377-390.

    Examples
    --------
    >>> from skser.datasets import load_crema_d
    >>> corpus = load_crema_d("~/corpora/crema_d")    # doctest: +SKIP
    >>> len(corpus.paths), corpus.target[0], corpus.groups[0]    # doctest: +SKIP
    (7442, 'anger', '1001')
    """
    return load_layout(_CREMA_D, path)


def load_casia(path):
    """List the recordings of a copy of CASIA with their labels.

    No audio is read. The folders and the file name say everything:
    ``wangzhe/angry/201.wav`` is speaker wangzhe, anger, sentence 201.

    Parameters
    ----------
    path : str or os.PathLike
        The folder of the copy; the speakers' folders lie in it or in a folder inside,
        with WAV or FLAC files. ``~`` is the home folder.

    Returns
    -------
    corpus : Corpus
        As described in :class:`~skser.datasets.Corpus`, ordered by path, with:

        target : ndarray of str of shape (n_samples,)
            Six emotions.
        groups : ndarray of str of shape (n_samples,)
            Four speakers: "liuchanhg", "wangzhe", "zhaoquanyin", "zhaozuoxiang".
        text_ids : ndarray of str of shape (n_samples,)
            The number of the sentence: "201" ... "250".

    Raises
    ------
    FileNotFoundError
        If there is no recording of CASIA; the message shows the expected tree.

    Warns
    -----
    UserWarning
        If the numbers of recordings are not those of the published corpus (1200 in
        all), if audio files have other names, or if names repeat; such files are
        left out.

    See Also
    --------
    validate : Find out whether the recordings can be used.

    Notes
    -----
    These are the 1200 recordings that are passed on to researchers, of 9600 that were
    made. The speakers' names are spelled as in the folders.

    References
    ----------
    .. [1] Institute of Automation, Chinese Academy of Sciences, "CASIA Mandarin
       emotional corpus", Chinese Linguistic Data Consortium.

    Examples
    --------
    >>> from skser.datasets import load_casia
    >>> corpus = load_casia("~/corpora/casia")    # doctest: +SKIP
    >>> len(corpus.paths), corpus.target[0], corpus.groups[0]    # doctest: +SKIP
    (1200, 'anger', 'liuchanhg')
    """
    return load_layout(_CASIA, path)
