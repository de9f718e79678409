"""Private names of scikit-learn, joblib, Keras, TensorFlow and openSMILE, all of them.

Importing TensorFlow without its log, and openSMILE beside TensorFlow, is here, too. No
other file of the package uses one (``tests/measure_house.py`` counts them). Each has
its reason. Tried with scikit-learn 1.7.0 and 1.9.1, joblib 1.4 and 1.5, Keras 3.15,
TensorFlow 2.20 and 2.21, and openSMILE 2.5 and 2.6.
"""

import ctypes
import functools
import importlib.util
import os
import platform
import re
import sys
import tempfile
import weakref
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import sklearn

# Where a job will run: in processes of this machine, in threads, or on a cluster.
from joblib import effective_n_jobs
from joblib.parallel import LokyBackend, get_active_backend
from sklearn.base import ClassNamePrefixFeaturesOutMixin, OneToOneFeatureMixin

# Checks of parameters with scikit-learn's messages, as its own estimators have them.
from sklearn.metrics._scorer import _Scorer as Scorer
from sklearn.pipeline import FeatureUnion
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._metadata_requests import MetadataRequest
from sklearn.utils._missing import is_pandas_na, is_scalar_nan
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call as check_partial_fit_first_call,
)
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

from skser._extras import import_extra

if TYPE_CHECKING:
    # What these decorate keeps its signature, which scikit-learn, without types, does
    # not say.
    Decorated = TypeVar("Decorated", bound=Callable)

    class CallbackSupportMixin:
        """Any class, to type checkers."""

    def with_callbacks(method: Decorated) -> Decorated:
        """Let `fit` call callbacks."""

    def fit_context(**options: bool) -> Callable[[Decorated], Decorated]:
        """Let `fit` check the parameters of its estimator."""

    def validate_params(
        constraints: dict, **options: bool
    ) -> Callable[[Decorated], Decorated]:
        """Let a function check its parameters."""

else:
    from sklearn.base import _fit_context as fit_context
    from sklearn.utils._param_validation import validate_params

    try:
        from sklearn.callback import CallbackSupportMixin, with_callbacks
    except ImportError:  # scikit-learn before 1.9 has no callbacks

        class CallbackSupportMixin:
            """Stand-in that adds nothing."""

        def with_callbacks(method):
            """Return the method as it is."""
            return method


# From 1.9 on a support vector machine notes the `probability` it was fitted with
# (`_effective_probability`), and does not predict without the note.
MACHINES_NOTE_PROBABILITY = [*map(int, sklearn.__version__.split(".")[:2])] >= [1, 9]

__all__ = [
    "MACHINES_NOTE_PROBABILITY",
    "BaseUnion",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "MetadataRequest",
    "Scorer",
    "StrOptions",
    "accepts",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "check_steps",
    "check_union",
    "custom_gradient",
    "fit_context",
    "flatten_layers",
    "free_with_graph",
    "fresh_names",
    "has_local_processes",
    "import_opensmile",
    "is_op_determinism_enabled",
    "is_pandas_na",
    "is_scalar_nan",
    "parameter_names",
    "safe_indexing",
    "start_quietly",
    "validate_params",
    "width_out",
    "with_callbacks",
]

# Some of what TensorFlow writes when it starts is written before it knows of this.
_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# Those at which information or warnings are wanted.
_TALKATIVE = ("0", "1")
_LOGGED = re.compile(
    rb"[IWE]\d{4} \d\d:\d\d:|"
    rb"[IWE]0000 00:00:|"
    rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] |"
    rb"WARNING: All log messages before absl::InitializeLog|"
    rb"To enable the following instructions:"
)


class BaseUnion(FeatureUnion):
    """scikit-learn's FeatureUnion; a subclass says how results become one.

    It defines ``_join(results)``, which takes a dict of what each member has returned,
    by its name, and ``_pass_through()``, which returns a transformer that changes
    nothing.
    """

    def _iter(self):
        entries = dict(self.transformer_list)
        for name, transformer, weight in super()._iter():
            is_empty = entries[name] == "passthrough"
            yield name, self._pass_through() if is_empty else transformer, weight

    def _validate_transformers(self):
        if all(entry == "drop" for _, entry in self.transformer_list):
            raise ValueError(
                f"{type(self).__name__} has no members: transformer_list is empty, or "
                "all in it is 'drop'. It is a list such as [('name', transformer)]."
            )
        super()._validate_transformers()

    def _hstack(self, results):
        names = [name for name, _, _ in self._iter()]
        return self._join(dict(zip(names, results, strict=True)))


def parameter_names(class_):
    """Return the names of a class's constructor parameters, without an instance."""
    return class_._get_param_names()


def has_local_processes(n_jobs, prefer):
    """Tell whether joblib would use processes of this machine, those of loky."""
    backend, _ = get_active_backend(prefer=prefer)
    return isinstance(backend, LokyBackend) and effective_n_jobs(n_jobs) > 1


def accepts(class_, name, value):
    """Tell whether a class has a parameter and allows it a value."""
    if name not in parameter_names(class_):
        return False
    constraints = getattr(class_, "_parameter_constraints", {})
    try:
        validate_parameter_constraints(
            {name: constraints.get(name, "no_validation")},
            {name: value},
            class_.__name__,
        )
    except InvalidParameterError:
        return False
    return True


def check_steps(pipeline):
    """Raise an error if a Pipeline has no steps, or other things than estimators."""
    pipeline._validate_steps()


def check_union(union):
    """Raise an error if a FeatureUnion has other things than named transformers."""
    union._validate_transformers()
    union._validate_transformer_weights()


def width_out(transformer):
    """Return how many columns a fitted transformer gives; None if it cannot be told."""
    name = getattr(type(transformer), "get_feature_names_out", None)
    if name is OneToOneFeatureMixin.get_feature_names_out:
        return getattr(transformer, "n_features_in_", None)
    if name is ClassNamePrefixFeaturesOutMixin.get_feature_names_out:
        return getattr(transformer, "_n_features_out", None)
    return None


def flatten_layers(model):
    """Return all layers of a Keras model, those inside other layers included."""
    return model._flatten_layers()


@contextmanager
def fresh_names():
    """Let Keras name layers and variables as in a new process, and count on behind it.

    For each name and shape of a variable TensorFlow keeps 36 KB of memory, for ever.
    """
    from keras.src.backend.common import global_state

    counts = global_state.get_global_attribute("object_name_uids")
    global_state.set_global_attribute("object_name_uids", None)
    try:
        yield
    finally:
        global_state.set_global_attribute("object_name_uids", counts)


def custom_gradient(function):
    """Do what ``tf.custom_gradient`` does, but let its graphs be freed."""
    import tensorflow as tf

    decorated = tf.custom_gradient(function)

    @functools.wraps(function)
    def call(*arguments):
        outputs = decorated(*arguments)
        first = tf.nest.flatten(outputs)[0]
        if tf.is_symbolic_tensor(first):
            free_with_graph([first.op])
        return outputs

    return call


def free_with_graph(operations):
    """Let the gradients of operations be freed with their graph.

    Where ``tf.custom_gradient`` is called in a graph, TensorFlow notes the gradient in
    a registry of the process, for ever. The gradient holds the graph, and by what the
    graph captures a whole network. Here the registry gets a weak reference, and the
    graph the gradient.

    Parameters
    ----------
    operations : list of tf.Operation
        Those that have no such gradient are left alone.
    """
    from tensorflow.python.framework import ops

    registry = ops.gradient_registry._registry
    for operation in operations:
        # What carries the gradient.
        if operation.type != "IdentityN":
            continue
        try:
            name = operation.get_attr("_gradient_op_type").decode()
        except ValueError:
            continue
        gradient = registry.get(name, {}).get("type")
        is_custom = gradient is not None and name.startswith("CustomGradient-")
        if not is_custom or isinstance(gradient, functools.partial):
            continue
        graph = operation.graph
        graph.gradients_of_skser = (*getattr(graph, "gradients_of_skser", ()), gradient)
        registry[name]["type"] = functools.partial(
            _call_referent, weakref.ref(gradient)
        )
        weakref.finalize(gradient, registry.pop, name, None)


def _call_referent(reference, *arguments):
    """Call a function that is held elsewhere, by a weak reference."""
    return reference()(*arguments)


def is_op_determinism_enabled():
    """Tell whether TensorFlow was asked for deterministic operations."""
    from tensorflow.python.framework import config

    return config.is_op_determinism_enabled()


def import_opensmile():
    """Import openSMILE, also where TensorFlow has been imported before it.

    Both bring functions of C++'s standard library along. openSMILE would be given those
    of TensorFlow and would crash the process; loaded first with ``RTLD_DEEPBIND``, it
    finds its own. Only Linux has this option, and the fault.
    """
    spec = importlib.util.find_spec("opensmile")
    if spec is not None and hasattr(os, "RTLD_DEEPBIND"):
        libraries = Path(spec.origin).parent / "core" / "bin"
        for library in libraries.glob(f"*_{platform.machine()}/*.so"):
            ctypes.CDLL(str(library), os.RTLD_NOW | os.RTLD_DEEPBIND)
    return import_extra("opensmile", "opensmile", "OpenSmileFunctionals")


def start_quietly():
    """Import TensorFlow and Keras and look for devices, without the log of it.

    The log is ``cuInit``, ``cudart_stub``, absl. Who sets ``TF_CPP_MIN_LOG_LEVEL`` to 0
    or 1 gets all of it. Nothing is changed where TensorFlow was imported before. Errors
    are raised, and then everything that was logged is shown.
    """
    os.environ.setdefault(_LEVEL, "3")
    if "tensorflow" in sys.modules:
        return
    if os.environ[_LEVEL] in _TALKATIVE:
        import tensorflow
    else:
        with _without_log():
            import tensorflow

            # Looks for graphics cards, and says which libraries are missing. Devices
            # can still be hidden and their memory be limited after it.
            tensorflow.config.list_physical_devices()


@contextmanager
def _without_log():
    """Keep TensorFlow's log from the standard error; all else comes when it is over.

    The file descriptor is redirected, because C++ does not know of ``sys.stderr``.
    """
    try:
        kept = os.dup(2)
    except OSError:
        # There is no standard error, so there is nothing to keep from it.
        yield
        return
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        has_failed = True
        try:
            yield
            has_failed = False
        finally:
            if sys.stderr is not None:
                sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            lines = [x for x in file if has_failed or not _LOGGED.match(x)]
            with open(2, "wb", closefd=False) as stream:
                stream.writelines(lines)
