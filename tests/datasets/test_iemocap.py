import warnings

import numpy as np
import pytest

from skser.datasets import load_iemocap

HEADER = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
# As published: tabs, a rater's line without its dominance, two blanks after "dom".
IMPROVISED = (
    HEADER
    + """\
[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.0000, 3.5000]
C-E2:\tNeutral;\t()
C-E3:\tNeutral; Excited;\t()
C-F1:\tNeutral; Anger;\t(curious)
A-E3:\tval 3; act 2; dom  2;\t()
A-F1:\tval 3; act 2; dom  ;\t()

[10.0100 - 11.3925]\tSes01F_impro01_M003\tang\t[1.5000, 4.0000, 4.5000]
C-E2:\tAnger;\t()

[14.8872 - 18.0175]\tSes01F_impro01_F002\txxx\t[2.5000, 2.5000, 2.5000]

[19.2900 - 20.7875]\tSes01F_impro01_XX000\tang\t[2.5000, 3.0000, 3.0000]

[21.0000 - 22.0000]\tSes01F_impro01_F003\texc\t[4.5000, 4.0000, 3.0000]

[23.4700 - 28.0300]\tSes01F_impro01_F004\tfru\t[2.0000, 3.5000, 3.5000]
"""
)
SCRIPTED = (
    HEADER
    + """\
[1.0000 - 2.0000]\tSes05M_script01_1b_M001\thap\t[4.0000, 3.0000]
[3.0000 - 4.5000]\tSes05M_script01_1b_F000\tsad\t[2.0000, , 2.0000]

[5.0000 - 6.5000]\tSes05M_script01_1b_F001\tsad
"""
)
UTTERANCES = {
    1: ["Ses01F_impro01_F000", "Ses01F_impro01_M003", "Ses01F_impro01_F003"],
    5: [
        "Ses05M_script01_1b_M001",
        "Ses05M_script01_1b_F000",
        "Ses05M_script01_1b_F001",
    ],
}
# Utterances of each speaker in the publisher's categories.
CATEGORIES = ("ang", "hap", "exc", "sad", "neu")
COUNTS = {
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
EVALUATIONS = {
    "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt": IMPROVISED,
    "Session5/dialog/EmoEvaluation/Ses05M_script01_1b.txt": SCRIPTED,
}


@pytest.fixture
def make_copy(make_files):
    """Write a tiny copy of two dialogues in the publisher's tree."""

    def make(inside="IEMOCAP_full_release", without=(), newline="\n"):
        names = [
            f"{inside}/Session{session}/sentences/wav/{turn.rpartition('_')[0]}/{turn}.wav"
            for session, turns in UTTERANCES.items()
            for turn in turns
            if turn not in without
        ]
        beside = [
            "Session1/dialog/EmoEvaluation/Categorical/Ses01F_impro01_e2_cat.txt",
            "Session1/dialog/EmoEvaluation/Self-evaluation/Ses01F_impro01_f1_atr.txt",
            "Session1/dialog/EmoEvaluation/._Ses01F_impro01.txt",
            "Session1/dialog/wav/Ses01F_impro01.wav",
            "Session1/sentences/wav/Ses01F_impro01/._Ses01F_impro01_F000.wav",
        ]
        root = make_files([*names, *(f"{inside}/{name}" for name in beside)])
        hidden = root / inside / beside[2]
        hidden.unlink()
        hidden.write_bytes(b"\x00\x05\x16\x07\xff Mac OS X")
        # The single annotators' files have a form of their own; if they were read, the
        # worst case would be this.
        (root / inside / beside[1]).unlink()
        (root / inside / beside[1]).write_text(IMPROVISED, encoding="utf-8")
        for name, text in EVALUATIONS.items():
            file = root / inside / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline=newline)
        return root

    return make


def load_quietly(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*the published IEMOCAP")
        return load_iemocap(*args, **kwargs)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_text_files_say_what_an_utterance_is(make_copy, newline):
    corpus = load_quietly(make_copy(newline=newline))
    rows = zip(corpus.turn, corpus.target, corpus.groups, corpus.sessions, strict=True)
    assert list(rows) == [
        ("Ses01F_impro01_F000", "neutral", "Ses01F", "Ses01"),
        ("Ses01F_impro01_M003", "anger", "Ses01M", "Ses01"),
        ("Ses05M_script01_1b_F000", "sadness", "Ses05F", "Ses05"),
        ("Ses05M_script01_1b_F001", "sadness", "Ses05F", "Ses05"),
        ("Ses05M_script01_1b_M001", "happiness", "Ses05M", "Ses05"),
    ]
    assert corpus.kind.tolist() == ["improvised"] * 2 + ["scripted"] * 3
    assert corpus.dialogue.tolist()[1:3] == ["Ses01F_impro01", "Ses05M_script01_1b"]
    assert corpus.category.tolist() == ["neu", "ang", "sad", "sad", "hap"]
    assert corpus.start.tolist() == [6.2901, 10.01, 3.0, 5.0, 1.0]
    assert corpus.end[0] == 8.2357
    assert corpus.text_ids is None
    assert "Busso" in corpus.DESCR


def test_the_speaker_is_not_the_one_who_wore_the_sensors(make_copy):
    corpus = load_quietly(make_copy(), "dataset2")
    worn = [turn.split("_")[0] for turn in corpus.turn]
    wrong = [i for i, wearer in enumerate(worn) if wearer != corpus.groups[i]]
    assert corpus.turn[wrong].tolist() == [
        "Ses01F_impro01_M003",
        "Ses05M_script01_1b_F000",
        "Ses05M_script01_1b_F001",
    ]


def test_every_path_is_the_recording_of_its_utterance(make_copy):
    corpus = load_quietly(make_copy(), "dataset2")
    for path, turn, dialogue in zip(
        corpus.paths, corpus.turn, corpus.dialogue, strict=True
    ):
        assert path.replace("\\", "/").endswith(f"/sentences/wav/{dialogue}/{turn}.wav")


def test_dimensions_that_are_missing_are_nan(make_copy):
    corpus = load_quietly(make_copy())
    nan = np.nan
    np.testing.assert_array_equal(corpus.valence, [2.5, 1.5, 2.0, nan, 4.0])
    np.testing.assert_array_equal(corpus.activation, [2.0, 4.0, nan, nan, 3.0])
    np.testing.assert_array_equal(corpus.dominance, [3.5, 4.5, 2.0, nan, nan])


def test_dataset2_counts_the_excited_as_happy_and_dataset1_has_none(make_copy):
    root = make_copy()
    first, second = load_quietly(root), load_quietly(root, subset="dataset2")
    assert "exc" not in first.category
    excited = second.category == "exc"
    assert second.target[excited].tolist() == ["happiness"]
    assert len(second.paths) == len(first.paths) + 1
    names = ["anger", "happiness", "neutral", "sadness"]
    assert first.target_names == second.target_names == names


@pytest.mark.parametrize(
    ("kind", "n"), [("all", 5), ("improvised", 2), ("scripted", 3)]
)
def test_a_kind_of_dialogues_can_be_chosen(make_copy, kind, n):
    corpus = load_quietly(make_copy(), kind=kind)
    assert len(corpus.paths) == n
    assert set(corpus.kind) <= ({kind} if kind != "all" else {"improvised", "scripted"})


@pytest.mark.parametrize("inside", [".", "IEMOCAP_full_release", "IEMOCAP"])
def test_the_sessions_may_lie_one_folder_below(make_copy, inside):
    assert len(load_quietly(make_copy(inside)).paths) == 5


def test_an_incomplete_copy_is_compared_by_speaker_and_class(make_copy):
    with pytest.warns(UserWarning, match="has 5 recordings; .* has 4490") as caught:
        load_iemocap(make_copy())
    message = str(caught[0].message)
    assert "Ses01F: anger 0 (147), happiness 0 (69), neutral 1 (171)" in message
    assert "Ses05M: anger 0 (92), happiness 1 (66)" in message
    assert caught[0].filename == __file__


def test_utterances_without_recording_are_named_and_left_out(make_copy):
    root = make_copy(without=["Ses01F_impro01_M003"])
    with pytest.warns(UserWarning, match="labelled|published") as caught:
        corpus = load_iemocap(root)
    assert "1 labelled utterance(s)" in str(caught[0].message)
    assert "sentences/wav: Ses01F_impro01_M003." in str(caught[0].message)
    assert "Ses01F_impro01_M003" not in corpus.turn


def test_a_wrong_folder_is_answered_with_the_expected_tree(make_copy, tmp_path):
    everything = [turn for turns in UTTERANCES.values() for turn in turns]
    without_audio = make_copy(without=everything)
    for path in (tmp_path, tmp_path / "nowhere", without_audio):
        with pytest.raises(
            FileNotFoundError, match=r"(?s)tree.*Session1/.*EmoEvaluation/"
        ):
            load_iemocap(path)


@pytest.mark.parametrize(
    "parameters", [{"subset": "dataset3"}, {"kind": "impro"}, {"path": 3}]
)
def test_bad_parameters_are_named(tmp_path, parameters):
    with pytest.raises(ValueError, match=f"'{next(iter(parameters))}' parameter of"):
        load_iemocap(**{"path": tmp_path, **parameters})


@pytest.mark.parametrize(
    ("subset", "kind", "n"),
    [
        ("dataset1", "all", 4490),
        ("dataset2", "all", 5531),
        ("dataset2", "improvised", 2943),
        ("dataset2", "scripted", 2588),
        ("dataset1", "improvised", 2943 - 663),
        ("dataset1", "scripted", 2588 - 378),
    ],
)
@pytest.mark.filterwarnings("ignore:.*(the published|recordings are missing)")
def test_the_published_numbers_add_up(make_copy, subset, kind, n):
    corpus = load_iemocap(make_copy(), subset, kind)
    assert sum(corpus.expected_counts.values()) == n


@pytest.mark.filterwarnings("ignore:.*(the published|recordings are missing)")
def test_the_classes_of_dataset2_are_the_published_ones(make_copy):
    counts = load_iemocap(make_copy(), "dataset2").expected_counts
    totals = {}
    for (_, label), n in counts.items():
        totals[label] = totals.get(label, 0) + n
    assert totals == {
        "anger": 1103,
        "happiness": 1636,
        "neutral": 1708,
        "sadness": 1084,
    }
    sessions = [
        sum(n for (speaker, _), n in counts.items() if speaker.startswith(f"Ses0{i}"))
        for i in range(1, 6)
    ]
    assert sessions == [1085, 1023, 1151, 1031, 1241]


def write_whole_copy(make_files):
    """Write the labels and empty recordings of the published numbers."""
    names, texts = [], {}
    for speaker, row in COUNTS.items():
        dialogue = f"{speaker[:5]}F_impro01"
        session = f"Session{speaker[4]}"
        evaluation = f"{session}/dialog/EmoEvaluation/{dialogue}.txt"
        text = texts.setdefault(evaluation, [HEADER])
        categories = [c for c, n in zip(CATEGORIES, row, strict=True) for _ in range(n)]
        for i, category in enumerate(categories):
            turn = f"{dialogue}_{speaker[5]}{i:03d}"
            text.append(f"[0.1 - 1.2]\t{turn}\t{category}\t[2.5, 2.5, 2.5]\n\n")
            names.append(f"{session}/sentences/wav/{dialogue}/{turn}.wav")
    root = make_files(names)
    for file, text in texts.items():
        (root / file).parent.mkdir(parents=True)
        (root / file).write_text("".join(text), encoding="utf-8")
    return root


@pytest.mark.filterwarnings("error")
def test_a_whole_copy_gives_no_warning(make_files):
    root = write_whole_copy(make_files)
    assert len(load_iemocap(root).paths) == 4490
    assert len(load_iemocap(root, "dataset2").paths) == 5531
