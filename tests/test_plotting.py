"""What the displays show: the right numbers at the right places of the axes."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skser import (
    AcousticFeatures,
    AttentionBLSTMFCNClassifier,
    AttentionBLSTMFCNRegressor,
    AudioLoader,
    Framer,
)
from skser.classifiers import AttentiveCNNClassifier
from skser.ensembles import SoftVotingClassifier
from skser.features import CATALOGUE, FrameAveraging
from skser.metrics import unweighted_accuracy_score
from skser.model_selection import EvaluationResult
from skser.plotting import (
    AttentionDisplay,
    ConfusionDisplay,
    CoverageDisplay,
    FeatureDisplay,
    ReliabilityDisplay,
    ScoreDisplay,
    TimelineDisplay,
    TrainingHistoryDisplay,
)
from skser.timeline import Timeline

matplotlib = pytest.importorskip("matplotlib")
plt = pytest.importorskip("matplotlib.pyplot")

N_COLUMNS = sum(feature.width for feature in CATALOGUE.values())


@pytest.fixture(autouse=True)
def _no_window():
    """Draw without a screen, and leave no figure open."""
    plt.switch_backend("agg")
    yield
    plt.close("all")


class AttendsToTheLoudest(ClassifierMixin, BaseEstimator):
    """Give the loudest frame all the weight; the shape of a real classifier."""

    classes_ = np.array(["anger", "sadness"])

    def fit(self, X, y=None):
        return self

    def predict_proba(self, X):
        return np.tile([0.25, 0.75], (len(X), 1))

    def attention_weights(self, X):
        return [np.eye(len(x))[x[:, 0].argmax()] for x in X]

    def __sklearn_is_fitted__(self):
        return True


def attentive_pipeline(hop_length=512):
    """Return a Pipeline whose attention is known."""
    return Pipeline(
        [
            ("load", AudioLoader(input_sample_rate=16000)),
            ("frame", Framer(hop_length=hop_length)),
            ("features", AcousticFeatures(features=["Energy"])),
            ("classify", AttendsToTheLoudest()),
        ]
    )


def click(second):
    """Return two seconds of silence with a click."""
    signal = np.zeros(32000, dtype=np.float32)
    signal[round(16000 * second)] = 1
    return signal


# Attention


@pytest.mark.parametrize("second", [0.032, 0.64, 1.6])
@pytest.mark.parametrize("hop_length", [160, 512])
def test_the_weight_of_a_click_is_at_the_second_of_the_click(second, hop_length):
    system = attentive_pipeline(hop_length)
    display = AttentionDisplay.from_estimator(system, click(second))
    times, weights = display.line_.get_data()
    # All frames that hold the click are equally loud; the first is the one found.
    first = np.ceil((second * 16000 - 511) / hop_length) * hop_length / 16000
    assert times[weights.argmax()] == pytest.approx(max(first, 0))
    assert abs(times[weights.argmax()] - second) <= 0.032
    assert display.ax_.get_xlim() == (0, 2)


@pytest.mark.parametrize("kind", ["waveform", "mel"])
def test_attention_is_drawn_over_the_seconds_of_the_recording(
    kind, fitted_system, speech
):
    display = AttentionDisplay.from_estimator(fitted_system, speech.paths[0], kind=kind)
    weights = display.line_.get_ydata()
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(
        display.line_.get_xdata(), np.arange(len(weights)) * 512 / 16000
    )
    duration = len(speech.data[0]) / 16000
    assert display.ax_.get_xlim() == pytest.approx((0, duration))
    assert display.weight_ax_.get_xlim() == display.ax_.get_xlim()
    assert display.ax_.get_xlabel() == "Time (s)"


def test_the_title_has_the_predicted_class_and_its_posterior(fitted_system, speech):
    path = speech.paths[0]
    display = AttentionDisplay.from_estimator(fitted_system, path)
    label = fitted_system.predict([path])[0]
    posterior = fitted_system.predict_proba([path]).max()
    assert display.ax_.get_title() == f"{label} ({posterior:.2f})"


def test_a_step_of_several_frames_stands_at_their_middle(speech):
    system = attentive_pipeline()
    classifier = AttentiveCNNClassifier(
        n_filters=3, kernel_size=3, pool_size=6, max_epochs=1, random_state=0
    )
    system.steps[-1] = ("classify", classifier)
    system.fit(speech.data, speech.target)
    display = AttentionDisplay.from_estimator(system, np.zeros(12 * 512))
    np.testing.assert_allclose(display.times, np.array([2.5, 8.5]) * 0.032)


def test_averaged_frames_stand_at_their_middle():
    system = attentive_pipeline()
    system.steps.insert(3, ("average", FrameAveraging(4)))
    display = AttentionDisplay.from_estimator(system, click(1))
    assert len(display.times) == 16
    np.testing.assert_allclose(display.times[:2], np.array([1.5, 5.5]) * 0.032)
    assert abs(display.times[display.weights.argmax()] - 1) <= 0.064


def make_vote(networks, classes=("anger", "sadness")):
    """Return a fitted vote of networks and a classifier of another kind."""
    frame = Pipeline(attentive_pipeline().steps[1:3])
    rows = FunctionTransformer(lambda X: np.array([x.mean(axis=0) for x in X]))
    vote = SoftVotingClassifier(
        [
            *[(name, make_pipeline(frame, network)) for name, network in networks],
            ("other", make_pipeline(frame, rows, LogisticRegression())),
        ]
    )
    system = Pipeline([("load", AudioLoader(input_sample_rate=16000)), ("vote", vote)])
    signals = [click(second) for second in (0.2, 0.4, 0.6, 0.8)]
    return system.fit(signals, list(classes) * 2)


def small_network():
    return AttentionBLSTMFCNClassifier(
        recurrent_units=2, convolutional=False, max_epochs=2, random_state=0
    )


def test_the_network_in_a_vote_is_found_and_knows_the_labels():
    system = make_vote([("network", small_network())])
    display = AttentionDisplay.from_estimator(system, click(1))
    assert display.label in ("anger", "sadness")
    assert display.weights.sum() == pytest.approx(1, abs=1e-5)
    history = TrainingHistoryDisplay.from_estimator(system)
    assert len(history.history["loss"]) == 2
    assert FeatureDisplay.from_estimator(system, click(1)).features.shape == (63, 1)
    search = GridSearchCV(system, {"vote__weights": [None]}, cv=2)
    search.fit([click(second / 10) for second in range(4)], ["a", "b"] * 2)
    display = AttentionDisplay.from_estimator(search, click(1))
    assert display.label in ("a", "b")


def test_of_several_networks_in_a_vote_one_is_chosen():
    networks = [("first", small_network()), ("second", small_network())]
    system = make_vote(networks)
    for show in (
        lambda **options: AttentionDisplay.from_estimator(system, click(1), **options),
        lambda **options: TrainingHistoryDisplay.from_estimator(system, **options),
    ):
        with pytest.raises(ValueError, match=r"of member=\['first', 'second'\]"):
            show()
        assert show(member="second").ax_
        with pytest.raises(ValueError, match=r"'third', but .* 'second', 'other'\]"):
            show(member="third")
        with pytest.raises(ValueError, match="LogisticRegression"):
            show(member="other")


def test_a_vote_without_networks_or_without_a_fit_is_refused():
    pair = [("a", LogisticRegression()), ("b", LogisticRegression())]
    vote = SoftVotingClassifier(pair)
    with pytest.raises(NotFittedError):
        TrainingHistoryDisplay.from_estimator(vote)
    vote.fit([[0.0], [1.0]], ["a", "b"])
    with pytest.raises(ValueError, match=r"none of the members \['a', 'b'\]"):
        TrainingHistoryDisplay.from_estimator(vote)


def test_a_regressor_is_shown_with_its_numbers_and_its_ccc(speech):
    system = attentive_pipeline()
    network = AttentionBLSTMFCNRegressor(
        recurrent_units=2, convolutional=False, max_epochs=2, random_state=0
    )
    system.steps[-1] = ("predict", network)
    dimensions = np.column_stack([speech.arousal, speech.valence])
    system.fit(speech.data, dimensions, predict__groups=speech.groups)
    display = AttentionDisplay.from_estimator(system, speech.data[0])
    arousal, valence = system.predict(speech.data[:1])[0]
    assert display.ax_.get_title() == f"{arousal:.2f}, {valence:.2f}"
    display = TrainingHistoryDisplay.from_estimator(system)
    assert display.score_ax_.get_ylabel() == "CCC"
    line = display.lines_["val_CCC"].get_ydata()
    np.testing.assert_array_equal(line, network.history_["val_CCC"])


def test_there_are_no_weights_behind_the_frames_at_which_a_classifier_cuts(speech):
    system = attentive_pipeline()
    classifier = AttentionBLSTMFCNClassifier(
        recurrent_units=2, convolutional=False, max_frames=10, max_epochs=1
    )
    system.steps[-1] = ("classify", classifier)
    system.fit(speech.data, speech.target)
    display = AttentionDisplay.from_estimator(system, speech.data[0])
    assert display.times.max() == pytest.approx(9 * 0.032)
    assert display.ax_.get_xlim()[1] == pytest.approx(len(speech.data[0]) / 16000)


@pytest.mark.parametrize(
    ("classifier", "message"),
    [
        (LogisticRegression(), "LogisticRegression has no attention_weights"),
        (AttentionBLSTMFCNClassifier(pooling="mean"), "pooling='mean'"),
        (AttentionBLSTMFCNClassifier(view="variables"), "view='variables'"),
        (AttentionBLSTMFCNClassifier(view="flat"), "view='flat'"),
    ],
)
def test_a_classifier_that_does_not_attend_to_moments_is_refused(classifier, message):
    system = attentive_pipeline()
    system.steps[-1] = ("classify", classifier)
    with pytest.raises(ValueError, match=f"AttentionDisplay .*{message}"):
        AttentionDisplay.from_estimator(system, click(1))


def test_a_system_that_does_not_say_where_its_frames_lie_is_refused():
    system = Pipeline(attentive_pipeline().steps[2:])
    with pytest.raises(ValueError, match=r"Framer .* got AcousticFeatures"):
        AttentionDisplay.from_estimator(system, np.zeros((3, 1024)))


def test_steps_that_change_the_number_of_frames_are_refused():
    class KeepsEverySecond(BaseEstimator):
        def transform(self, X):
            return [x[::2] for x in X]

    system = attentive_pipeline()
    system.steps.insert(3, ("thin", KeepsEverySecond()))
    with pytest.raises(ValueError, match=r"makes 63 frames .* give 32"):
        AttentionDisplay.from_estimator(system, click(1))


def test_an_unknown_kind_of_picture_is_refused():
    with pytest.raises(ValueError, match=r"kind must be one of \['waveform', 'mel'\]"):
        AttentionDisplay.from_estimator(attentive_pipeline(), click(1), kind="pitch")


# Training


def test_the_history_of_training_is_drawn_by_epoch(sequences):
    classifier = AttentionBLSTMFCNClassifier(
        recurrent_units=2, filters=(4,), kernel_sizes=(3,), max_epochs=4, random_state=0
    )
    classifier.fit(*sequences, groups=np.arange(60) % 4)
    display = TrainingHistoryDisplay.from_estimator(Pipeline([("c", classifier)]))
    for name in ("loss", "val_loss", "val_UA"):
        assert display.lines_[name].get_xdata().tolist() == [0, 1, 2, 3]
        assert display.lines_[name].get_ydata().tolist() == classifier.history_[name]
    assert display.lines_["val_UA"].axes is display.score_ax_
    assert set(display.lines_["best_epoch"].get_xdata()) == {classifier.best_epoch_}


def test_without_validation_only_the_loss_is_drawn():
    display = TrainingHistoryDisplay({"loss": [2.0, 1.0]}, best_epoch=1).plot()
    assert list(display.lines_) == ["loss", "best_epoch"]
    assert display.score_ax_ is None


def test_what_keeps_no_history_is_refused():
    with pytest.raises(NotFittedError):
        TrainingHistoryDisplay.from_estimator(AttentionBLSTMFCNClassifier())
    other = LogisticRegression().fit([[0], [1]], [0, 1])
    with pytest.raises(ValueError, match=r"history_; LogisticRegression does not"):
        TrainingHistoryDisplay.from_estimator(other)


# Confusions


@pytest.fixture
def predictions():
    """True labels, predicted ones and speakers of 60 recordings."""
    generator = np.random.default_rng(0)
    y_true = np.array(["anger", "fear", "joy"])[np.arange(60) % 3]
    y_pred = np.where(generator.random(60) < 0.5, y_true, "joy")
    return y_true, y_pred, np.array(["anna", "bea"])[np.arange(60) // 30]


def test_the_rows_of_the_matrix_sum_to_one(predictions):
    y_true, y_pred, _ = predictions
    display = ConfusionDisplay.from_predictions(y_true, y_pred)
    shares = display.matrix_.confusion_matrix
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    recalls = [np.mean(y_pred[y_true == name] == name) for name in display.labels]
    np.testing.assert_allclose(np.diag(shares), recalls)
    assert display.confusion_matrix.sum() == 60
    assert display.speaker_ax_ is None


def test_a_class_without_recordings_is_a_row_of_zeros_and_does_not_count():
    display = ConfusionDisplay.from_predictions(
        ["fear", "joy"], ["joy", "joy"], labels=["joy", "anger", "fear"]
    )
    assert display.matrix_.confusion_matrix.tolist() == [
        [1, 0, 0],
        [0, 0, 0],
        [1, 0, 0],
    ]
    assert display.ax_.get_title() == "UA 0.500, WA 0.500"


def test_beside_the_matrix_stands_the_ua_of_each_speaker(predictions):
    y_true, y_pred, speakers = predictions
    display = ConfusionDisplay.from_predictions(y_true, y_pred, groups=speakers)
    names = [label.get_text() for label in display.speaker_ax_.get_yticklabels()]
    assert names == ["anna", "bea"]
    expected = [
        unweighted_accuracy_score(y_true[speakers == name], y_pred[speakers == name])
        for name in names
    ]
    scores, rows = display.speaker_ax_.lines[0].get_data()
    np.testing.assert_allclose(scores, expected)
    assert rows.tolist() == [0, 1]


def test_a_result_shows_its_own_figures(predictions):
    y_true, y_pred, speakers = predictions
    labels = ["anger", "fear", "joy"]
    result = EvaluationResult(
        labels=labels,
        files=[f"{i}.wav" for i in range(60)],
        speakers=speakers.tolist(),
        true=np.array([labels.index(label) for label in y_true]),
        recordings=np.arange(60),
        folds=np.arange(60) // 30,
        runs=np.zeros(60, dtype=int),
        predicted=np.array([labels.index(label) for label in y_pred]),
        posteriors=None,
        seeds=[None],
        protocol={},
    )
    display = ConfusionDisplay.from_result(result)
    np.testing.assert_array_equal(display.confusion_matrix, result.confusion_matrix())
    rows = {row["speaker"]: row["UA"] for row in result.scores_by("speaker")}
    assert display.scores == rows
    assert display.ax_.get_title() == f"UA {result.ua:.3f}, WA {result.wa:.3f}"


def test_the_names_of_a_hundred_speakers_are_left_out():
    scores = {f"s{i:03d}": i / 100 for i in range(100)}
    display = ConfusionDisplay(np.eye(2), ["a", "b"], scores=scores).plot()
    assert len(display.speaker_ax_.get_yticklabels()) == 0
    assert display.speaker_ax_.get_title() == "100 speakers"


def test_predictions_of_another_number_are_refused():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ConfusionDisplay.from_predictions(["a", "b"], ["a"])


# Features


def test_the_features_stand_in_the_order_of_the_catalogue():
    display = FeatureDisplay.from_estimator(AcousticFeatures(), click(1))
    labels = display.ax_.get_yticklabels()
    assert [label.get_text() for label in labels] == list(CATALOGUE)
    assert (np.diff(display.edges_) > 0).all()
    middles = display.ax_.get_yticks()
    assert ((display.edges_[:-1] < middles) & (middles < display.edges_[1:])).all()


def test_every_column_has_its_place_within_its_feature():
    display = FeatureDisplay.from_estimator(AcousticFeatures(), click(1))
    columns = display.mesh_.get_coordinates()[:, 0, 1]
    ends = np.cumsum([feature.width for feature in CATALOGUE.values()])
    np.testing.assert_allclose(columns[ends], display.edges_[1:])
    assert len(columns) == N_COLUMNS + 1


def test_frames_lie_around_their_centres():
    display = FeatureDisplay.from_features(
        np.zeros((5, N_COLUMNS)), hop_length=160, sample_rate=8000
    )
    seconds = display.mesh_.get_coordinates()[0, :, 0]
    np.testing.assert_allclose(seconds, (np.arange(6) - 0.5) * 0.02)


def test_each_column_is_scaled_by_its_own_values():
    features = np.tile(np.arange(11.0)[:, np.newaxis], (1, N_COLUMNS))
    features[:, 1] = 1e9 * features[:, 0] + 5
    features[:, 2] = 7
    shown = FeatureDisplay.from_features(features).mesh_.get_array()
    np.testing.assert_allclose(shown[1], shown[0], atol=1e-6)
    np.testing.assert_allclose(shown[0], (np.arange(11) - 5) / 8)
    assert not shown[2].any()


def test_features_that_were_chosen_are_the_only_ones_shown(speech):
    features = AcousticFeatures(features=["ZCR", "MFCC"])
    system = Pipeline([("load", AudioLoader()), ("frame", Framer()), ("f", features)])
    for estimator in (system, features):
        display = FeatureDisplay.from_estimator(estimator, speech.paths[0])
        labels = [label.get_text() for label in display.ax_.get_yticklabels()]
        assert labels == ["MFCC", "ZCR"]


def test_a_whole_system_shows_the_features_in_its_midst(fitted_system, speech):
    display = FeatureDisplay.from_estimator(fitted_system, speech.paths[0])
    expected = fitted_system[:3].transform(speech.paths[:1])[0]
    np.testing.assert_array_equal(display.features, expected)


def test_what_has_no_acoustic_features_is_refused():
    with pytest.raises(ValueError, match="AcousticFeatures, got Framer"):
        FeatureDisplay.from_estimator(Framer(), click(1))
    with pytest.raises(ValueError, match=rf"\(n_frames, {N_COLUMNS}\).* got \(5, 13\)"):
        FeatureDisplay.from_features(np.zeros((5, 13)))


# All of them


def make_timeline(n_windows=3, duration=None, **others):
    """Return a timeline of two emotions that change halfway; the last is silent."""
    start = np.arange(n_windows, dtype=float)
    posteriors = np.tile([0.75, 0.25], (n_windows, 1))
    posteriors[n_windows // 2 :] = [0.25, 0.75]
    posteriors[-1] = np.nan
    label = np.array(["joy"] * n_windows, dtype=object)
    label[n_windows // 2 :] = "fear"
    label[-1] = None
    known = {
        "classes": ["joy", "fear"],
        "file": ["talk.wav"] * n_windows,
        "start": start,
        "end": start + 1,
        "label": label,
        "posteriors": posteriors,
        "speaker": None,
        "duration": {"talk.wav": duration or float(n_windows)},
    }
    return Timeline(**known | others)


def heights(display, label, time):
    """Return how high a band is at a time; 0 in a gap."""
    inside = [
        path.vertices
        for path in display.bands_[label].get_paths()
        if path.vertices[:, 0].min() <= time <= path.vertices[:, 0].max()
    ]
    near = [abs(v[:, 0] - time).argsort()[:4] for v in inside]
    return sum(np.ptp(v[i, 1]) for v, i in zip(inside, near, strict=True))


class TestTimelines:
    def test_bands_are_posteriors_and_silence_is_a_gap(self):
        display = TimelineDisplay(make_timeline(4)).plot()
        assert heights(display, "joy", 0.5) == pytest.approx(0.75)
        assert heights(display, "fear", 0.5) == pytest.approx(0.25)
        assert heights(display, "fear", 2.5) == pytest.approx(0.75)
        assert heights(display, "joy", 3.5) == heights(display, "fear", 3.5) == 0
        assert display.sound_ax_ is None
        assert display.ax_.get_xlim() == (0, 4)

    def test_of_hours_posteriors_are_averaged_and_times_are_those_of_a_clock(self):
        timeline = make_timeline(7200)
        timeline.posteriors[:3600:2] = [0.25, 0.75]
        display = TimelineDisplay(timeline).plot()
        assert heights(display, "joy", 1000) == pytest.approx(0.5, abs=0.02)
        assert heights(display, "joy", 6000) == pytest.approx(0.25)
        n_points = len(display.bands_["joy"].get_paths()[0].vertices)
        assert n_points < 2000
        display.figure_.canvas.draw()
        ticks = [tick.get_text() for tick in display.ax_.get_xticklabels()]
        assert ticks[:3] == ["0:00", "15:00", "30:00"]
        assert ticks[4] == "1:00:00"

    def test_each_speaker_has_a_line_of_segments(self):
        talk = make_timeline(4, speaker=["ann", "bob", "ann", "bob"])
        ax = TimelineDisplay(talk).plot().segment_ax_
        assert [tick.get_text() for tick in ax.get_yticklabels()] == ["ann", "bob"]
        assert len(ax.collections) == 3

    def test_without_posteriors_labels_are_the_bands(self):
        display = TimelineDisplay(make_timeline(4, posteriors=None)).plot()
        assert heights(display, "joy", 0.5) == 1
        assert heights(display, "joy", 2.5) == 0

    @pytest.mark.parametrize("n_samples", [48000, 5_000_000, 700])
    def test_the_envelope_is_the_largest_sample_of_each_part(self, n_samples, tmp_path):
        signal = np.random.default_rng(0).uniform(-1, 1, n_samples).astype(np.float32)
        signal[n_samples // 3] = 1.5
        seconds = n_samples / 16000
        talk = make_timeline(1, duration=seconds)
        sound = TimelineDisplay.from_timeline(talk, signal).sound
        assert len(sound) == min(1200, n_samples)
        assert np.argmax(sound) == n_samples // 3 * len(sound) // n_samples
        parts = np.array_split(np.abs(signal), len(sound))
        if n_samples % 1200 == 0:
            np.testing.assert_array_equal(sound, [part.max() for part in parts])
        soundfile.write(tmp_path / "talk.wav", signal, 16000, subtype="FLOAT")
        of_file = TimelineDisplay.from_timeline(talk, tmp_path / "talk.wav").sound
        np.testing.assert_array_equal(of_file, sound)

    def test_the_spectrogram_shows_a_tone_where_it_is(self):
        tone = np.sin(2 * np.pi * 2000 * np.arange(32000) / 16000)
        signal = np.concatenate([np.zeros(16000), tone])
        talk = make_timeline(3)
        display = TimelineDisplay.from_timeline(talk, signal, kind="spectrogram")
        loudest = display.sound.argmax(axis=0)
        of_second = display.sound.shape[1] // 3
        assert (loudest[of_second + 3 : -3] == 2000 / 16000 * 1024).all()
        assert (display.sound[:, : of_second - 3] < -90).all()
        assert display.max_frequency == 8000

    def test_a_recording_is_predicted_and_shown(self, fitted_system, speech):
        display = TimelineDisplay.from_estimator(
            fitted_system, speech.paths[0], window=1, hop=0.5, activity=None
        )
        assert list(display.bands_) == list(fitted_system.classes_)
        assert display.sound_ax_ is not None

    def test_what_cannot_be_shown_is_refused(self):
        two = make_timeline(2, file=["a", "b"], duration=None)
        two.duration = {"a": 1.0, "b": 2.0}
        with pytest.raises(ValueError, match="file must be one of a, b; got None"):
            TimelineDisplay(two).plot()
        with pytest.raises(ValueError, match="kind must be one of"):
            TimelineDisplay.from_timeline(make_timeline(), np.ones(9), kind="mel")


DISPLAYS = {
    "timeline": lambda ax: TimelineDisplay(make_timeline(), np.ones(9)).plot(ax=ax),
    "attention": lambda ax: AttentionDisplay.from_estimator(
        attentive_pipeline(), click(1), ax=ax
    ),
    "training": lambda ax: TrainingHistoryDisplay({"loss": [1.0]}, 0).plot(ax=ax),
    "confusions": lambda ax: ConfusionDisplay.from_predictions(
        ["a", "b"], ["a", "a"], groups=["s", "t"], ax=ax
    ),
    "features": lambda ax: FeatureDisplay.from_features(
        np.zeros((3, N_COLUMNS)), ax=ax
    ),
}


@pytest.mark.parametrize("name", DISPLAYS)
def test_the_axes_that_are_given_are_used_and_no_figure_is_made(name):
    figure, axes = plt.subplots(1, 2)
    display = DISPLAYS[name](axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    assert not axes[0].has_data()


@pytest.mark.parametrize("name", DISPLAYS)
def test_settings_of_matplotlib_are_left_alone(name):
    before = dict(matplotlib.rcParams)
    DISPLAYS[name](None)
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", DISPLAYS)
def test_without_matplotlib_the_error_says_what_to_install(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'Display needs .*pip install "matplotlib>='):
        DISPLAYS[name](None)


def test_importing_the_displays_loads_neither_matplotlib_nor_tensorflow():
    code = (
        "import skser, skser.plotting, sys\n"
        "print([m for m in ('matplotlib', 'librosa', 'tensorflow') "
        "if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert answer.stdout.strip() == "[]"


# Results


@pytest.fixture(scope="module")
def result():
    """Predictions of six speakers with posteriors, and of two groups."""
    generator = np.random.default_rng(0)
    posteriors = generator.dirichlet([1, 1, 1], 120)
    return EvaluationResult(
        labels=["anger", "fear", "joy"],
        files=[f"{i}.wav" for i in range(120)],
        speakers=[f"s{i % 6}" for i in range(120)],
        true=generator.integers(3, size=120),
        recordings=np.arange(120),
        folds=np.arange(120) % 6,
        runs=np.zeros(120, dtype=int),
        predicted=posteriors.argmax(axis=1),
        posteriors=posteriors,
        seeds=[None],
        protocol={},
        columns={"text": ["t1"] * 60 + ["t2"] * 60},
    )


def test_reliability_shows_the_bins_of_a_result(result):
    rows = result.calibration(n_bins=5)
    display = ReliabilityDisplay.from_result(result, n_bins=5)
    confidence, accuracy = display.points_.get_data()
    np.testing.assert_allclose(confidence, [row["confidence"] for row in rows])
    np.testing.assert_allclose(accuracy, [row["accuracy"] for row in rows])
    lengths = [segment[:, 1].tolist() for segment in display.bars_.get_segments()]
    np.testing.assert_allclose(lengths, [[row["low"], row["high"]] for row in rows])


def test_coverage_ends_at_the_accuracy_of_all_predictions(result):
    display = CoverageDisplay.from_result(result)
    coverage, accuracy = display.line_.get_data()
    assert (coverage[-1], accuracy[-1]) == (1, pytest.approx(result.wa))
    assert (np.diff(coverage) > 0).all()


def test_scores_of_groups_stand_below_each_other_with_their_intervals(result):
    display = ScoreDisplay.from_result(result, "text")
    rows = result.scores_by("text")
    scores, places = display.points_.get_data()
    np.testing.assert_allclose(scores, [row["UA"] for row in rows])
    assert places.tolist() == [0, 1]
    bounds = [segment[:, 0].tolist() for segment in display.bars_.get_segments()]
    np.testing.assert_allclose(bounds, [[row["low"], row["high"]] for row in rows])
    assert display.ax_.get_xlim() == (0, 1.02)


def test_small_groups_are_marked(result):
    rows = [
        {"name": "a", "score": 0.5, "low": None, "high": None, "small": True},
        {"name": "b", "score": 0.6, "low": 0.5, "high": 0.7, "small": False},
    ]
    labels = ScoreDisplay(rows).plot().ax_.get_yticklabels()
    assert [label.get_text() for label in labels] == ["a (small)", "b"]


def test_conditions_are_shown_by_any_score(result):
    results = {"clean": result, "noise": result}
    display = ScoreDisplay.from_conditions(results, score="log loss")
    assert display.points_.get_xdata().tolist() == 2 * [result.score("log loss")]
    assert display.ax_.get_xlabel() == "log loss"
    # A loss may be above 1.
    assert display.ax_.get_xlim()[1] > result.score("log loss")


def test_a_learning_curve_is_drawn_over_the_number_of_speakers(result):
    display = ScoreDisplay.from_learning_curve({1: result, 5: result})
    sizes, scores = display.points_.get_data()
    assert sizes.tolist() == [1, 5]
    assert scores.tolist() == 2 * [result.ua]
    assert display.ax_.get_xlabel() == "Training speakers"


def test_an_unknown_kind_of_scores_is_refused(result):
    with pytest.raises(ValueError, match="'list' or 'curve'"):
        ScoreDisplay.from_result(result, "text").plot(kind="bars")
