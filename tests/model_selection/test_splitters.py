"""Who trains, who validates, who tests."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    StratifiedKFold,
    cross_validate,
)

from skser.model_selection import (
    FixedSplit,
    LeaveOneSpeakerOut,
    SessionFolds,
    SpeakerAndTextFolds,
    SpeakerFolds,
    check_speaker_independence,
)

# Five sessions of a woman and a man, four recordings each: IEMOCAP in small.
SPEAKERS = np.repeat([f"Ses0{i}{g}" for i in range(1, 6) for g in "FM"], 4)
TEXTS = np.tile(["a", "b", "c", "d"], 10)
PARTS = np.repeat(["train", "train", "train", "validation", "test"], 8)
X = np.arange(40.0).reshape(40, 1)
Y = np.tile(["calm", "glad"], 20)

SPLITTERS = [
    LeaveOneSpeakerOut(),
    LeaveOneSpeakerOut(validation="rotate"),
    LeaveOneSpeakerOut(validation="random", random_state=3),
    SpeakerFolds(),
    SpeakerFolds(3, validation="rotate"),
    SpeakerFolds(4, validation="random", shuffle=True, random_state=1),
    SessionFolds(),
    SessionFolds("F"),
    SessionFolds("M"),
    SessionFolds("alternate"),
    SessionFolds("session"),
    FixedSplit(PARTS),
    FixedSplit(PARTS, validation="validation"),
    FixedSplit(PARTS, validation=0.2, test="validation"),
    SpeakerAndTextFolds(TEXTS),
    SpeakerAndTextFolds(
        TEXTS, n_speaker_folds=5, n_text_folds=4, validation="rotate", shuffle=True
    ),
    SpeakerAndTextFolds(TEXTS, validation="random"),
]


def triples(splitter):
    return list(splitter.split_with_validation(X, Y, SPEAKERS))


def names(indices):
    return sorted(set(SPEAKERS[indices].tolist()))


@pytest.mark.parametrize("splitter", SPLITTERS, ids=repr)
class TestEverySplitter:
    def test_no_speaker_is_on_two_sides(self, splitter):
        check_speaker_independence(splitter, X, Y, SPEAKERS)

    def test_no_recording_is_on_two_sides(self, splitter):
        for parts in triples(splitter):
            joined = np.concatenate(parts)
            assert len(joined) == len(set(joined.tolist()))

    def test_train_and_test_are_never_empty(self, splitter):
        assert all(len(train) and len(test) for train, _, test in triples(splitter))

    def test_split_leaves_validation_out(self, splitter):
        pairs = list(splitter.split(X, Y, SPEAKERS))
        for (train, test), (train_3, _, test_3) in zip(
            pairs, triples(splitter), strict=True
        ):
            np.testing.assert_array_equal(train, train_3)
            np.testing.assert_array_equal(test, test_3)

    def test_number_of_splits_is_announced(self, splitter):
        assert splitter.get_n_splits(X, Y, SPEAKERS) == len(triples(splitter))

    def test_two_calls_and_a_clone_give_the_same_folds(self, splitter):
        copy = clone(splitter, safe=False)
        for first, second in zip(triples(splitter), triples(copy), strict=True):
            for one, other in zip(first, second, strict=True):
                np.testing.assert_array_equal(one, other)
        assert repr(copy) == repr(splitter)

    def test_it_is_short_in_print(self, splitter):
        assert type(splitter).__name__ in repr(splitter)
        assert len(repr(splitter)) < 200

    def test_cross_validate_takes_it_with_groups(self, splitter):
        results = cross_validate(DummyClassifier(), X, Y, groups=SPEAKERS, cv=splitter)
        assert np.isfinite(results["test_score"]).all()


@pytest.mark.parametrize(
    "splitter",
    [LeaveOneSpeakerOut(validation="rotate"), SpeakerFolds(3), SessionFolds()],
    ids=repr,
)
def test_a_nested_search_routes_speakers_to_inner_folds(splitter):
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            DummyClassifier(), {"strategy": ["prior", "stratified"]}, cv=splitter
        )
        results = cross_validate(
            search,
            X,
            Y,
            params={"groups": SPEAKERS},
            cv=SessionFolds("F"),
            error_score="raise",
        )
    assert len(results["test_score"]) == 5


class TestLeaveOneSpeakerOut:
    def test_equals_leave_one_group_out_without_validation(self):
        expected = LeaveOneGroupOut().split(X, Y, SPEAKERS)
        found = LeaveOneSpeakerOut().split(X, Y, SPEAKERS)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one[0], other[0])
            np.testing.assert_array_equal(one[1], other[1])

    def test_in_rotation_every_speaker_validates_once(self):
        folds = triples(LeaveOneSpeakerOut(validation="rotate"))
        assert sorted(names(v)[0] for _, v, _ in folds) == sorted(set(SPEAKERS))
        assert names(folds[0][1]) == ["Ses01M"]
        assert len(names(folds[0][0])) == 8

    def test_drawn_speakers_depend_on_the_seed(self):
        drawn = [
            [names(validation) for _, validation, _ in triples(splitter)]
            for splitter in (
                LeaveOneSpeakerOut(validation="random", random_state=0),
                LeaveOneSpeakerOut(validation="random", random_state=1),
            )
        ]
        assert drawn[0] != drawn[1]

    @pytest.mark.case("C09")
    def test_one_recording_of_a_speaker_is_enough(self):
        speakers = ["a", "b", "b"]
        folds = list(LeaveOneSpeakerOut().split(speakers, groups=speakers))
        np.testing.assert_array_equal(folds[0][1], [0])


class TestSessionFolds:
    def test_eight_train_the_mate_validates_one_tests(self):
        folds = triples(SessionFolds())
        assert len(folds) == 10
        for train, validation, test in folds:
            assert len(names(train)) == 8
            assert [len(names(validation)), len(names(test))] == [1, 1]
            assert names(validation)[0][:5] == names(test)[0][:5]
        assert sorted(np.concatenate([t for *_, t in folds])) == list(range(40))

    @pytest.mark.parametrize(
        ("test", "letters"), [("F", "FFFFF"), ("M", "MMMMM"), ("alternate", "FMFMF")]
    )
    def test_the_literal_reading_has_five_folds(self, test, letters):
        tested = [names(test)[0] for *_, test in triples(SessionFolds(test))]
        assert tested == [f"Ses0{i}{g}" for i, g in enumerate(letters, 1)]

    def test_whole_sessions_test_when_asked(self):
        train, validation, test = triples(SessionFolds("session"))[0]
        assert names(test) == ["Ses01F", "Ses01M"]
        assert len(validation) == 0
        assert len(names(train)) == 8

    @pytest.mark.parametrize("kind", ["dict", "array"])
    def test_sessions_can_be_given(self, kind):
        by_speaker = {name: name[3:5] for name in SPEAKERS.tolist()}
        given = by_speaker if kind == "dict" else [by_speaker[s] for s in SPEAKERS]
        for one, other in zip(
            triples(SessionFolds(sessions=given)), triples(SessionFolds()), strict=True
        ):
            np.testing.assert_array_equal(one[1], other[1])

    def test_a_speaker_in_two_sessions_is_refused(self):
        with pytest.raises(ValueError, match=r"'Ses01F' is in the sessions \['1', '2"):
            next(
                SessionFolds(sessions=["1", "2"] * 20).split(X, Y, SPEAKERS),
            )

    def test_gender_must_be_in_the_names(self):
        with pytest.raises(ValueError, match="a speaker whose name ends in 'F'"):
            next(SessionFolds("F").split("abcd", groups=["1a", "1b", "2a", "2b"]))

    def test_an_unlisted_speaker_is_named(self):
        with pytest.raises(ValueError, match="no entry for speaker 'Ses01F'"):
            next(SessionFolds(sessions={"x": 1}).split(X, Y, SPEAKERS))

    def test_one_session_is_not_enough(self):
        with pytest.raises(ValueError, match="at least 2 sessions"):
            next(SessionFolds().split("ab", groups=["1F", "1M"]))


class TestFixedSplit:
    def test_the_corpus_own_parts_are_used(self):
        [(train, validation, test)] = triples(
            FixedSplit(PARTS, validation="validation")
        )
        assert set(PARTS[train]) == {"train"}
        assert set(PARTS[validation]) == {"validation"}
        assert set(PARTS[test]) == {"test"}

    def test_the_nested_option_looks_at_the_validation_part_once(self):
        folds = FixedSplit(PARTS, validation=0.2, test="validation")
        [(train, validation, test)] = triples(folds)
        assert set(PARTS[np.concatenate([train, validation])]) == {"train"}
        assert set(PARTS[test]) == {"validation"}
        assert len(names(validation)) == 2  # rounded up from 1.2 of 6 speakers

    def test_without_speakers_a_share_of_each_class_is_held_out(self):
        folds = FixedSplit(PARTS, validation=0.25, test="validation")
        [(_, validation, _)] = folds.split_with_validation(X, Y)
        assert np.unique(Y[validation], return_counts=True)[1].tolist() == [3, 3]

    def test_the_papers_own_selection_is_found_to_leak(self):
        folds = FixedSplit(PARTS, validation="validation", test="validation")
        with pytest.raises(ValueError, match=r"in validation .* and in test"):
            check_speaker_independence(folds, X, Y, SPEAKERS)

    def test_unknown_parts_are_named(self):
        with pytest.raises(ValueError, match=r"test='dev', but split has only"):
            next(FixedSplit(PARTS, test="dev").split(X))

    def test_a_share_without_anything_to_go_by_is_refused(self):
        with pytest.raises(ValueError, match="needs groups, or else y"):
            next(FixedSplit(PARTS, validation=0.1).split(X))


class TestSpeakerAndTextFolds:
    @pytest.mark.parametrize("validation", [None, "rotate"])
    def test_texts_of_the_test_are_unseen(self, validation):
        folds = triples(SpeakerAndTextFolds(TEXTS, validation=validation))
        for train, held_out, test in folds:
            assert not set(TEXTS[train]) & set(TEXTS[test])
            assert not set(TEXTS[held_out]) & set(TEXTS[test])

    def test_every_recording_is_tested_once(self):
        folds = triples(SpeakerAndTextFolds(TEXTS, n_speaker_folds=3, n_text_folds=2))
        assert len(folds) == 6
        assert sorted(np.concatenate([t for *_, t in folds])) == list(range(40))

    def test_a_pair_that_was_not_recorded_makes_no_fold(self):
        speakers, texts = ["a", "a", "b"], ["t", "u", "t"]
        folds = SpeakerAndTextFolds(texts)
        assert folds.get_n_splits(groups=speakers) == 3


class TestErrors:
    @pytest.mark.case("C10")
    @pytest.mark.parametrize("splitter", [LeaveOneSpeakerOut(), SessionFolds()])
    def test_missing_groups_are_asked_for(self, splitter):
        with pytest.raises(ValueError, match=r"groups is None\. Pass groups="):
            next(splitter.split(X, Y))
        with pytest.raises(ValueError, match="groups is None"):
            splitter.get_n_splits()

    @pytest.mark.case("C13")
    def test_a_missing_speaker_is_located(self):
        groups = [*SPEAKERS[:-1].tolist(), None]
        with pytest.raises(ValueError, match=r"groups\[39\] is missing"):
            next(LeaveOneSpeakerOut().split(X, Y, groups))

    @pytest.mark.case("C12")
    def test_groups_of_another_length_are_refused(self):
        with pytest.raises(ValueError, match="inconsistent numbers"):
            next(LeaveOneSpeakerOut().split(X, Y, SPEAKERS[:-1]))

    @pytest.mark.case("C12")
    @pytest.mark.parametrize("splitter", [LeaveOneSpeakerOut(), SpeakerFolds(2)])
    def test_nan_is_no_speaker(self, splitter):
        groups = np.r_[np.nan, np.ones(39)]
        with pytest.raises(ValueError, match=r"groups\[0\] is missing"):
            next(splitter.split(X, Y, groups))

    @pytest.mark.case("C12")
    def test_one_speaker_is_not_enough(self):
        with pytest.raises(ValueError, match="Cannot make 1 folds of 1 different"):
            next(LeaveOneSpeakerOut().split("ab", groups=["a", "a"]))

    def test_two_speakers_cannot_train_validate_and_test(self):
        splitter = LeaveOneSpeakerOut(validation="rotate")
        with pytest.raises(ValueError, match="at least 3 folds"):
            next(splitter.split("ab", groups=["a", "b"]))

    def test_texts_of_another_length_are_refused(self):
        with pytest.raises(ValueError, match="texts must have one entry per record"):
            next(SpeakerAndTextFolds(TEXTS[:-1]).split(X, Y, SPEAKERS))

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: LeaveOneSpeakerOut(validation="mate"), "validation must be one"),
            (lambda: SpeakerFolds(1), "n_splits must be an integer of 2"),
            (lambda: SessionFolds("both"), "test must be one of"),
            (lambda: FixedSplit(PARTS, validation=1.5), "share between 0 and 1"),
        ],
    )
    def test_wrong_parameters_are_refused_at_once(self, make, message):
        with pytest.raises(ValueError, match=message):
            make()


class TestCheckSpeakerIndependence:
    @pytest.mark.parametrize("cv", [KFold(7), StratifiedKFold(3), 3])
    def test_random_folds_are_found_out(self, cv):
        with pytest.raises(ValueError, match=r"Fold 1 .* speaker 'Ses0.[FM]' is in tr"):
            check_speaker_independence(cv, X, Y, SPEAKERS)

    @pytest.mark.parametrize("cv", [GroupKFold(3), LeaveOneGroupOut()])
    def test_scikit_learns_group_splitters_pass(self, cv):
        check_speaker_independence(cv, X, Y, SPEAKERS)

    def test_a_leak_into_validation_is_found(self):
        class Careless(LeaveOneSpeakerOut):
            def _folds(self, X, y, speakers):
                for train, _, test in super()._folds(X, y, speakers):
                    validation = np.zeros_like(train)
                    validation[np.flatnonzero(train)[0]] = True
                    yield train & ~validation, validation, test

        with pytest.raises(ValueError, match=r"train \(3 .* in validation \(1 "):
            check_speaker_independence(Careless(), X, Y, SPEAKERS)

    def test_iemocaps_recording_names_would_leak(self):
        # The letter in a dialogue's name is not the speaker: both actors are heard.
        by_dialogue = np.tile(["Ses01F", "Ses01M", "Ses02F", "Ses02M"], 10)
        folds = list(LeaveOneSpeakerOut().split(X, Y, by_dialogue))
        with pytest.raises(ValueError, match="not speaker-independent"):
            check_speaker_independence(folds, X, Y, SPEAKERS)
