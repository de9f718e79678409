"""What folds share: leaks of every kind are found, and nothing else."""

import numpy as np
import pytest
import soundfile
import soxr
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import StratifiedKFold

from skser.datasets import Corpus, make_emotional_speech, write_corpus
from skser.model_selection import (
    FixedSplit,
    LeaveOneSpeakerOut,
    audit_folds,
    evaluate,
    load_result,
)

KINDS = ["speakers", "sentences", "recordings", "same samples", "nearly the same"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Eight recordings of speakers a to d, and four copies that x to z are said to be.

    8: the file of 0 again; 9: the samples of 1 in FLAC; 10: 2 at another rate and
    level, in Ogg; 11: a part of 3, with 8 bits.
    """
    folder = tmp_path_factory.mktemp("audit")
    speech = make_emotional_speech(n_speakers=2, n_utterances=1, random_state=0)
    paths = write_corpus(speech, folder)[:8]
    rate = soundfile.info(paths[0]).samplerate
    signals = [soundfile.read(path, dtype="float32")[0] for path in paths]
    names = [str(folder / name) for name in ("same.flac", "near.ogg", "part.wav")]
    soundfile.write(names[0], soundfile.read(paths[1], dtype="int16")[0], rate)
    soundfile.write(names[1], 0.2 * soxr.resample(signals[2], rate, 11025), 11025)
    n = len(signals[3])
    soundfile.write(names[2], signals[3][n // 5 : -n // 5], rate, subtype="PCM_U8")
    return Corpus(
        paths=np.array([*paths, paths[0], *names]),
        target=np.array(["joy", "anger"] * 6),
        groups=np.array(list("aabbccddwxyz")),
        text_ids=np.array([*"12345678", "", "", "", "7"]),
    )


def leak(corpus, train, test, **options):
    """Return what one fold of some recordings shares: kind -> numbers."""
    audit = audit_folds(corpus, [(train, test)], **options)
    return {kind: audit.rows[0][kind] for kind in KINDS if kind in audit.rows[0]}


class TestKinds:
    def test_different_recordings_share_nothing(self, corpus):
        audit = audit_folds(corpus, [([0, 1, 2, 3], [4, 5, 6, 7])])
        assert audit.is_clean
        assert audit.rows[0]["nearly the same"] == (0, 4)
        audit.raise_if_any()
        assert repr(audit) == "<FoldAudit: 1 folds, shared: nothing>"

    @pytest.mark.parametrize(
        ("train", "test", "expected"),
        [
            ([0, 2, 3], [1, 4], [(1, 2), (0, 2), (0, 2), (0, 2), (0, 2)]),
            ([6], [11], [(0, 1), (1, 1), (0, 1), (0, 1), (0, 1)]),
            ([0], [8, 4], [(0, 2), (0, 2), (1, 2), (1, 2), (1, 2)]),
            ([1, 4], [9, 2, 3], [(0, 2), (0, 3), (0, 3), (1, 3), (1, 3)]),
            ([2], [10], [(0, 1), (0, 1), (0, 1), (0, 1), (1, 1)]),
            ([3, 0], [11], [(0, 1), (0, 1), (0, 1), (0, 1), (1, 1)]),
            ([5], [5], [(1, 1), (1, 1), (1, 1), (1, 1), (1, 1)]),
        ],
    )
    def test_each_kind_of_leak_is_found_and_counted(
        self, corpus, train, test, expected
    ):
        found = leak(corpus, train, test)
        assert found == dict(zip(KINDS, expected, strict=True))

    def test_texts_that_are_not_known_are_not_shared(self, corpus):
        assert leak(corpus, [8], [9, 10], content=False)["sentences"] == (0, 1)

    def test_only_what_is_known_is_audited(self, corpus):
        bare = Corpus(paths=corpus.paths, target=corpus.target)
        assert leak(bare, [0], [8], content=False) == {"recordings": (1, 1)}
        signals = Corpus(data=[np.ones(9)] * 12, target=corpus.target)
        with pytest.raises(ValueError, match="corpus has no paths"):
            audit_folds(signals, [([0], [1])])
        with pytest.raises(ValueError, match="corpus must be a corpus"):
            audit_folds(corpus.paths, [([0], [1])])


class TestReport:
    def test_validation_is_a_side_too(self, corpus):
        parts = ["train"] * 2 + ["validation"] * 2 + ["test"] * 4 + ["none"] * 4
        parts[1], parts[3] = parts[3], parts[1]
        cv = FixedSplit(parts, validation="validation")
        audit = audit_folds(corpus, cv, content=False)
        assert [row["sides"] for row in audit.rows] == [
            "train, test",
            "train, validation",
            "validation, test",
        ]
        assert [row["speakers"] for row in audit.rows] == [(0, 2), (2, 2), (0, 2)]

    def test_it_names_what_is_shared(self, corpus):
        audit = audit_folds(corpus, [([2], [10]), ([0, 6], [1, 4])])
        near, speaker = sorted(audit.items, key=lambda item: item.fold)
        assert near[:3] == (1, "nearly the same", ("train", "test"))
        assert near.second.endswith("near.ogg")
        assert speaker == (2, "speakers", ("train", "test"), "a", "a")
        assert "fold 2, speakers: a (train and test)" in str(audit)
        assert "| 2 | train, test | 1 of 2 |" in audit.to_markdown()
        assert audit.counts["nearly the same"] == 1
        with pytest.raises(ValueError, match=r"near\.ogg"):
            audit.raise_if_any()
        audit.raise_if_any(["sentences"])
        with pytest.raises(ValueError, match="kinds must be a list of some"):
            audit.raise_if_any(["voices"])

    def test_tables_are_frames(self, corpus):
        pytest.importorskip("pandas")
        audit = audit_folds(corpus, [([0, 6], [1, 4])], content=False)
        frame = audit.to_frame()
        assert frame.loc[0, "speakers"] == 1
        assert frame.loc[0, "of speakers"] == 2
        assert audit.to_frame("items").loc[0, "first"] == "a"
        with pytest.raises(ValueError, match="table must be"):
            audit.to_frame("files")
        assert "<td>1 of 2</td>" in audit._repr_html_()


class TestEvaluation:
    def test_a_result_says_what_its_folds_share(self, corpus, tmp_path):
        some = corpus.take(range(8))
        X = np.zeros((8, 1))
        some.text_ids = np.array(list("12341234"))
        cv = StratifiedKFold(2, shuffle=True, random_state=0)
        with pytest.warns(UserWarning, match="not speaker-independent"):
            leaky = evaluate(DummyClassifier(), some, cv, X=X, allow_leaks=True)
        audit = audit_folds(some, cv, content=False)
        assert leaky.protocol["shared"] == audit.counts
        report = leaky.to_markdown()
        assert "On two sides of a fold: speakers (in 2 of 2 folds)" in report
        strict = evaluate(DummyClassifier(), some, LeaveOneSpeakerOut(), X=X)
        assert strict.protocol["shared"]["speakers"] == 0
        strict.save(tmp_path / "strict.zip")
        again = load_result(tmp_path / "strict.zip")
        assert "sentences (in 4 of 4 folds)" in again.to_markdown()
        del again.protocol["shared"]
        assert "On two sides of a fold: not known" in again.to_markdown()
