"""What listeners said, in the files of EmoDB, CREMA-D, IEMOCAP and MSP-Podcast."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from skser.annotations import (
    count_votes,
    distributions_from_shares,
    label_distributions,
    majority_labels,
    mean_ratings,
)
from skser.datasets import (
    load_crema_d,
    load_emodb,
    load_iemocap,
    load_msp_podcast,
    merge,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*the published")

# EmoDB: columns separated by blanks and tabs, commas, spaces that do not break.
RECOGNITION = "\n".join(
    [
        "Satz\terkannt\tnatürlich",
        "03a01Fa.wav\t90,00\xa0\t75,00",
        "03a01Nc.wav \xa0 100,00   95,00",
        "08a02Wc.wav\t?\t80,00",
    ]
)
TABULATED = """\
"","A","D","F","H","N","S","fileName","numResponses","agreement","emoVote"
"100001",0,0,0,1,10,0,"1001_IEO_NEU_XX",11,0.909090909090909,"N"
"100009",5,5,0,0,1,1,"1001_IEO_ANG_MD",12,0.416666666666667,"A:D"
"200001",9,0,0,0,0,0,"1001_IEO_NEU_XX",9,1,"A"
"307442",0,0,0,0,0,9,"1001_IEO_ANG_MD",9,1,"S"
"""
RESPONSES = """\
"","localid","pos","ans","ttr","queryType","numTries","clipNum","questNum","subType",\
"clipName","sessionNums","respEmo","respLevel","dispEmo","dispVal","dispLevel"
"1","x1",1,"N_80",3000,1,0,1,1,4,"1001_IEO_NEU_XX","s1","N",80,"N","XX",50
"2","x2",1,"H_40",3000,1,0,1,1,4,"1001_IEO_NEU_XX","s2","H",40,"N","XX",50
"3","x2",2,"A_40",3000,2,0,1,1,4,"1001_IEO_NEU_XX","s3","A",40,"N","XX",50
"4","x2",1,"H_45",3000,1,0,1,1,4,"1001_IEO_NEU_XX","s2","H",45,"N","XX",50
"""
EVALUATION = """\
% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()
C-E3:\tNeutral; Excited;\t()
C-E4:\tNeutral state;\t(E4: sad; or not)
C-F1:\tOther;\t(curious)
A-E3:\tval 3; act 2; dom  2;\t()
A-E4:\tval 2; act 3; dom  ;\t(mildly aggravated but staying polite, attitude)
A-F1:\tval 3; act 2; dom  1;\t()

[9.0000 - 9.5000]\tSes01F_impro01_XX000\tang\t[2.5000, 3.0000, 3.0000]
C-E2:\tAnger;\t()

[10.0100 - 11.3925]\tSes01F_impro01_M003\tang\t[1.5000, 4.0000, 4.5000]
C-E2:\tAnger;\t()
C-E4:\tFrustration;\t()
C-M1:\tAnger; Disgust;\t()
"""


def load_quietly(load, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*the published")
        return load(*args, **kwargs)


# EmoDB


@pytest.fixture
def emodb(make_files):
    """A copy of four recordings with what listeners recognised of two."""
    names = ["03a01Fa", "03a01Nc", "08a02Wc", "16b10Td"]
    root = make_files([f"wav/{name}.wav" for name in names])
    (root / "erkennung.txt").write_text(RECOGNITION, "latin-1")
    return root


def test_emodb_says_how_many_recognised_the_emotion(emodb):
    for path in (emodb, emodb / "wav"):
        corpus = load_emodb(path)
        nan = np.nan
        np.testing.assert_array_equal(corpus.recognised, [0.9, 1, nan, nan])
    few = corpus.take([0, 1])
    soft = distributions_from_shares(few.target, few.recognised)
    assert soft.to_numpy().tolist() == [[0.9, pytest.approx(0.1)], [0, 1]]


def test_another_file_of_that_name_is_not_read_and_it_is_said(emodb):
    (emodb / "erkennung.txt").write_text("File recognised\n", "latin-1")
    with pytest.warns(UserWarning, match="not read from .*lacks Satz") as caught:
        corpus = load_emodb(emodb)
    assert "recognised" not in corpus
    assert {warning.filename for warning in caught} == {__file__}


# CREMA-D


@pytest.fixture
def crema_d(make_files):
    """A copy of three recordings, with no votes yet."""
    names = ["1001_IEO_ANG_MD", "1001_IEO_NEU_XX", "1001_TIE_SAD_XX"]
    return make_files([f"AudioWAV/{name}.wav" for name in names])


def write_tabulated(root, text=TABULATED):
    (root / "processedResults").mkdir()
    (root / "processedResults" / "tabulatedVotes.csv").write_text(text)


def test_crema_d_has_the_votes_of_those_who_heard_the_voice_alone(crema_d):
    write_tabulated(crema_d)
    for path in (crema_d, crema_d / "AudioWAV"):
        corpus = load_quietly(load_crema_d, path)
        counts = count_votes(corpus.votes)
        assert counts.columns.tolist() == [
            *("anger", "disgust", "happiness", "neutral", "sadness")
        ]
        expected = [[5, 5, 0, 1, 1], [0, 0, 1, 10, 0], [0, 0, 0, 0, 0]]
        assert counts.to_numpy().tolist() == expected
    found = majority_labels(counts, undecided=None)
    assert found.tolist() == [None, "neutral", None]


def test_single_responses_are_read_before_their_numbers(crema_d):
    write_tabulated(crema_d)
    (crema_d / "finishedResponses.csv").write_text(RESPONSES)
    corpus = load_quietly(load_crema_d, crema_d)
    assert corpus.votes.tolist() == [{}, {"s1": "neutral", "s2": "happiness"}, {}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version https://git-lfs\n", "no column.*'fileName'"),
        (TABULATED.replace(",10,", ",ten,"), "line 2 is damaged"),
    ],
)
def test_votes_that_cannot_be_read_cost_no_corpus(crema_d, text, message):
    write_tabulated(crema_d, text)
    with pytest.warns(UserWarning, match=message) as caught:
        corpus = load_crema_d(crema_d)
    assert len(corpus.paths) == 3
    assert "votes" not in corpus
    assert {warning.filename for warning in caught} == {__file__}


# IEMOCAP


@pytest.fixture
def iemocap(make_files):
    """A copy of a dialogue of two utterances."""
    turns = ["Ses01F_impro01_F000", "Ses01F_impro01_M003"]
    folder = "Session1/sentences/wav/Ses01F_impro01"
    root = make_files([f"{folder}/{turn}.wav" for turn in turns])
    evaluations = root / "Session1/dialog/EmoEvaluation"
    evaluations.mkdir(parents=True)
    (evaluations / "Ses01F_impro01.txt").write_text(EVALUATION)
    return load_quietly(load_iemocap, root)


def test_iemocap_says_what_each_evaluator_heard(iemocap):
    assert iemocap.votes.tolist() == [
        {"E2": "neutral", "E3": ("neutral", "excitement"), "E4": "neutral"},
        {"E2": "anger", "E4": "frustration"},
    ]
    assert iemocap.self_votes.tolist() == [
        {"F1": "other"},
        {"M1": ("anger", "disgust")},
    ]
    counts = count_votes(iemocap.votes, mapping={"frustration": None})
    assert counts.to_dict("list") == {
        "anger": [0, 1],
        "excitement": [0.5, 0],
        "neutral": [2.5, 0],
    }
    assert majority_labels(counts).tolist() == iemocap.target.tolist()


def test_iemocap_says_how_each_evaluator_rated(iemocap):
    assert iemocap.valence_votes.tolist() == [{"E3": 3, "E4": 2}, {}]
    assert iemocap.arousal_votes.tolist() == [{"E3": 2, "E4": 3}, {}]
    assert iemocap.dominance_votes.tolist() == [{"E3": 2}, {}]
    # The published mean is over the evaluators, without the actor.
    assert mean_ratings(iemocap.valence_votes)["mean"][0] == iemocap.valence[0]
    np.testing.assert_array_equal(iemocap.arousal, iemocap.activation)


# MSP-Podcast

CONSENSUS = """\
FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set
MSP-PODCAST_0002_0033.wav,A,5.8,2.0,5.6,127,Male,Train
MSP-PODCAST_0001_0008.wav,N,2.2,4.0,2.6,30,Female,Test1
MSP-PODCAST_0003_0001.wav,X,4.0,4.2,,Unknown,Unknown,Train
MSP-PODCAST_0004_0001.wav,O,3.0,3.0,3.0,31,Female,Development
MSP-PODCAST_0005_0001.wav,H,3.0,6.0,3.0,32,Female,Test3
"""
# As of the releases from 1.7 to 1.12.
DETAIL = """\
FileName,EmoDetail
MSP-PODCAST_0001_0008.wav,"WORKER00000001; Other-confused; Concerned,Confused; \
A:3.000000; V:3.000000; D:4.000000;"
MSP-PODCAST_0001_0008.wav,"WORKER00000018; Neutral; Neutral; A:1.000000; V:4.000000; \
D:2.000000;"
MSP-PODCAST_0001_0008.wav,"WORKER00000021; Neutral; ; A:3.000000; V:4.000000; \
D:2.000000;"
MSP-PODCAST_0002_0033.wav,"WORKER00000018; Angry; Angry,Annoyed; A:6.000000; \
V:2.000000; D:6.000000;"
"""
# As of release 1.6 ("Workers") and from 2.0 on ("WorkerID").
WIDE_DETAIL = """\
FileName,WorkerID,EmoClass_Major,EmoClass_Second,EmoAct,EmoVal,EmoDom
MSP-PODCAST_0001_0008.wav,WORKER00000001,Other-confused,"Concerned,Confused",3,3,4
MSP-PODCAST_0001_0008.wav,WORKER00000018,Neutral,Neutral,1,4,2
MSP-PODCAST_0001_0008.wav,WORKER00000021,Neutral,,3,4,2
MSP-PODCAST_0002_0033.wav,WORKER00000018,Angry,"Angry,Annoyed",6,2,6
"""


@pytest.fixture
def make_podcasts(make_files):
    """Write a tiny copy of MSP-Podcast."""

    def make(consensus=CONSENSUS, detail=None, names=None, table="labels_consensus"):
        numbers = ("0001_0008", "0002_0033", "0003_0001", "0004_0001", "0005_0001")
        names = [f"Audios/MSP-PODCAST_{number}.wav" for number in numbers[:names]]
        root = make_files(names)
        (root / "Labels").mkdir()
        (root / "Labels" / f"{table}.csv").write_text(consensus)
        if detail is not None:
            (root / "Labels" / "labels_detailed.csv").write_text(detail)
        return root

    return make


@pytest.mark.filterwarnings("error")
def test_the_table_of_msp_podcast_says_what_a_recording_is(make_podcasts):
    corpus = load_msp_podcast(make_podcasts())
    rows = zip(corpus.target, corpus.groups, corpus.splits, corpus.gender, strict=True)
    assert list(rows) == [
        ("neutral", "30", "test1", "female"),
        ("anger", "127", "train", "male"),
    ]
    assert [Path(path).stem for path in corpus.paths] == [
        "MSP-PODCAST_0001_0008",
        "MSP-PODCAST_0002_0033",
    ]
    assert corpus.arousal.tolist() == [2.2, 5.8]
    assert corpus.valence.tolist() == [4.0, 2.0]
    assert len(corpus.target_names) == 8
    assert "votes" not in corpus
    assert "Lotfian" in corpus.DESCR


def test_what_nobody_agrees_on_is_listed_on_demand(make_podcasts):
    corpus = load_msp_podcast(make_podcasts(), subset="all")
    assert corpus.target.tolist() == ["neutral", "anger", "no agreement", "other"]
    assert corpus.splits.tolist() == ["test1", "train", "train", "validation"]
    np.testing.assert_array_equal(corpus.dominance, [2.6, 5.6, np.nan, 3])
    assert corpus.groups[2] == "Unknown"


@pytest.mark.parametrize(
    "detail",
    [DETAIL, WIDE_DETAIL, WIDE_DETAIL.replace("WorkerID", "Workers")],
    ids=["1.11", "2.0", "1.6"],
)
def test_all_releases_have_the_votes_of_msp_podcast(make_podcasts, detail):
    corpus = load_msp_podcast(make_podcasts(detail=detail))
    assert corpus.votes.tolist() == [
        {
            "WORKER00000001": "other",
            "WORKER00000018": "neutral",
            "WORKER00000021": "neutral",
        },
        {"WORKER00000018": "anger"},
    ]
    assert mean_ratings(corpus.arousal_votes)["mean"].tolist() == [7 / 3, 6]
    assert corpus.valence_votes[1] == {"WORKER00000018": 2}
    soft = label_distributions(count_votes(corpus.votes))
    np.testing.assert_allclose(soft, [[0, 2 / 3, 1 / 3], [1, 0, 0]])


def test_older_names_of_the_table_are_found(make_podcasts):
    root = make_podcasts(table="labels_concensus")
    (root / "Labels").rename(root / "label")
    assert len(load_msp_podcast(root).paths) == 2


def test_recordings_that_are_missing_are_named(make_podcasts):
    with pytest.warns(UserWarning, match=r"1 labelled .*0002_0033\.wav") as caught:
        corpus = load_msp_podcast(make_podcasts(names=1))
    assert corpus.target.tolist() == ["neutral"]
    assert caught[0].filename == __file__


def test_damaged_answers_cost_no_corpus(make_podcasts):
    root = make_podcasts(detail="FileName,EmoDetail\nMSP-PODCAST_0001_0008.wav,?\n")
    with pytest.warns(UserWarning, match="line 2 is damaged"):
        assert len(load_msp_podcast(root).paths) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("EmoAct", "Arousal", "no column.*'EmoAct'"),
        (",A,", ",Angry,", r"Line 2 of .*'Angry' in the column 'EmoClass'"),
        ("Test1", "Test9", r"Line 3 of .*'Test9' in the column 'Split_Set'"),
    ],
)
def test_another_table_is_refused(make_podcasts, old, new, message):
    with pytest.raises(ValueError, match=message):
        load_msp_podcast(make_podcasts(CONSENSUS.replace(old, new)))


def test_a_wrong_folder_is_answered_with_the_tree(make_podcasts, tmp_path):
    for path in (tmp_path, tmp_path / "nowhere", make_podcasts(names=0)):
        with pytest.raises(FileNotFoundError, match=r"(?s)tree.*labels_consensus"):
            load_msp_podcast(path)
    with pytest.raises(ValueError, match="'subset' parameter of"):
        load_msp_podcast(tmp_path, subset="emotions")


# Several corpora


def test_corpora_with_and_without_votes_can_be_merged(iemocap, make_podcasts):
    both = merge([iemocap, load_msp_podcast(make_podcasts())])
    assert both.arousal.tolist() == [2.5, 4.0, 2.2, 5.8]
    counts = count_votes(both.votes)
    assert counts.sum(axis=1).tolist() == [3, 2, 0, 0]
