"""Features of frames side by side: what `FrameUnion` joins, and what it refuses."""

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

import skser
from skser.features import (
    AcousticFeatures,
    Deltas,
    FrameAveraging,
    FrameStatistics,
    FrameUnion,
)
from skser.normalization import FrameScaler, SpeakerNormalizer
from skser.systems import split_front_end


class Peaks(TransformerMixin, BaseEstimator):
    """The largest samples of each frame: a feature as a user would write it."""

    def __init__(self, n_peaks=1):
        self.n_peaks = n_peaks

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return [np.sort(abs(frames))[:, -self.n_peaks :] for frames in X]

    def get_feature_names_out(self, input_features=None):
        return np.array([f"peak_{i}" for i in range(self.n_peaks)], dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


@pytest.fixture
def utterances():
    """Frames of three utterances of unequal length."""
    generator = np.random.default_rng(0)
    return [
        skser.frame(0.1 * generator.standard_normal(n).astype(np.float32))
        for n in (700, 3000, 5000)
    ]


@pytest.fixture
def sequences():
    """Features of frames of eight utterances of two classes."""
    generator = np.random.default_rng(0)
    return [generator.normal(i % 2, 1, (5 + i, 3)) for i in range(8)], [0, 1] * 4


def union(**options):
    """Return two of YAAFE's features beside a feature of one's own."""
    members = [("yaafe", AcousticFeatures(["ZCR", "Energy"])), ("mine", Peaks(2))]
    return FrameUnion(members, **options)


def test_the_columns_of_all_members_stand_side_by_side(utterances):
    joined = union().fit_transform(utterances)
    assert isinstance(joined, list)
    yaafe = AcousticFeatures(["ZCR", "Energy"]).transform(utterances)
    for one, other, frames in zip(joined, yaafe, utterances, strict=True):
        np.testing.assert_array_equal(one[:, :2], other)
        np.testing.assert_array_equal(one[:, 3], abs(frames).max(axis=1))
    assert joined[0].dtype == np.float32


def test_columns_have_the_names_of_their_members(utterances):
    fitted = union().fit(utterances)
    names = ["yaafe__Energy", "yaafe__ZCR", "mine__peak_0", "mine__peak_1"]
    assert list(fitted.get_feature_names_out()) == names
    fitted.set_params(verbose_feature_names_out=False)
    bare = ["Energy", "ZCR", "peak_0", "peak_1"]
    assert list(fitted.get_feature_names_out()) == bare


def test_members_of_other_lengths_are_named_with_what_helps(utterances):
    def find_every_other(batch):
        return [frames[::2, :1] for frames in batch]

    coarse = FunctionTransformer(find_every_other)
    wrong = FrameUnion([("yaafe", AcousticFeatures(["ZCR"])), ("coarse", coarse)])
    # Of one utterance of two frames, and one of six: 2 and 1, 6 and 3.
    message = r"X\[0\] they give 2 by 'yaafe', 1 by 'coarse' .*FrameAveraging\(2\)"
    with pytest.raises(ValueError, match=message):
        wrong.fit_transform(utterances)
    averaged = make_pipeline(AcousticFeatures(["ZCR"]), FrameAveraging(2))
    right = FrameUnion([("yaafe", averaged), ("coarse", coarse)])
    assert [len(x) for x in right.fit_transform(utterances)] == [1, 3, 5]


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda X: [x[:, 0] for x in X], ValueError, r"'wrong' .* X\[0\] .*shape"),
        (lambda X: X[:2], ValueError, "3 by 'right', 2 by 'wrong' utterances"),
        (lambda X: (x for x in X), TypeError, "'wrong' gives .*generator"),
        (lambda X: np.ones((3, 2)), ValueError, "'wrong' gives a table"),
        (lambda X: [x > 0 for x in X], TypeError, r"'wrong' gives of X\[0\] .*bool"),
    ],
    ids=["one dimension", "utterances left out", "generator", "table", "no numbers"],
)
def test_what_is_no_list_of_frames_is_refused_by_its_member(
    function, error, message, utterances
):
    members = [("right", Peaks()), ("wrong", FunctionTransformer(function))]
    with pytest.raises(error, match=message):
        FrameUnion(members).fit_transform(utterances)


@pytest.mark.parametrize("members", [[], [("mine", "drop")]], ids=["none", "dropped"])
def test_a_union_of_no_members_is_refused(members, utterances):
    with pytest.raises(ValueError, match="FrameUnion has no members"):
        FrameUnion(members).fit(utterances)


def test_members_are_left_out_or_pass_their_input_on(sequences):
    X, _ = sequences
    members = [("slopes", Deltas()), ("same", "passthrough"), ("none", "drop")]
    fitted = FrameUnion(members).fit(X)
    joined = fitted.transform(X)
    np.testing.assert_array_equal(joined[0][:, 6:], X[0])
    assert list(fitted.get_feature_names_out()[6:]) == [f"same__x{i}" for i in range(3)]


def test_parameters_of_members_are_set_searched_and_cloned(sequences):
    X, y = sequences
    members = [("slopes", Deltas()), ("same", FrameScaler())]
    system = Pipeline(
        [
            ("union", FrameUnion(members)),
            ("statistics", FrameStatistics(["mean"], [])),
            ("classify", LogisticRegression()),
        ]
    )
    grid = {"union__slopes__order": [1, 2], "union__same": ["drop", "passthrough"]}
    search = GridSearchCV(system, grid, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    # The search has changed clones; so does this.
    other = clone(system).set_params(union__slopes__order=3)
    assert system.get_params()["union__slopes__order"] == 1
    assert other.named_steps["union"].named_transformers.slopes.order == 3


def test_processes_give_the_same(sequences):
    X, _ = sequences
    members = [("slopes", Deltas()), ("scaled", FrameScaler())]
    alone = FrameUnion(members).fit_transform(X)
    together = FrameUnion(members, n_jobs=2).fit_transform(X)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_union_is_of_the_front_end_if_no_member_learns():
    learning = FrameUnion([("yaafe", AcousticFeatures()), ("scale", FrameScaler())])
    assert get_tags(learning).requires_fit
    assert not get_tags(union()).requires_fit
    system = make_pipeline(skser.Framer(), union(), FrameScaler())
    front_end, rest = split_front_end(system)
    assert list(front_end.named_steps) == ["framer", "frameunion"]
    assert list(rest.named_steps) == ["framescaler"]


def test_recordings_go_through_a_union_one_by_one(utterances):
    joined = skser.out_of_core.ByUtterance(union()).transform(utterances)
    for one, other in zip(joined, union().transform(utterances), strict=True):
        np.testing.assert_array_equal(one, other)


def test_members_are_pipelines_from_signals_on():
    generator = np.random.default_rng(0)
    signals = [generator.normal(size=8000 + 400 * i) for i in range(6)]
    coarse = make_pipeline(skser.Framer(hop_length=512), AcousticFeatures(["MFCC"]))
    fine = make_pipeline(skser.Framer(hop_length=512), Peaks())
    system = make_pipeline(
        FrameUnion([("coarse", coarse), ("fine", fine)]),
        FrameStatistics(["mean"], []),
        LogisticRegression(),
    )
    system.fit(signals, [0, 1] * 3)
    assert system[-1].n_features_in_ == 14


def test_speakers_reach_the_members_that_ask_for_them(sequences):
    X, y = sequences
    speakers = np.repeat(["a", "b"], 4)
    with sklearn.config_context(enable_metadata_routing=True):
        members = [("speakers", SpeakerNormalizer()), ("same", "passthrough")]
        joined = FrameUnion(members).fit_transform(X, y, groups=speakers)
        alone = SpeakerNormalizer().fit_transform(X, groups=speakers)
    np.testing.assert_array_equal(joined[5][:, :3], alone[5])
    np.testing.assert_array_equal(joined[5][:, 3:], X[5])


def test_a_saved_union_gives_the_same(sequences, tmp_path):
    X, _ = sequences
    members = [("slopes", Deltas()), ("scaled", FrameScaler()), ("same", "passthrough")]
    fitted = FrameUnion(members).fit(X)
    skser.save(fitted, tmp_path / "union.skser")
    loaded = skser.load(tmp_path / "union.skser")
    for one, other in zip(loaded.transform(X), fitted.transform(X), strict=True):
        np.testing.assert_array_equal(one, other)


def test_frames_stay_a_list_where_pandas_is_wanted(sequences):
    X, _ = sequences
    members = [("slopes", Deltas()), ("scaled", FrameScaler())]
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(FrameUnion(members).fit_transform(X), list)
    joined = FrameUnion(members).set_output(transform="pandas").fit_transform(X)
    assert isinstance(joined, list)
