"""Votes of annotators: counts, soft labels, majorities, agreement, mean ratings."""

import numpy as np
import pandas
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from skser.annotations import (
    arrange_votes,
    count_votes,
    distributions_from_shares,
    fleiss_kappa,
    krippendorff_alpha,
    label_distributions,
    majority_labels,
    mean_ratings,
)

# K. Krippendorff, "Computing Krippendorff's alpha-reliability", 2011, part C: four
# observers, twelve units.
OBSERVERS = pandas.DataFrame(
    {
        "A": [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        "B": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        "C": [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        "D": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    }
)
# J. L. Fleiss' kappa of fourteen raters, ten subjects, five categories: the example of
# the encyclopedias, kappa 0.210.
RATERS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
ROWS = {
    "file": ["a.wav", "a.wav", "b.wav", "b.wav", "c.wav"],
    "annotator": ["E1", "E2", "E1", "E3", "E2"],
    "label": ["anger", "anger", "neutral", "anger", "neutral"],
}


@pytest.fixture
def counts():
    """Three sure recordings, one tie, one without a vote."""
    return count_votes(
        [["joy"] * 3, ["fear", "fear", "joy"], ["joy"], ["fear", "joy"], []]
    )


# Votes and counts


def test_a_table_of_votes_becomes_one_row_per_recording():
    votes = arrange_votes(ROWS)
    assert votes.index.tolist() == ["a.wav", "b.wav", "c.wav"]
    assert votes.columns.tolist() == ["E1", "E2", "E3"]
    assert votes.loc["b.wav"].dropna().to_dict() == {"E1": "neutral", "E3": "anger"}
    expected = pandas.DataFrame(
        {"anger": [2.0, 1.0, 0.0], "neutral": [0.0, 1.0, 1.0]}, index=votes.index
    )
    pandas.testing.assert_frame_equal(
        count_votes(votes), expected, check_column_type=False
    )


def test_recordings_are_put_in_the_order_of_a_corpus():
    rows = pandas.DataFrame(ROWS).rename(columns={"file": "wav", "label": "emotion"})
    votes = arrange_votes(
        rows, file="wav", label="emotion", files=np.array(["c.wav", "d.wav", "a.wav"])
    )
    assert votes.index.tolist() == ["c.wav", "d.wav", "a.wav"]
    assert count_votes(votes).to_numpy().tolist() == [[0, 1], [0, 0], [2, 0]]


def test_ratings_stay_numbers():
    votes = arrange_votes({**ROWS, "label": [1, 2, 3, 4, 5]})
    assert votes["E1"].tolist()[:2] == [1, 3]
    assert mean_ratings(votes)["mean"].tolist() == [1.5, 3.5, 5]
    assert count_votes(votes).columns.tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({}, {"label": "emotion"}, r"no column 'emotion'.*'label'"),
        ({"annotator": ["E1"] * 5}, {}, r"2 row\(s\).*'E1' and 'a.wav'"),
        ({}, {"files": ["/x/a.wav"]}, r"None of the 1 files.*'/x/a.wav'.*'a.wav'"),
    ],
)
def test_tables_of_votes_that_cannot_be_arranged_are_refused(changes, options, message):
    with pytest.raises(ValueError, match=message):
        arrange_votes({**ROWS, **changes}, **options)


NAN = float("nan")


@pytest.mark.parametrize(
    "votes",
    [
        pandas.DataFrame({"E1": ["joy", "fear", None], "E2": ["joy", None, "joy"]}),
        np.array([["joy", "joy"], ["fear", None], [None, "joy"]], dtype=object),
        np.array([["joy", "joy"], ["fear", ""], ["", "joy"]]),
        [{"E1": "joy", "E2": "joy"}, {"E1": "fear"}, {"E2": "joy"}],
        [["joy", "joy"], ("fear",), [NAN, "joy", pandas.NA]],
        pandas.Series([["joy", "joy"], ["fear"], ["joy"]]),
    ],
    ids=["table", "objects", "texts", "dicts", "lists", "series"],
)
def test_all_forms_of_votes_are_counted_alike(votes):
    counts = count_votes(votes)
    assert counts.columns.tolist() == ["fear", "joy"]
    assert counts.columns.dtype == object
    assert counts.to_numpy().tolist() == [[0, 2], [1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("several", "expected"),
    [("split", [2.5, 0.5]), ("each", [3, 1]), ("first", [3, 0])],
)
def test_several_labels_of_an_annotator_are_counted_as_the_user_says(several, expected):
    votes = [[("anger", "disgust"), "anger", "anger"]]
    counts = count_votes(votes, classes=["anger", "disgust"], several=several)
    assert counts.to_numpy().tolist() == [expected]


def test_labels_are_merged_and_left_out_by_a_mapping():
    votes = [["joy", "excitement", "other"], [("excitement", "joy"), "fear"]]
    mapping = {"excitement": "joy", "other": None}
    counts = count_votes(votes, classes=["joy", "fear", "calm"], mapping=mapping)
    assert counts.to_numpy().tolist() == [[2, 0, 0], [1, 1, 0]]
    # Who said two labels that mean the same has one vote.
    each = count_votes(votes, mapping=mapping, several="each")
    assert each["joy"].tolist() == [2, 1]
    assert counts.columns.tolist() == ["joy", "fear", "calm"]


@pytest.mark.parametrize(
    ("votes", "options", "message"),
    [
        ([["joy", "fear"]], {"classes": ["joy"]}, r"\['fear'\].*mapping="),
        ([[], [None]], {}, "no vote in votes"),
        (["joy", "fear"], {}, "Recording 0 of votes is 'joy'"),
        ({"E1": "joy"}, {}, "a column per annotator"),
        ([["joy"]], {"several": "all"}, "several must be one of"),
    ],
)
def test_what_are_no_votes_is_refused(votes, options, message):
    with pytest.raises(ValueError, match=message):
        count_votes(votes, **options)


# Soft labels


def test_a_distribution_is_the_share_of_votes(counts):
    found = label_distributions(counts[:4])
    assert found.columns.tolist() == ["fear", "joy"]
    np.testing.assert_allclose(
        found, [[0, 1], [2 / 3, 1 / 3], [0, 1], [0.5, 0.5]], rtol=1e-12
    )


def test_smoothing_gives_each_class_votes_in_advance(counts):
    found = label_distributions(counts, smoothing=1)
    expected = [
        [1 / 5, 4 / 5],
        [3 / 5, 2 / 5],
        [1 / 3, 2 / 3],
        [1 / 2] * 2,
        [1 / 2] * 2,
    ]
    np.testing.assert_allclose(found, expected)


def test_recordings_without_votes_are_named(counts):
    with pytest.raises(ValueError, match=r"1 recording\(s\) have no vote.*: 4\."):
        label_distributions(counts)
    with pytest.raises(ValueError, match="smoothing must be a number and not negative"):
        label_distributions(counts, smoothing=-1)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([["a", "b"]], "make it with count_votes"),
        ([1, 2], "n_recordings, n_classes"),
        ([[1, -1]], "not negative"),
        ([[1, NAN]], "finite"),
    ],
)
def test_what_are_no_counts_is_refused(counts, message):
    with pytest.raises(ValueError, match=f"(?i){message}"):
        label_distributions(counts)


def test_the_rest_of_the_listeners_is_spread_evenly():
    found = distributions_from_shares(
        ["joy", "fear"], [1, 0.85], classes=["joy", "calm", "fear", "anger"]
    )
    assert found.columns.tolist() == ["joy", "calm", "fear", "anger"]
    np.testing.assert_allclose(found, [[1, 0, 0, 0], [0.05, 0.05, 0.85, 0.05]])


@pytest.mark.parametrize(
    ("labels", "shares", "classes", "message"),
    [
        (["joy", "fear"], [1, 90], None, "90.0 for recording 1. Divide percentages"),
        (["joy", "fear"], [1, NAN], None, "nan for recording 1"),
        (["joy", "joy"], [1, 1], None, "classes="),
        (["joy", "fear"], [1, 1], ["joy", "calm"], r"\['fear'\], not among"),
        (["joy", "fear"], [1], None, "inconsistent numbers"),
    ],
)
def test_what_are_no_shares_is_refused(labels, shares, classes, message):
    with pytest.raises(ValueError, match=message):
        distributions_from_shares(labels, shares, classes=classes)


# Majorities


def test_a_tie_is_what_the_user_says(counts):
    sure = ["joy", "fear", "joy"]
    assert majority_labels(counts[:3]).tolist() == sure
    with pytest.raises(ValueError, match=r"2 recording\(s\) have no majority.*: 3, 4"):
        majority_labels(counts)
    without = majority_labels(counts, undecided=None)
    assert without.tolist() == [*sure, None, None]
    assert (without != None).tolist() == [True] * 3 + [False] * 2  # noqa: E711
    own = majority_labels(counts, undecided="xxx")
    assert own.tolist() == [*sure, "xxx", "xxx"]
    assert own.dtype.kind == "U"
    assert majority_labels(counts[:4], undecided="first").tolist() == [*sure, "fear"]
    turned = counts[["joy", "fear"]][:4]
    assert majority_labels(turned, undecided="first").tolist() == [*sure, "joy"]
    with pytest.raises(ValueError, match=r"1 recording\(s\) have no vote"):
        majority_labels(counts, undecided="first")


def test_a_majority_can_have_to_exceed_a_share():
    counts = [[2, 1, 1], [3, 1, 0], [1, 0, 0]]
    found = majority_labels(counts, minimum_share=0.5, undecided=None)
    assert found.tolist() == [None, 0, 0]


def test_thirds_of_votes_tie():
    votes = [[("a", "b", "c"), ("a", "b", "c"), ("a", "b", "c")]]
    assert majority_labels(count_votes(votes), undecided="tie").tolist() == ["tie"]


# Agreement


@pytest.mark.parametrize(
    ("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_is_that_of_krippendorffs_four_observers(level, alpha):
    counts = count_votes(OBSERVERS)
    assert krippendorff_alpha(counts, level=level) == pytest.approx(alpha, abs=5e-4)
    turned = counts[[3, 1, 5, 2, 4]]
    assert krippendorff_alpha(turned, level=level) == pytest.approx(alpha, abs=5e-4)


def test_alpha_is_that_of_krippendorffs_two_observers():
    first, second = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    counts = count_votes(np.transpose([first, second]))
    for level in ("nominal", "ordinal", "interval"):
        found = krippendorff_alpha(counts, level=level)
        assert found == pytest.approx(0.095, abs=5e-4)


def test_an_interval_has_no_unit_and_no_zero():
    alpha = krippendorff_alpha(count_votes(OBSERVERS), level="interval")
    other = count_votes(OBSERVERS * 0.1 + 1e4)
    assert krippendorff_alpha(other, level="interval") == pytest.approx(alpha)


def test_a_single_vote_says_nothing_about_agreement():
    counts = count_votes(OBSERVERS)
    more = pandas.concat([counts, counts.iloc[[-1]]])
    assert krippendorff_alpha(more) == krippendorff_alpha(counts)


def test_kappa_is_the_published_one_of_fourteen_raters():
    assert fleiss_kappa(RATERS) == pytest.approx(0.210, abs=5e-4)


def test_perfect_agreement_is_1():
    counts = count_votes([["joy"] * 3, ["fear"] * 3])
    assert krippendorff_alpha(counts) == fleiss_kappa(counts) == 1


def test_votes_at_random_do_not_agree():
    votes = np.random.default_rng(0).integers(4, size=(2000, 5))
    counts = count_votes(votes)
    assert abs(fleiss_kappa(counts)) < 0.02
    for level in ("nominal", "ordinal", "interval"):
        assert abs(krippendorff_alpha(counts, level=level)) < 0.02


def test_agreement_of_equal_votes_is_undefined():
    counts = count_votes([[0.1] * 3] * 4)
    for level in ("nominal", "ordinal", "interval"):
        with pytest.warns(UndefinedMetricWarning, match="alpha is undefined"):
            assert np.isnan(krippendorff_alpha(counts, level=level))
    with pytest.warns(UndefinedMetricWarning, match="kappa is undefined") as caught:
        assert np.isnan(fleiss_kappa(counts))
    assert caught[0].filename == __file__


def test_counts_that_have_no_agreement_are_refused():
    with pytest.raises(ValueError, match=r"1 to 2.*krippendorff_alpha takes any"):
        fleiss_kappa([[1, 1], [1, 0]])
    with pytest.raises(ValueError, match=r"whole numbers.*several='first'"):
        krippendorff_alpha([[0.5, 0.5], [1, 1]])
    with pytest.raises(ValueError, match="'fear' is no number"):
        krippendorff_alpha(count_votes([["joy", "fear"]]), level="interval")
    with pytest.raises(ValueError, match="level must be one of"):
        krippendorff_alpha(RATERS, level="ratio")


# Ratings


def test_ratings_are_averaged_over_those_who_gave_one():
    found = mean_ratings(
        [{"E1": 1, "E2": 4}, {"E2": 5.0}, {}, {"E1": None, "E3": np.float32(2)}]
    )
    np.testing.assert_array_equal(found["mean"], [2.5, 5, NAN, 2])
    np.testing.assert_array_equal(found["std"], [1.5, 0, NAN, 0])
    assert found["n"].tolist() == [2, 1, 0, 1]
    assert mean_ratings(OBSERVERS)["mean"][1] == 2.25


def test_ratings_may_be_texts_as_tables_have_them():
    table = pandas.DataFrame({"E1": ["3", "10"], "E2": ["2.5", ""]})
    assert mean_ratings(table)["mean"].tolist() == [2.75, 10]
    pairs = pandas.DataFrame({"E1": ["2", "10", "9"], "E2": ["2", "9", "10"]})
    as_texts, as_numbers = count_votes(pairs), count_votes(pairs.astype(float))
    for level in ("ordinal", "interval"):
        found = krippendorff_alpha(as_texts, level=level)
        assert found == pytest.approx(krippendorff_alpha(as_numbers, level=level))


def test_ratings_must_be_numbers():
    with pytest.raises(ValueError, match="'high' is no number"):
        mean_ratings([["high", 3]])
