import inspect
import os
import pickle
import time
from collections import Counter
from functools import cache
from itertools import product

import numpy as np
import pytest

from skser import datasets


def name_ravdess():
    """All names of the speech, by the publisher's rule."""
    return [
        f"Actor_{actor:02d}/03-01-{emotion:02d}-{intensity:02d}-{statement:02d}"
        f"-{repetition:02d}-{actor:02d}.wav"
        for actor, emotion, intensity, statement, repetition in product(
            range(1, 25), range(1, 9), (1, 2), (1, 2), (1, 2)
        )
        if not (emotion == 1 and intensity == 2)  # neutral is never strong
    ]


def name_emovo():
    sentences = [
        "b1",
        "b2",
        "b3",
        "d1",
        "d2",
        "l1",
        "l2",
        "l3",
        "l4",
        "n1",
        "n2",
        "n3",
        "n4",
        "n5",
    ]
    emotions = ["dis", "gio", "neu", "pau", "rab", "sor", "tri"]
    return [
        f"{speaker}/{emotion}-{speaker}-{sentence}.wav"
        for speaker, emotion, sentence in product(
            ["f1", "f2", "f3", "m1", "m2", "m3"], emotions, sentences
        )
    ]


def name_savee():
    numbers = [("n", 30), *((code, 15) for code in ("a", "d", "f", "h", "sa", "su"))]
    return [
        f"AudioData/{speaker}/{code}{i:02d}.wav"
        for speaker in ("DC", "JE", "JK", "KL")
        for code, n in numbers
        for i in range(1, n + 1)
    ]


def name_tess():
    letters = "abcdefghijklmnopqrst"
    words = [f"w{a}{b}" for a, b in product(letters, letters[:10])]
    folders = {
        "angry": ("OAF_angry", "YAF_angry"),
        "disgust": ("OAF_disgust", "YAF_disgust"),
        "fear": ("OAF_Fear", "YAF_fear"),
        "happy": ("OAF_happy", "YAF_happy"),
        "neutral": ("OAF_neutral", "YAF_neutral"),
        "ps": ("OAF_Pleasant_surprise", "YAF_pleasant_surprised"),
        "sad": ("OAF_Sad", "YAF_sad"),
    }
    return [
        f"{folder}/{folder[:3]}_{word}_{emotion}.wav"
        for emotion, pair in folders.items()
        for folder in pair
        for word in words
    ]


def name_crema_d():
    others = [
        "DFA",
        "ITH",
        "ITS",
        "IWL",
        "IWW",
        "IOM",
        "MTI",
        "TAI",
        "TIE",
        "TSI",
        "WSI",
    ]
    emotions = ["ANG", "DIS", "FEA", "HAP", "SAD"]
    names = []
    for actor in range(1001, 1092):
        names += [f"{actor}_{s}_{e}_XX" for s in others for e in [*emotions, "NEU"]]
        names += [f"{actor}_IEO_{e}_{i}" for e in emotions for i in ("LO", "MD", "HI")]
        names += [f"{actor}_IEO_NEU_XX"]
    # Three takes of each emotion and five neutral ones were never published.
    gone = {f"{actor}_DFA_{e}_XX" for e in emotions for actor in (1001, 1002, 1003)}
    gone |= {f"{actor}_DFA_NEU_XX" for actor in range(1001, 1006)}
    return [f"AudioWAV/{name}.wav" for name in names if name not in gone]


def name_casia():
    return [
        f"{speaker}/{emotion}/{number}.wav"
        for speaker, emotion, number in product(
            ["liuchanhg", "wangzhe", "zhaoquanyin", "zhaozuoxiang"],
            ["angry", "fear", "happy", "neutral", "sad", "surprise"],
            range(201, 251),
        )
    ]


SIX = ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]


@pytest.fixture(scope="module")
def whole_copy(make_shared_files):
    """Return a function that makes a whole copy, once for all tests."""
    return cache(lambda corpus_name: make_shared_files(WHOLE_COPIES[corpus_name][1]()))


# Loader, names of a whole copy, its size, size of its classes, numbers of speakers,
# of texts.
WHOLE_COPIES = {
    "ravdess": (
        datasets.load_ravdess,
        name_ravdess,
        1440,
        {"neutral": 96} | dict.fromkeys([*SIX, "calm"], 192),
        24,
        2,
    ),
    "emovo": (
        datasets.load_emovo,
        name_emovo,
        588,
        dict.fromkeys([*SIX, "neutral"], 84),
        6,
        14,
    ),
    "savee": (
        datasets.load_savee,
        name_savee,
        480,
        {"neutral": 120} | dict.fromkeys(SIX, 60),
        4,
        120,
    ),
    "tess": (
        datasets.load_tess,
        name_tess,
        2800,
        dict.fromkeys([*SIX, "neutral"], 400),
        2,
        200,
    ),
    "crema_d": (
        datasets.load_crema_d,
        name_crema_d,
        7442,
        {"neutral": 1087} | dict.fromkeys(SIX[:5], 1271),
        91,
        12,
    ),
    "casia": (
        datasets.load_casia,
        name_casia,
        1200,
        dict.fromkeys(
            ["anger", "fear", "happiness", "neutral", "sadness", "surprise"], 200
        ),
        4,
        50,
    ),
}

# Loader, file, emotion, speaker, text, what else is known.
SINGLE_FILES = [
    (
        datasets.load_emodb,
        "wav/16b10Td.wav",
        ("sadness", "16", "b10"),
        {"version": "d"},
    ),
    (
        datasets.load_ravdess,
        "Actor_12/03-01-06-01-02-01-12.wav",
        ("fear", "12", "02"),
        {"intensity": "normal", "repetition": "01"},
    ),
    (
        datasets.load_ravdess,
        "audio/Actor_01/03-01-08-02-01-02-01.WAV",
        ("surprise", "01", "01"),
        {"intensity": "strong", "repetition": "02"},
    ),
    (datasets.load_emovo, "f2/gio-f2-b2.wav", ("happiness", "f2", "b2"), {}),
    (datasets.load_emovo, "tri-m3-n5.wav", ("sadness", "m3", "n5"), {}),
    (datasets.load_savee, "AudioData/JK/sa03.wav", ("sadness", "JK", "sa03"), {}),
    (datasets.load_savee, "DC/su15.flac", ("surprise", "DC", "su15"), {}),
    (datasets.load_savee, "ALL/KL_n30.wav", ("neutral", "KL", "n30"), {}),
    (
        datasets.load_tess,
        "YAF_pleasant_surprised/YAF_food_ps.wav",
        ("surprise", "YAF", "food"),
        {},
    ),
    (datasets.load_tess, "OAF_back_angry.WAV", ("anger", "OAF", "back"), {}),
    (
        datasets.load_tess,
        "OAF_neutral/OA_bite_neutral.wav",
        ("neutral", "OAF", "bite"),
        {},
    ),
    (
        datasets.load_crema_d,
        "AudioWAV/1001_IEO_ANG_HI.wav",
        ("anger", "1001", "IEO"),
        {"intensity": "high"},
    ),
    (
        datasets.load_crema_d,
        "1040_ITH_SAD_X.wav",
        ("sadness", "1040", "ITH"),
        {"intensity": "unspecified"},
    ),
    (datasets.load_casia, "wangzhe/angry/201.wav", ("anger", "wangzhe", "201"), {}),
    (
        datasets.load_casia,
        "CASIA/zhaoquanyin/sad/250.wav",
        ("sadness", "zhaoquanyin", "250"),
        {},
    ),
]

LOADERS = [datasets.load_emodb, *(row[0] for row in WHOLE_COPIES.values())]
EXAMPLES = {loader: file for loader, file, *_ in reversed(SINGLE_FILES)}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("corpus_name", WHOLE_COPIES)
def test_a_whole_copy_has_the_published_numbers_and_no_warning(whole_copy, corpus_name):
    load, _, n, classes, n_speakers, n_texts = WHOLE_COPIES[corpus_name]
    corpus = load(whole_copy(corpus_name))
    assert len(corpus.paths) == n
    assert Counter(corpus.target.tolist()) == classes
    assert len(set(corpus.groups)) == n_speakers
    assert len(set(corpus.text_ids)) == n_texts
    assert corpus.target_names == sorted(classes)
    assert corpus.sessions is None
    assert corpus.splits is None
    assert sum(corpus.expected_counts.values()) == n


@pytest.mark.filterwarnings("ignore:.*the published")
@pytest.mark.parametrize(
    ("load", "file", "labels", "others"),
    SINGLE_FILES,
    ids=lambda value: getattr(value, "__name__", str(value))[:30],
)
def test_the_name_of_a_file_says_everything(make_files, load, file, labels, others):
    root = make_files([file])
    corpus = load(root)
    assert corpus.paths.tolist() == [os.path.join(root, *file.split("/"))]
    assert (corpus.target[0], corpus.groups[0], corpus.text_ids[0]) == labels
    assert {key: corpus[key].tolist() for key in others} == {
        key: [value] for key, value in others.items()
    }


@pytest.mark.parametrize("load", LOADERS)
def test_hidden_files_and_those_of_archives_are_no_recordings(make_files, load):
    file = EXAMPLES[load]
    folder, _, name = file.rpartition("/")
    hidden = [
        f"{folder or '.'}/._{name}",
        ".DS_Store",
        f"__MACOSX/{folder}/{name}",
        f".cache/{folder}/{name}",
        "readme.txt",
    ]
    with pytest.warns(UserWarning, match="has 1 recordings") as caught:
        corpus = load(make_files([file, *hidden]))
    assert len(caught) == 1  # none of names that are unknown or repeat
    assert not {"._", "__MACOSX", ".cache"} & set(corpus.paths[0].split(os.sep))


@pytest.mark.parametrize("load", LOADERS)
def test_a_wrong_folder_is_answered_with_the_tree_and_the_reason(
    make_files, tmp_path, load
):
    root = make_files(["other/song.wav", "readme.txt"])
    with pytest.raises(FileNotFoundError, match=r"(?s)No recording of .*tree.*<path>/"):
        load(root)
    with pytest.raises(FileNotFoundError, match=r"'.*nowhere'\. There is no such"):
        load(tmp_path / "nowhere")


def test_a_home_folder_that_exists_is_not_called_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "emovo").mkdir()
    with pytest.raises(FileNotFoundError, match=r"in '~/emovo'\. Expected this tree"):
        datasets.load_emovo("~/emovo")


@pytest.mark.parametrize("load", LOADERS)
def test_the_example_of_a_layout_is_in_its_tree_and_fits_its_pattern(load):
    layout = load.layout
    example = layout.example.partition(" or ")[0]
    assert layout.read(example.removesuffix(".wav"))
    assert example.split("/")[-1] in layout.tree
    assert {label for _, label in layout.counts} == set(
        layout.values["emotion"].values()
    )


@pytest.mark.parametrize("load", LOADERS)
def test_a_loader_is_documented_named_and_can_be_pickled(load):
    assert getattr(datasets, load.__name__) is load
    assert pickle.loads(pickle.dumps(load)) is load
    assert list(inspect.signature(load).parameters) == ["path"]
    documentation = inspect.getdoc(load)
    assert documentation.startswith("List the recordings of a copy of ")
    for section in ("Parameters", "Returns", "Raises", "Warns", "References"):
        assert f"\n{section}\n{'-' * len(section)}\n" in documentation
    assert f"{sum(load.layout.counts.values())} in all" in documentation
    assert f">>> corpus = {load.__name__}(" in documentation
    for entry in ("target", "groups", "text_ids"):
        assert f"    {entry} : ndarray of str" in documentation


@pytest.mark.filterwarnings("ignore:.*the published")
@pytest.mark.parametrize("load", LOADERS)
def test_the_description_says_licence_source_counts_and_defects(make_files, load):
    text = load(make_files([EXAMPLES[load]])).DESCR
    for field in (":Licence:", ":Obtain:", ":Counts:", ":Known defects:"):
        assert field in text
    assert "http" not in text


def test_a_partial_copy_is_compared_by_speaker_and_emotion(make_files):
    names = [name for name in name_emovo() if name not in ("f1/dis-f1-b1.wav",)]
    names = [name for name in names if not name.startswith("m3/")]
    with pytest.warns(
        UserWarning, match="has 489 recordings; .* EMOVO has 588"
    ) as caught:
        datasets.load_emovo(make_files(names))
    message = str(caught[0].message)
    assert "f1: disgust 13 (14); m3: none (98)." in message
    assert "f2" not in message
    assert caught[0].filename == __file__


def test_without_counts_by_speaker_the_emotions_are_compared(whole_copy):
    root = whole_copy("crema_d")
    file = root / "AudioWAV" / "1001_TIE_ANG_XX.wav"
    file.unlink()
    with pytest.warns(UserWarning, match="7441 .* all speakers: anger 1270") as caught:
        datasets.load_crema_d(root)
    file.touch()
    assert len(caught) == 1


@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".opus", ".aiff", ".AU", ".w64"])
def test_every_format_that_can_be_read_is_listed(make_files, suffix):
    names = [f"gio-f1-b1{suffix}", "gio-f1-b2.wav", "erkennung.txt"]
    with pytest.warns(UserWarning, match="has 2 recordings") as caught:
        corpus = datasets.load_emovo(make_files(names))
    assert len(caught) == 1
    assert len(corpus.paths) == 2


@pytest.mark.filterwarnings("ignore:.*the published")
def test_formats_that_cannot_be_read_are_said_with_the_reason(make_files):
    names = ["gio-f1-b1.m4a", "gio-f1-b2.wav", "gio-f1-b3.mp3", "gio-f1-b4.WMA"]
    with pytest.warns(UserWarning, match="does not read") as caught:
        corpus = datasets.load_emovo(make_files(names))
    said = [str(warning.message) for warning in caught]
    assert len(said) == 2
    assert "2 audio file(s) in " in said[0]
    assert (
        "libsndfile does not read their format: gio-f1-b1.m4a, gio-f1-b4.WMA"
        in (said[0])
    )
    assert "has 2 recordings" in said[1]
    assert len(corpus.paths) == 2


def test_a_folder_of_nothing_that_can_be_read_says_so(make_files):
    with pytest.raises(FileNotFoundError, match=r"(?s)tree.*does not read.*b1\.m4a"):
        datasets.load_emovo(make_files(["gio-f1-b1.m4a"]))


@pytest.mark.filterwarnings("ignore:.*the published")
def test_of_two_formats_of_a_recording_the_one_without_loss_is_taken(make_files):
    with pytest.warns(UserWarning, match="names repeat .*f1-b1.mp3") as caught:
        corpus = datasets.load_emovo(make_files(["gio-f1-b1.mp3", "gio-f1-b1.wav"]))
    assert len(caught) == 2
    assert [os.path.basename(path) for path in corpus.paths] == ["gio-f1-b1.wav"]


def test_many_differences_are_cut_short(make_files):
    with pytest.warns(UserWarning, match=r"01: none \(60\); .* and 14 more\."):
        datasets.load_ravdess(make_files(["03-01-06-01-02-01-12.wav"]))


@pytest.mark.parametrize(
    "second", ["Actor_01", "audio_speech_actors_01-24/Actor_01", "other/Actor_01"]
)
def test_a_second_copy_inside_is_left_out(make_files, second):
    names = name_ravdess()
    suffix = ".flac" if second == "Actor_01" else ".wav"
    repeated = [
        f"{second}/{name[9:-4]}{suffix}" for name in names if "Actor_01" in name
    ]
    with pytest.warns(UserWarning, match=r"60 audio file\(s\) .* repeat") as caught:
        corpus = datasets.load_ravdess(make_files([*names, *repeated]))
    assert len(caught) == 1
    assert len(corpus.paths) == 1440


@pytest.mark.filterwarnings("error")
def test_songs_and_videos_of_ravdess_are_left_out_without_a_word(make_files):
    song = "Audio_Song_Actors_01-24/Actor_01/03-02-06-01-02-01-01.wav"
    video = "Actor_01/01-01-06-01-02-01-01.wav"
    corpus = datasets.load_ravdess(make_files([*name_ravdess(), song, video]))
    assert len(corpus.paths) == 1440


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_linked_folders_are_followed_but_not_in_circles(make_files):
    disk = make_files(["gio-f1-b1.wav"], "disk")
    root = make_files(["f2/gio-f2-b1.wav"])
    (root / "f1").symlink_to(disk)
    (root / "f2" / "circle").symlink_to(root)
    with pytest.warns(UserWarning, match="has 2 recordings") as caught:
        corpus = datasets.load_emovo(root)
    assert corpus.groups.tolist() == ["f1", "f2"]
    assert len(caught) == 1  # none of names that repeat


def test_folders_far_below_are_not_searched(make_files):
    with pytest.raises(FileNotFoundError):
        datasets.load_emovo(make_files(["1/2/3/4/5/6/gio-f1-b1.wav"]))


@pytest.mark.filterwarnings("ignore:.*the published")
def test_the_working_directory_can_be_the_corpus(make_files, monkeypatch):
    monkeypatch.chdir(make_files(["gio-f1-b1.wav"]))
    corpus = datasets.load_emovo(".")
    assert os.path.isabs(corpus.paths[0])


def test_the_counts_of_emodb_add_up():
    counts = datasets.load_emodb.layout.counts
    assert sum(counts.values()) == 535
    assert ("08", "disgust") not in counts
    classes = Counter()
    for (_, label), n in counts.items():
        classes[label] += n
    assert classes == {
        "anger": 127,
        "boredom": 81,
        "disgust": 46,
        "fear": 69,
        "happiness": 71,
        "neutral": 79,
        "sadness": 62,
    }


@pytest.mark.filterwarnings("error")
def test_listing_seven_thousand_files_takes_less_than_two_seconds(whole_copy):
    root = whole_copy("crema_d")
    start = time.process_time()
    datasets.load_crema_d(root)
    assert time.process_time() - start < 2


@pytest.mark.filterwarnings("ignore:.*the published")
def test_the_arrays_are_numpy_strings(make_files):
    corpus = datasets.load_emovo(make_files(["gio-f1-b1.wav", "tri-m1-b1.wav"]))
    for key in ("paths", "target", "groups", "text_ids"):
        assert isinstance(corpus[key], np.ndarray)
        assert corpus[key].dtype.kind == "U"
