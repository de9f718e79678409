"""Every system of the table, and every estimator of the package, can be saved."""

import importlib
import inspect
import re

import numpy as np
import pytest
from sklearn.base import BaseEstimator

import skser
from skser.persistence import _registry
from skser.systems import SYSTEMS

METHODS = ("predict", "predict_proba", "decision_function")
MODULES = (
    "audio",
    "framing",
    "features",
    "normalization",
    "whitening",
    "classifiers",
    "ivectors",
)
ADVICE = "Name its class in skser/persistence/_registry.py, with what that asks for."


def describe(system):
    """Return all parameters as a text, with encoders that files hold as their paths."""
    text = " ".join(repr(system).split())
    return re.sub(r"model=('[^']*'|<[^>]*>)", "model=...", text)


def save_and_load(system, name, path):
    """Return the system as a file has it, or fail with what has to be done."""
    try:
        skser.save(system, path)
    except TypeError as error:
        pytest.fail(f"SYSTEMS[{name!r}] cannot be saved: {error} {ADVICE}")
    return skser.load(path)


@pytest.mark.slow
@pytest.mark.case("F02")
def test_every_system_answers_bit_for_bit_the_same_once_it_is_loaded(
    row, fitted_row, speech, tmp_path
):
    system = fitted_row
    loaded = save_and_load(system, row, tmp_path / "model")
    assert describe(loaded) == describe(system)
    usable = [method for method in METHODS if hasattr(system, method)]
    assert [method for method in METHODS if hasattr(loaded, method)] == usable
    for method in usable:
        answers = (getattr(s, method)(speech.paths[::5]) for s in (loaded, system))
        np.testing.assert_array_equal(*answers, strict=True)


def test_every_system_comes_back_unfitted_if_it_was_not_fitted(
    row, encoder_of_row, tmp_path
):
    system = SYSTEMS[row](random_state=0, **encoder_of_row)
    loaded = save_and_load(system, row, tmp_path / "model")
    assert describe(loaded) == describe(system)
    assert vars(loaded[-1]).keys() == vars(system[-1]).keys()


def public_estimators():
    """Return the classes of all estimators of the package."""
    modules = [importlib.import_module(f"skser.{name}") for name in MODULES]
    classes = {c for m in modules for _, c in inspect.getmembers(m, inspect.isclass)}
    return {
        class_
        for class_ in classes
        if issubclass(class_, BaseEstimator)
        and class_.__module__.startswith("skser.")
        and class_.__module__ != "skser._base"  # what estimators have in common
        and not inspect.isabstract(class_)
    }


def test_every_estimator_of_the_package_may_be_in_a_file():
    estimators = public_estimators()
    missing = sorted(c.__name__ for c in estimators if not _registry.name_of(c))
    assert len(estimators) >= 22
    assert not missing, f"{missing} cannot be saved. {ADVICE}"


@pytest.mark.parametrize("name", _registry.NAMES)
def test_every_class_of_the_registry_is_where_it_says(name):
    assert _registry.name_of(_registry.class_of(name)) == name
