"""Every system of the table, small, through what scikit-learn does with estimators."""

import doctest
import inspect
import os
import pickle
import shutil
from importlib import import_module
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.pipeline import Pipeline

from skser.metrics import REGRESSION_SCORERS, SCORERS
from skser.storage import ContentMemory
from skser.systems import (
    OWN,
    PUBLISHED,
    SYSTEMS,
    list_systems,
    make_system,
    split_front_end,
)


def test_every_system_is_a_pipeline_with_the_same_arguments(row):
    system = SYSTEMS[row](
        input_sample_rate=16000, n_jobs=1, random_state=0, verbose=0, memory=None
    )
    assert isinstance(system, Pipeline)
    is_of_task, last = {
        "classification": (is_classifier, "classify"),
        "regression": (is_regressor, "regress"),
    }[SYSTEMS[row].row.task]
    assert is_of_task(system)
    assert next(iter(system.named_steps)) == "load"
    assert list(system.named_steps)[-1] == last
    assert system["load"].input_sample_rate == 16000


def test_every_system_says_what_it_is(row):
    documentation = inspect.getdoc(SYSTEMS[row])
    first = documentation.splitlines()[0]
    assert first == SYSTEMS[row].row.summary
    assert first.endswith(".")
    assert len(first) < 80
    for section in ("Parameters", "Returns", "Examples"):
        assert f"{section}\n{'-' * len(section)}\n" in documentation
    assert ">>>" in documentation
    for other in SYSTEMS[row].row.see_also:
        assert other in SYSTEMS


def test_the_example_in_every_system_s_documentation_is_right(row):
    example = doctest.DocTestParser().get_doctest(
        inspect.getdoc(SYSTEMS[row]), {}, row, None, None
    )
    assert len(example.examples) >= 2
    assert doctest.DocTestRunner().run(example).failed == 0


def test_every_system_is_a_function_of_the_module_that_can_be_pickled(row):
    function = getattr(import_module("skser.systems"), row)
    assert function is SYSTEMS[row]
    assert function.__name__ == row
    assert pickle.loads(pickle.dumps(function)) is function


def test_the_parameters_that_are_shown_and_documented_are_those_that_are_taken(row):
    shown = set(inspect.signature(SYSTEMS[row]).parameters)
    known = {"input_sample_rate", "n_jobs", "random_state", "verbose", "memory"}
    assert shown == known | ({"model"} if SYSTEMS[row].row.takes_model else set())
    documented = inspect.getdoc(SYSTEMS[row])
    for name in known | {"model"}:
        assert (f"\n{name} : " in documented) == (name in shown)
    assert repr(make_system(row, n_jobs=2)) == repr(SYSTEMS[row](n_jobs=2))
    with pytest.raises(TypeError, match="unexpected keyword argument 'njobs'"):
        SYSTEMS[row](njobs=2)


def test_systems_are_listed_by_their_task():
    classes, numbers = map(list_systems, ("classification", "regression"))
    assert {"fcn", "recommended"} <= set(classes)
    assert {"statistics_svr", "recommended_regressor"} <= set(numbers)
    assert classes + numbers == list_systems() == list(SYSTEMS)
    with pytest.raises(ValueError, match=r"'regression'.*got 'regressor'"):
        list_systems("regressor")


def test_the_table_cannot_be_changed_by_accident():
    with pytest.raises(TypeError):
        SYSTEMS["fcn"] = SYSTEMS["attention_lstm"]


def test_a_name_that_is_mistyped_is_an_error_that_says_what_is_meant():
    with pytest.raises(ValueError, match=r"no system 'fcnn'\. Did you mean 'fcn'"):
        make_system("fcnn")


def test_a_model_for_a_system_without_a_pretrained_encoder_is_an_error():
    with pytest.raises(TypeError, match="'fcn' has no pretrained encoder"):
        SYSTEMS["fcn"](model="encoder.onnx")


@pytest.mark.slow
def test_every_system_is_fitted_scored_cloned_and_pickled(
    row, fitted_row, speech, target_of_row
):
    paths, target = speech.paths[::5], target_of_row[::5]
    labels = fitted_row.predict(paths)
    if SYSTEMS[row].row.task == "classification":
        assert set(target) == set(speech.target)
        assert set(labels) <= set(target)
        assert 0 <= SCORERS["UA"](fitted_row, paths, target) <= 1
    else:
        assert labels.shape == target.shape
        score = REGRESSION_SCORERS["CCC"](fitted_row, paths, target)
        assert -1 <= score <= 1
    copy = pickle.loads(pickle.dumps(fitted_row))
    np.testing.assert_array_equal(copy.predict(paths), labels)
    unfitted = clone(fitted_row)
    assert not hasattr(unfitted[-1], "n_features_in_")


def test_every_system_starts_with_steps_that_learn_nothing(row):
    front_end, rest = split_front_end(SYSTEMS[row]())
    assert "load" in front_end.named_steps
    assert list(rest.named_steps)[-1] in ("classify", "regress")


def test_a_pipeline_that_learns_from_its_first_step_on_has_a_front_end_of_nothing():
    _, rest = split_front_end(SYSTEMS["attention_blstm_fcn"]())
    front_end, again = split_front_end(rest)
    assert list(front_end.named_steps.values()) == ["passthrough"]
    assert front_end.transform(["as it", "was"]) == ["as it", "was"]
    assert list(again.named_steps) == list(rest.named_steps)


def test_a_pipeline_that_learns_nothing_has_a_rest_of_nothing():
    front_end, _ = split_front_end(SYSTEMS["attention_blstm_fcn"]())
    again, rest = split_front_end(front_end)
    assert list(again.named_steps) == ["load", "frame", "features"]
    assert list(rest.named_steps.values()) == ["passthrough"]


def test_what_is_no_pipeline_cannot_be_split():
    step = SYSTEMS["fcn"]()["classify"]
    with pytest.raises(TypeError, match=r"takes a sklearn\.pipeline\.Pipeline"):
        split_front_end(step)


def test_every_published_figure_belongs_to_a_system():
    assert {figure.system for figure in PUBLISHED} <= set(SYSTEMS)


def test_every_published_figure_has_its_numbers_and_its_provenance():
    assert [figure.table for figure in PUBLISHED] == [2] * 5 + [3] * 6 + [4] * 6
    for figure in PUBLISHED:
        assert 20 < figure.ua < 70
        assert 20 < figure.wa < 70
        assert figure.provenance == OWN or figure.provenance.startswith("quoted: ")


@pytest.mark.case("K01")
@pytest.mark.parametrize("name", ["ivector", "statistics_ivector_vote"])
def test_a_memory_learns_recordings_anew_that_were_overwritten(
    name, shrink, speech, tmp_path
):
    paths = [shutil.copy(path, tmp_path) for path in speech.paths]
    memory = str(tmp_path / "memory")

    def scores(memory):
        system = shrink(SYSTEMS[name](random_state=0, memory=memory))
        system.fit(paths, speech.target)
        return system[-1].classes_, system.predict(speech.paths)

    before = scores(memory)
    for path, other in zip(paths, speech.paths[::-1], strict=True):
        shutil.copy(other, path)
        os.utime(path, (0, 0))
    after = scores(memory)
    np.testing.assert_array_equal(after[1], scores(None)[1])
    assert (after[1] != before[1]).any()


def test_a_folder_or_joblib_s_memory_becomes_one_that_knows_content(tmp_path):
    folder = tmp_path / "memory"
    own = ContentMemory(folder)
    for memory in (folder, str(folder), joblib.Memory(folder), own):
        system = make_system("attention_blstm_fcn_robust", memory=memory)
        vote = dict(system["classify"].estimators)
        for pipeline in (system, *vote.values()):
            assert isinstance(pipeline.memory, ContentMemory)
            assert Path(pipeline.memory.location) == folder
    assert make_system("fcn", memory=own).memory is own
    assert make_system("fcn", memory=None).memory is None
    assert make_system("fcn", memory=joblib.Memory(None)).memory is None
