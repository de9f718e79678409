"""Training that is interrupted goes on, and ends where it would have ended."""

import errno
import os
import re
import warnings
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from sklearn.base import clone

import skser
from skser import AttentionBLSTMFCNClassifier, NetworkClassifier
from skser.classifiers import AttentiveCNNClassifier
from skser.training import NetworkPool

pytestmark = pytest.mark.slow


def small(checkpoint=None, **parameters):
    """Return a classifier that is quick to train, dropout included."""
    sizes = {
        "recurrent_units": 4,
        "filters": (6,),
        "kernel_sizes": (3,),
        "hidden_units": (6,),
        "batch_size": 15,
        "max_epochs": 6,
        "random_state": 0,
    }
    return AttentionBLSTMFCNClassifier(checkpoint=checkpoint, **(sizes | parameters))


@pytest.fixture
def epochs(wrap):
    """Note each epoch that is run; an exception can be put behind a number of them."""

    class Epochs(list):
        interruption = (None, None)

        def interrupt(self, n_epochs, exception=KeyboardInterrupt):
            self.clear()
            self.interruption = (n_epochs, exception)

        def go_on(self):
            self.interrupt(None, None)

    epochs = Epochs()

    def note(run_epoch):
        def note_and_run(network, plan, training, validation, logs):
            n_epochs, exception = epochs.interruption
            if len(epochs) == n_epochs:
                # Half an epoch has been run, to be lost.
                run_epoch(network, plan, training.take(range(9)), validation, logs)
                raise exception
            epochs.append(len(logs))
            return run_epoch(network, plan, training, validation, logs)

        return note_and_run

    wrap("skser.training._loop.run_epoch", note)
    return epochs


def assert_same_fit(one, other):
    """Compare what two fits have left, to the last bit."""
    for mine, others in zip(one.weights_, other.weights_, strict=True):
        np.testing.assert_array_equal(mine, others)
    assert one.history_ == other.history_
    assert one.best_epoch_ == other.best_epoch_
    assert one.n_iter_ == other.n_iter_


def interrupt_and_go_on(classifier, epochs, n_epochs, *data, **metadata):
    """Fit with an interruption; return the classifier and what was run afterwards."""
    epochs.interrupt(n_epochs)
    with pytest.raises(KeyboardInterrupt):
        clone(classifier).fit(*data, **metadata)
    epochs.go_on()
    # Other fits come in between, of the same compiled network.
    small(random_state=5, max_epochs=1).fit(*data[:2])
    epochs.clear()
    return clone(classifier).fit(*data, **metadata), list(epochs)


@pytest.mark.case("G17")
@pytest.mark.parametrize("n_epochs", [1, 3, 5])
@pytest.mark.parametrize(
    "options", [{}, {"optimizer": "sgd", "max_frames": 8}], ids=str
)
def test_an_interrupted_fit_ends_with_the_weights_of_an_undisturbed_one(
    n_epochs, options, sequences, epochs, tmp_path
):
    whole = small(**options).fit(*sequences)
    resumed, run = interrupt_and_go_on(
        small(tmp_path / "fits", **options), epochs, n_epochs, *sequences
    )
    assert run == list(range(n_epochs, 6))
    assert_same_fit(resumed, whole)
    assert list((tmp_path / "fits").iterdir()) == []


@pytest.mark.case("G17")
def test_early_stopping_remembers_the_best_epoch_and_its_patience(
    sequences, epochs, tmp_path
):
    X = sequences[0]
    y = np.random.default_rng(0).permutation(sequences[1])  # nothing to learn
    options = {"n_iter_no_change": 3, "max_epochs": 40}
    groups = np.arange(60) // 12
    whole = small(**options).fit(X, y, groups=groups)
    # Behind the best epoch, whose weights only the checkpoint has then.
    n_epochs = whole.best_epoch_ + 2
    assert n_epochs < whole.n_iter_ < 40
    resumed, run = interrupt_and_go_on(
        small(tmp_path, **options), epochs, n_epochs, X, y, groups=groups
    )
    assert run == list(range(n_epochs, whole.n_iter_))
    assert_same_fit(resumed, whole)


@pytest.mark.case("G17")
@pytest.mark.parametrize("is_validated", [False, True])
def test_a_fit_that_was_killed_behind_its_last_epoch_runs_none_again(
    is_validated, sequences, epochs, tmp_path, monkeypatch
):
    groups = np.arange(60) // 12 if is_validated else None
    whole = small().fit(*sequences, groups=groups)
    with monkeypatch.context() as patch:
        # As if the process had died before it could remove the file.
        patch.setattr(Path, "unlink", lambda *arguments, **options: None)
        small(tmp_path).fit(*sequences, groups=groups)
    assert len(list(tmp_path.iterdir())) == 1
    epochs.clear()
    resumed = small(tmp_path).fit(*sequences, groups=groups)
    assert epochs == []
    assert_same_fit(resumed, whole)


def test_ratings_and_a_warm_start_are_resumed_as_well(sequences, epochs, tmp_path):
    X, y = sequences
    ratings = np.random.default_rng(0).uniform(1, 5, (60, 2))
    options = {"n_filters": 4, "kernel_size": 3, "pool_size": 4, "max_epochs": 4}
    whole = AttentiveCNNClassifier(random_state=0, **options)
    whole.fit(X, y, ratings=ratings)
    kept = AttentiveCNNClassifier(random_state=0, checkpoint=tmp_path, **options)
    resumed, run = interrupt_and_go_on(kept, epochs, 2, X, y, ratings=ratings)
    assert run == [2, 3]
    assert_same_fit(resumed, whole)
    for classifier in (whole, resumed):
        classifier.set_params(warm_start=True)
    whole.fit(X, y, ratings=ratings)
    epochs.interrupt(2)
    with pytest.raises(KeyboardInterrupt):
        resumed.fit(X, y, ratings=ratings)
    epochs.go_on()
    assert_same_fit(resumed.fit(X, y, ratings=ratings), whole)
    assert epochs == [2, 3]


def change_value(X, y):
    X = [x.copy() for x in X]
    X[7][2, 1] = np.nextafter(X[7][2, 1], np.float32(9))
    return {"X": X}


CHANGES = {
    "a value": change_value,
    "the order": lambda X, y: {"X": X[::-1], "y": y[::-1]},
    "one utterance less": lambda X, y: {"X": X[1:], "y": y[1:]},
    "a label": lambda X, y: {"y": np.r_[y[1:2], y[1:]]},
    "the names of classes": lambda X, y: {"y": np.char.upper(y)},
    "a weight": lambda X, y: {"sample_weight": np.r_[2, np.ones(59)]},
    "speakers": lambda X, y: {"groups": np.arange(60) % 5},
    "validation": lambda X, y: {"X_val": X[:6], "y_val": y[:6]},
    "random_state": lambda X, y: {"random_state": 1},
    "learning_rate": lambda X, y: {"learning_rate": 2e-3},
    "class_weight": lambda X, y: {"class_weight": {"calm": 2, "glad": 1, "wild": 1}},
    "max_epochs": lambda X, y: {"max_epochs": 5},
    "optimizer": lambda X, y: {"optimizer": "sgd"},
    "dropout": lambda X, y: {"dropout": 0.4},
    "max_frames": lambda X, y: {"max_frames": 30},
}


@pytest.mark.case("G17")
@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_is_trained_from_the_beginning(
    change, sequences, epochs, tmp_path
):
    X, y = sequences
    epochs.interrupt(2)
    with pytest.raises(KeyboardInterrupt):
        small(tmp_path).fit(X, y)
    epochs.go_on()
    changes = {"X": X, "y": y} | CHANGES[change](X, y)
    classifier = small(tmp_path, max_epochs=6)
    is_parameter = change in classifier.get_params()
    if is_parameter:
        classifier.set_params(**{change: changes.pop(change)})
    classifier.fit(**changes)
    assert epochs[0] == 0
    # Nor is the interrupted one's file lost to it.
    epochs.clear()
    small(tmp_path).fit(X, y)
    assert epochs[0] == 2


@pytest.mark.case("G17")
@pytest.mark.parametrize("package", ["tensorflow", "keras", "numpy", "skser", "code"])
def test_other_versions_are_trained_from_the_beginning(
    package, sequences, epochs, tmp_path, monkeypatch, wrap
):
    # The code of a release is known by its version.
    monkeypatch.setattr("skser.storage._identity.__version__", "98.dev0")
    epochs.interrupt(2)
    with pytest.raises(KeyboardInterrupt):
        small(tmp_path).fit(*sequences)
    epochs.go_on()
    if package == "skser":
        monkeypatch.setattr("skser.storage._identity.__version__", "99.dev0")
    elif package == "code":
        monkeypatch.setattr("skser.storage._identity.digest_source", lambda: "changed")
    else:
        wrap(
            "skser.storage._identity._find_version",
            lambda find: lambda name: "99" if name == package else find(name),
        )
    small(tmp_path).fit(*sequences)
    assert epochs[0] == 0


def make_network(n_units, activation="tanh"):
    """Return a function that builds a network, with something of its surroundings."""

    def build(n_features, n_classes, *, seed, activation=activation):
        start = keras.initializers.GlorotUniform(seed)
        frames = keras.Input((None, n_features))
        mask = keras.Input((None,), dtype="bool")
        mean = keras.layers.GlobalAveragePooling1D()(frames, mask=mask)
        hidden = keras.layers.Dense(n_units, activation, kernel_initializer=start)
        scores = keras.layers.Dense(n_classes, kernel_initializer=start)
        return keras.Model([frames, mask], scores(hidden(mean)))

    return build


@pytest.mark.parametrize("other", [(5, "tanh"), (4, "relu")], ids=str)
def test_another_network_under_the_same_name_is_another_one(
    other, sequences, epochs, tmp_path
):
    def classify(network):
        return NetworkClassifier(
            network, max_epochs=4, checkpoint=tmp_path, random_state=0
        )

    epochs.interrupt(2)
    with pytest.raises(KeyboardInterrupt):
        classify(make_network(4)).fit(*sequences)
    epochs.go_on()
    classify(make_network(*other)).fit(*sequences)
    assert epochs[0] == 0
    epochs.clear()
    classify(make_network(4)).fit(*sequences)
    assert epochs[0] == 2


# Neither a plain value nor code, so that no key sees what is in it.
_SIZE = SimpleNamespace(n_units=4)


def network_of_a_global_size(n_features, n_classes, *, seed):
    return make_network(_SIZE.n_units)(n_features, n_classes, seed=seed)


def test_weights_of_another_shape_are_refused(sequences, epochs, tmp_path, monkeypatch):
    classifier = NetworkClassifier(
        network_of_a_global_size, max_epochs=4, checkpoint=tmp_path, random_state=0
    )
    epochs.interrupt(2)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(*sequences)
    epochs.go_on()
    monkeypatch.setattr(_SIZE, "n_units", 5)
    # As in a new process, where no network has been compiled yet.
    monkeypatch.setattr("skser.training._compiled._POOL", NetworkPool(2))
    with pytest.warns(UserWarning, match="weights of another network"):
        classifier.fit(*sequences)
    assert epochs == [0, 1, 2, 3]


def flip(content):
    """Change one bit in the middle of the weights."""
    content = bytearray(content)
    content[len(content) // 2] ^= 0x10
    return bytes(content)


HARM = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[:-50],
    "a bit flipped": flip,
    "something else": lambda content: b"<html>not found</html>",
}


@pytest.mark.case("G17")
@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_checkpoint_is_a_warning_and_a_new_start(
    harm, sequences, epochs, tmp_path
):
    whole = small().fit(*sequences)
    epochs.interrupt(3)
    with pytest.raises(KeyboardInterrupt):
        small(tmp_path).fit(*sequences)
    epochs.go_on()
    [victim] = tmp_path.iterdir()
    victim.write_bytes(HARM[harm](victim.read_bytes()))
    with pytest.warns(UserWarning, match="damaged.*training starts anew") as caught:
        anew = small(tmp_path).fit(*sequences)
    assert len(caught) == 1
    assert epochs == list(range(6))
    assert_same_fit(anew, whole)


@pytest.mark.case("G17")
def test_a_full_disk_costs_the_checkpoint_and_not_the_fit(
    sequences, full_disk, tmp_path
):
    whole = small().fit(*sequences)
    full_disk(1000)
    with pytest.warns(UserWarning, match="No space left on device") as caught:
        fitted = small(tmp_path).fit(*sequences)
    assert len(caught) == 1
    assert_same_fit(fitted, whole)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.case("G17")
def test_a_disk_that_fills_later_leaves_the_epoch_before(
    sequences, epochs, full_disk, tmp_path, monkeypatch
):
    whole = small().fit(*sequences)
    epochs.interrupt(2)
    with pytest.raises(KeyboardInterrupt):
        small(tmp_path).fit(*sequences)
    epochs.interrupt(2)
    full_disk(1000)
    with pytest.warns(UserWarning, match="No space"), pytest.raises(KeyboardInterrupt):
        small(tmp_path).fit(*sequences)
    assert epochs == [2, 3]
    monkeypatch.setattr("skser.storage._archive.open", open)
    epochs.go_on()
    assert_same_fit(small(tmp_path).fit(*sequences), whole)
    assert epochs == [2, 3, 4, 5]


def test_a_folder_that_cannot_be_made_costs_one_warning(sequences, tmp_path):
    (tmp_path / "file").touch()
    with pytest.warns(UserWarning, match="could not be kept") as caught:
        small(tmp_path / "file" / "fits", max_epochs=2).fit(*sequences)
    assert len(caught) == 1


@pytest.mark.case("F22")
@pytest.mark.skipif(os.name != "posix", reason="folders have no such mode")
def test_only_the_owner_may_look_into_the_folder(sequences, tmp_path):
    small(tmp_path / "fits", max_epochs=1).fit(*sequences)
    assert (tmp_path / "fits").stat().st_mode & 0o777 == 0o700


def test_a_fit_that_could_never_be_found_again_is_refused(sequences, tmp_path):
    with pytest.raises(ValueError, match="needs a random_state"):
        small(tmp_path, random_state=None).fit(*sequences)


def test_a_generator_of_random_numbers_is_as_good_as_a_seed(
    sequences, epochs, tmp_path
):
    def seeded(checkpoint=None):
        return small(checkpoint, random_state=np.random.RandomState(3))

    whole = seeded().fit(*sequences)
    resumed, run = interrupt_and_go_on(seeded(tmp_path), epochs, 2, *sequences)
    assert run == [2, 3, 4, 5]
    assert_same_fit(resumed, whole)


def test_the_progress_bar_goes_on_where_it_was(
    sequences, epochs, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("skser._progress.DELAY", 0)
    monkeypatch.setattr("skser._progress.LOG_INTERVAL", 0)
    epochs.interrupt(4)
    with pytest.raises(KeyboardInterrupt):
        small(tmp_path, verbose=0).fit(*sequences)
    epochs.go_on()
    small(tmp_path, verbose=1).fit(*sequences)
    bars = re.findall(r"\d/6", capsys.readouterr().err)
    assert bars[0] == "4/6"
    assert list(dict.fromkeys(bars)) == ["4/6", "5/6", "6/6"]


def test_a_model_file_does_not_name_the_folder(sequences, tmp_path):
    fitted = small(tmp_path / "fits", max_epochs=1).fit(*sequences)
    skser.save(fitted, tmp_path / "model")
    assert b"fits" not in (tmp_path / "model").read_bytes()
    loaded = skser.load(tmp_path / "model")
    assert loaded.checkpoint is None
    X = sequences[0]
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))


def test_two_fits_at_once_have_files_of_their_own(sequences, epochs, tmp_path):
    for seed in (0, 1):
        epochs.interrupt(2)
        with pytest.raises(KeyboardInterrupt):
            small(tmp_path, random_state=seed).fit(*sequences)
    assert len(list(tmp_path.iterdir())) == 2
    epochs.go_on()
    for seed in (0, 1):
        epochs.clear()
        resumed = small(tmp_path, random_state=seed).fit(*sequences)
        assert epochs == [2, 3, 4, 5]
        assert_same_fit(resumed, small(random_state=seed).fit(*sequences))


def test_an_epoch_is_kept_without_a_word(sequences, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small(tmp_path, max_epochs=2).fit(*sequences)


def test_no_other_error_of_the_system_is_taken_for_a_missing_file(
    sequences, epochs, tmp_path, monkeypatch
):
    epochs.interrupt(2)
    with pytest.raises(KeyboardInterrupt):
        small(tmp_path).fit(*sequences)
    epochs.go_on()

    def refuse(*arguments, **options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("skser.storage._archive.zipfile.ZipFile", refuse)
    with pytest.warns(UserWarning, match="Permission denied.*training starts anew"):
        small(tmp_path).fit(*sequences)
    assert epochs[0] == 0
