"""The paper's system as a whole, through scikit-learn's own tools."""

import pickle
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.model_selection import (
    GridSearchCV,
    LeaveOneGroupOut,
    check_cv,
    cross_val_predict,
    cross_validate,
)
from sklearn.pipeline import Pipeline

import skser
from skser.features import CATALOGUE
from skser.metrics import SCORERS
from skser.systems import SYSTEMS, attention_blstm_fcn


def test_the_paper_s_system_has_its_parts_in_the_order_of_the_signal():
    system = attention_blstm_fcn()
    assert isinstance(system, Pipeline)
    assert [type(step) for step in system.named_steps.values()] == [
        skser.AudioLoader,
        skser.Framer,
        skser.AcousticFeatures,
        skser.PCAWhitening,
        skser.AttentionBLSTMFCNClassifier,
    ]
    assert system["classify"].batch_size == 50
    assert SYSTEMS["attention_blstm_fcn"] is attention_blstm_fcn


@pytest.mark.case("C18")
def test_scikit_learn_takes_it_for_a_classifier(small_system):
    for system in (small_system, small_system[-1]):
        assert is_classifier(system)
        folds = check_cv(3, ["a", "b"] * 3, classifier=is_classifier(system))
        assert type(folds).__name__ == "StratifiedKFold"


def test_it_learns_from_paths_what_distinguishes_synthetic_emotions(
    fitted_system, speech
):
    assert fitted_system.score(speech.paths, speech.target) > 0.6


def test_paths_and_their_waveforms_give_the_same_posteriors(fitted_system, speech):
    waveforms = skser.AudioLoader().transform(speech.paths)
    by_waveform = clone(fitted_system).set_params(load__input_sample_rate=16000)
    by_waveform.steps[1:] = fitted_system.steps[1:]
    np.testing.assert_allclose(
        by_waveform.predict_proba(waveforms),
        fitted_system.predict_proba(speech.paths),
        atol=1e-6,
    )


@pytest.mark.slow
def test_speakers_are_left_out_by_scikit_learns_cross_validation(small_system, speech):
    system = clone(small_system).set_params(classify__max_epochs=2)
    results = cross_validate(
        system,
        speech.paths,
        speech.target,
        groups=speech.groups,
        cv=LeaveOneGroupOut(),
        scoring=SCORERS,
        error_score="raise",
    )
    assert results["test_UA"].shape == results["test_WA"].shape == (3,)
    assert np.isfinite(results["test_UA"]).all()


@pytest.mark.slow
def test_posteriors_are_cross_predicted_from_a_pandas_column(small_system, speech):
    system = clone(small_system).set_params(classify__max_epochs=1)
    paths = pd.Series([str(path) for path in speech.paths]).sample(
        frac=1, random_state=0
    )
    target = pd.Series(speech.target)[paths.index]
    groups = np.asarray(speech.groups)[paths.index]
    posteriors = cross_val_predict(
        system,
        paths,
        target,
        groups=groups,
        cv=LeaveOneGroupOut(),
        method="predict_proba",
    )
    assert posteriors.shape == (len(paths), len(set(speech.target)))
    np.testing.assert_allclose(posteriors.sum(axis=1), 1)


@pytest.mark.slow
@pytest.mark.case("C22")
def test_parameters_are_searched_by_two_processes(small_system, speech):
    search = GridSearchCV(
        clone(small_system).set_params(classify__max_epochs=1),
        {"whiten__n_components": [5, 10], "classify__pooling": ["attention", "mean"]},
        cv=LeaveOneGroupOut(),
        scoring="accuracy",
        n_jobs=2,
        error_score="raise",
    )
    search.fit(speech.paths, speech.target, groups=speech.groups)
    assert set(search.best_params_) == {"whiten__n_components", "classify__pooling"}
    assert search.predict(speech.paths[:2]).shape == (2,)


@pytest.mark.slow
def test_transformers_are_cached_by_the_pipelines_memory(
    small_system, speech, tmp_path, fitted_system
):
    cached = clone(small_system).set_params(memory=str(tmp_path / "cache"))
    for _ in range(2):
        cached.fit(speech.paths, speech.target)
        np.testing.assert_array_equal(
            cached.predict_proba(speech.paths),
            fitted_system.predict_proba(speech.paths),
        )
    assert any((tmp_path / "cache").rglob("output.pkl"))


@pytest.mark.slow
def test_a_pickled_system_predicts_the_same_in_a_process_that_knows_nothing(
    fitted_system, speech, tmp_path
):
    model, paths, answer = (tmp_path / name for name in ("model", "paths", "answer"))
    joblib.dump(fitted_system, model)
    joblib.dump(speech.paths, paths)
    code = (
        "import joblib, sys\n"
        "model, paths = map(joblib.load, sys.argv[1:3])\n"
        "joblib.dump((model.predict(paths), model.predict_proba(paths)), sys.argv[3])\n"
    )
    arguments = [sys.executable, "-c", code, model, paths, answer]
    subprocess.run(arguments, check=True, cwd=tmp_path)
    labels, posteriors = joblib.load(answer)
    np.testing.assert_array_equal(labels, fitted_system.predict(speech.paths))
    np.testing.assert_allclose(
        posteriors, fitted_system.predict_proba(speech.paths), atol=1e-6
    )


def test_a_pickle_holds_no_keras_object(fitted_system):
    assert b"keras" not in pickle.dumps(fitted_system)


@pytest.mark.case("B18")
def test_the_posteriors_of_an_utterance_do_not_depend_on_a_long_one_beside_it(
    fitted_system, speech, tmp_path
):
    import soundfile

    signal, rate = soundfile.read(speech.paths[0])
    long = tmp_path / "long.wav"
    soundfile.write(long, np.tile(signal, 10), rate)
    alone = fitted_system.predict_proba([speech.paths[0]])
    together = fitted_system.predict_proba([speech.paths[0], long])[:1]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_nothing_is_learnt_from_the_speaker_that_is_left_out(small_system, speech):
    system = clone(small_system).set_params(classify__max_epochs=1)
    train = np.flatnonzero(np.asarray(speech.groups) != speech.groups[0])
    system.fit([speech.paths[i] for i in train], speech.target[train])
    features = system[:3].transform([speech.paths[i] for i in train])
    frames = np.concatenate(features)
    assert system["whiten"].n_frames_seen_ == len(frames)
    np.testing.assert_allclose(
        system["whiten"].upper_, np.percentile(frames, 99.9, axis=0), rtol=1e-5
    )


@pytest.mark.case("A37", "I05")
@pytest.mark.parametrize("position", [0, 5])
def test_a_missing_file_is_named_before_anything_is_trained(
    small_system, speech, position
):
    paths = [str(path) for path in speech.paths]
    paths[position] = "no/such/recording.wav"
    with pytest.raises(FileNotFoundError, match=r"no/such/recording\.wav"):
        clone(small_system).fit(paths, speech.target)


def test_a_label_unknown_to_the_classifier_counts_as_wrong_in_the_score(
    fitted_system, speech
):
    target = np.array(["melancholy", *speech.target[1:]])
    predicted = fitted_system.predict(speech.paths)
    recalls = [np.mean(predicted[target == c] == c) for c in np.unique(target)]
    assert recalls[np.unique(target).tolist().index("melancholy")] == 0
    assert SCORERS["UA"](fitted_system, speech.paths, target) == pytest.approx(
        np.mean(recalls)
    )


def test_labels_of_another_length_are_an_error_before_a_file_is_read(small_system):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clone(small_system).fit(["no/such/file.wav"] * 4, ["anger", "fear", "fear"])


@pytest.mark.case("E07")
def test_importing_the_package_loads_neither_tensorflow_nor_numba():
    code = (
        "import skser, sys\n"
        "print([m for m in ('tensorflow', 'keras', 'numba', 'librosa') "
        "if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert answer.stdout.strip() == "[]"


def test_predicting_by_linear_models_loads_nothing_that_only_others_need(
    shrink, speech, tiny_encoder, tmp_path
):
    options = {
        "statistics_ivector_vote": {"random_state": 0},
        "ivector": {"random_state": 0},
        "pretrained_statistics": {"model": tiny_encoder},
    }
    for name, arguments in options.items():
        system = shrink(SYSTEMS[name](**arguments))
        skser.save(system.fit(speech.paths, speech.target), tmp_path / name)
    code = (
        "import skser, sys\n"
        "*models, recording = sys.argv[1:]\n"
        "for model in models:\n"
        "    skser.load(model).predict([recording])\n"
        "others = 'tensorflow keras numba torch librosa scipy.signal matplotlib "
        "skser.model_selection._evaluation'\n"
        "print([m for m in others.split() if m in sys.modules])"
    )
    models = [tmp_path / name for name in options]
    answer = subprocess.run(
        [sys.executable, "-c", code, *models, speech.paths[0]],
        check=True,
        capture_output=True,
        text=True,
    )
    assert answer.stdout.strip() == "[]"


def test_every_public_name_exists_and_is_documented():
    for name in skser.__all__:
        assert name == "__version__" or getattr(skser, name).__doc__


def test_the_real_recordings_are_loaded_framed_and_described(emodb):
    paths = emodb.paths[:3]
    features = attention_blstm_fcn()[:3].transform(paths)
    assert [sequence.shape[1] for sequence in features] == [
        sum(feature.width for feature in CATALOGUE.values())
    ] * 3
    assert all(np.isfinite(sequence).all() for sequence in features)
