"""Every system of the table, small, through what scikit-learn does with estimators."""

import inspect
import pickle
from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline

from skser.metrics import SCORERS
from skser.systems import PUBLISHED, SYSTEMS, split_front_end

OPENSMILE = {"mec2017_svm", "egemaps_svm", "compare_svm"}

# Sizes with which every system is fitted in moments; a system has some of them.
SMALL = {
    "whiten__n_components": 5,
    "classify__recurrent_units": 4,
    "classify__hidden_units": (6,),
    "classify__max_epochs": 2,
}
# Where a network has a list of layers in place of one.
LAYERS = {"classify__recurrent_units": (4,), "classify__frame_units": (4,)}


@pytest.fixture(params=SYSTEMS)
def name(request):
    """Give the name of each row, without those that need what is not installed."""
    if request.param in OPENSMILE and find_spec("opensmile") is None:
        pytest.skip("openSMILE is not installed")
    return request.param


def build_small(name):
    """Return a system with those of the small sizes that it has."""
    system = SYSTEMS[name](random_state=0)
    known = system.get_params()
    sizes = SMALL | LAYERS if "classify__frame_units" in known else SMALL
    return system.set_params(**{k: v for k, v in sizes.items() if k in known})


def test_every_system_is_a_pipeline_with_the_same_arguments(name):
    system = SYSTEMS[name](
        input_sample_rate=16000, n_jobs=1, random_state=0, verbose=0, memory=None
    )
    assert isinstance(system, Pipeline)
    assert is_classifier(system)
    assert next(iter(system.named_steps)) == "load"
    assert list(system.named_steps)[-1] == "classify"
    assert system["load"].input_sample_rate == 16000


def test_every_system_says_what_it_is(name):
    documentation = inspect.getdoc(SYSTEMS[name])
    assert documentation.splitlines()[0].endswith(".")
    assert ">>>" in documentation


def test_every_system_is_fitted_scored_cloned_and_pickled(name, speech):
    system = clone(build_small(name)).fit(speech.paths, speech.target)
    labels = system.predict(speech.paths)
    assert set(labels) <= set(speech.target)
    assert 0 <= SCORERS["UA"](system, speech.paths, speech.target) <= 1
    copy = pickle.loads(pickle.dumps(system))
    np.testing.assert_array_equal(copy.predict(speech.paths), labels)
    unfitted = clone(system)
    assert not hasattr(unfitted["classify"], "classes_")


def test_every_system_starts_with_steps_that_learn_nothing(name):
    front_end, rest = split_front_end(SYSTEMS[name]())
    assert "load" in front_end.named_steps
    assert "classify" in rest.named_steps


def test_a_pipeline_without_such_steps_cannot_be_split():
    _, rest = split_front_end(SYSTEMS["attention_blstm_fcn"]())
    with pytest.raises(ValueError, match="the first step learns"):
        split_front_end(rest)


def test_every_published_figure_belongs_to_a_system():
    assert {figure.system for figure in PUBLISHED} <= set(SYSTEMS)
