"""Every system of the table, small, through what scikit-learn does with estimators."""

import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline

from skser.metrics import SCORERS
from skser.systems import PUBLISHED, SYSTEMS, split_front_end


def test_every_system_is_a_pipeline_with_the_same_arguments(row):
    system = SYSTEMS[row](
        input_sample_rate=16000, n_jobs=1, random_state=0, verbose=0, memory=None
    )
    assert isinstance(system, Pipeline)
    assert is_classifier(system)
    assert next(iter(system.named_steps)) == "load"
    assert list(system.named_steps)[-1] == "classify"
    assert system["load"].input_sample_rate == 16000


def test_every_system_says_what_it_is(row):
    documentation = inspect.getdoc(SYSTEMS[row])
    assert documentation.splitlines()[0].endswith(".")
    assert ">>>" in documentation


def test_every_system_is_fitted_scored_cloned_and_pickled(fitted_row, speech):
    labels = fitted_row.predict(speech.paths)
    assert set(labels) <= set(speech.target)
    assert 0 <= SCORERS["UA"](fitted_row, speech.paths, speech.target) <= 1
    copy = pickle.loads(pickle.dumps(fitted_row))
    np.testing.assert_array_equal(copy.predict(speech.paths), labels)
    unfitted = clone(fitted_row)
    assert not hasattr(unfitted["classify"], "classes_")


def test_every_system_starts_with_steps_that_learn_nothing(row):
    front_end, rest = split_front_end(SYSTEMS[row]())
    assert "load" in front_end.named_steps
    assert "classify" in rest.named_steps


def test_a_pipeline_without_such_steps_cannot_be_split():
    _, rest = split_front_end(SYSTEMS["attention_blstm_fcn"]())
    with pytest.raises(ValueError, match="the first step learns"):
        split_front_end(rest)


def test_every_published_figure_belongs_to_a_system():
    assert {figure.system for figure in PUBLISHED} <= set(SYSTEMS)
