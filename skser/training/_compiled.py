"""Compiled networks lent from a pool: training step, initial weights, seeds, threads.

Compiling a network takes seconds, and a compiled one some 20 MB. So a network is
compiled once for given sizes and then lent to one fit or prediction at a time, which
first sets all of its state: weights, optimizer and dropout. A fitted estimator holds
plain arrays, and what is shared here can never be seen in it.
"""

import gc
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property

import joblib
import numpy as np

from skser._compat import flatten_layers, free_with_graph, fresh_names, start_quietly
from skser.training._objectives import OBJECTIVES

# Enough for the members of a vote; more of them would fill the memory of a search.
MAX_IDLE_NETWORKS = 4
OPTIMIZERS = ("adam", "sgd")
# Keras' dtype policies in which weights are kept precisely enough to be trained.
PRECISIONS = ("float32", "float64", "mixed_float16", "mixed_bfloat16")
# The process that has used TensorFlow, whose copies made by a fork must not.
_OWNER: list[int] = []


@dataclass(frozen=True)
class NetworkDesign:
    """How a network is built: by which function, with which arguments.

    Parameters
    ----------
    builder : callable
        ``builder(**arguments, seed=seed)`` returns a new ``keras.Model`` from frames,
        or frames and mask, to scores, of classes or of what else is predicted, or to a
        list of these and of the scores of further targets.
    arguments : dict
        Sizes and parameters.
    objective : str, default="classes"
        What the network is trained for: one of `OBJECTIVES`.
    identity : str, default=None
        What `examine_network` has returned. A function of the user's own can build
        another network each time, from global variables for instance.
    """

    builder: Callable
    arguments: dict
    objective: str = "classes"
    identity: str | None = None

    def build(self, seed):
        """Return a new network."""
        return self.builder(**self.arguments, seed=seed)

    def build_alike(self, seed):
        """Return a new network whose layers have the names of all that were so built.

        Other names would each leave memory behind that nothing frees.
        """
        with fresh_names():
            return self.build(seed)

    def restore(self, weights):
        """Return a new network with weights that another one has had.

        Parameters
        ----------
        weights : list of array
            In the network's order.

        Returns
        -------
        network : keras.Model
        """
        import_tensorflow()
        network = self.build(0)
        set_weights(network, weights)
        return network

    def find_weight_shapes(self):
        """Return the shapes of the network's weights, in its order.

        No weight is made, so that this takes no memory, whatever the sizes.
        """
        import_tensorflow()
        import keras

        def plan():
            with keras.StatelessScope(initialize_variables=False):
                model = self.build(0)
            return [tuple(weights.shape) for weights in model.weights]

        # Keras remembers, for each thread, the variables that it has yet to make. Those
        # of a thread that has ended it can never make.
        with ThreadPoolExecutor(max_workers=1) as executor:
            return executor.submit(plan).result()


class CompiledFunction:
    """A function of tensors that is compiled at its first call, for all lengths.

    Parameters
    ----------
    function : callable
    signature : list of tf.TensorSpec, or of lists of them
        One signature, so that no length compiles anything again.

    Attributes
    ----------
    function : tf.function
    """

    def __init__(self, function, signature):
        tf = import_tensorflow()
        # Without autograph: the loops inside are Keras' own, and tracing is faster.
        self.function = tf.function(function, signature, autograph=False)
        self._is_traced = False

    def __call__(self, *arguments):
        """Return what the function returns."""
        if not self._is_traced:
            # Not by the call, after some of which TensorFlow warns of many functions.
            graph = self.function.get_concrete_function().graph
            free_with_graph(graph.get_operations())
            self._is_traced = True
        return self.function(*arguments)


class CompiledNetwork:
    """A network with compiled functions for a training step and for prediction.

    Parameters
    ----------
    design : NetworkDesign
    optimizer : {"adam", "sgd"}
        Adam (Kingma and Ba, ICLR 2015), or stochastic gradient descent with Nesterov's
        momentum of 0.9.

    Attributes
    ----------
    objective : Objective
        What it is trained for.
    n_inputs : {1, 2}
        Frames alone, or frames and mask.
    n_frames : int or None
        Number of frames of every utterance; None is any.
    train_step : callable
        ``train_step(inputs, targets, weights)`` takes one step down the weighted loss
        and returns it.
    has_attention : bool
        Whether there is a layer that is named "attention".
    scores : callable
        ``scores(inputs)`` returns the first output, (batch, n_outputs).
    """

    def __init__(self, design, optimizer):
        tf = self._tf = import_tensorflow()
        self._model = design.build_alike(0)
        self._initial_state = InitialState(design.build_alike, self._model)
        self.objective = OBJECTIVES[design.objective]
        self._optimizer_name = optimizer
        self.n_inputs = len(self._model.inputs)
        self.has_attention = any(x.name == "attention" for x in self._model.layers)
        self.n_frames = self._model.inputs[0].shape[1]
        frames = tf.TensorSpec(self._model.inputs[0].shape, self._model.inputs[0].dtype)
        mask = tf.TensorSpec((None, self.n_frames), "bool")
        self._specs = [frames, mask][: self.n_inputs]
        outputs = self._model.outputs
        targets = (
            tf.TensorSpec((None, len(outputs)), "int32")
            if self.objective.has_indices
            else tf.TensorSpec((None, sum(x.shape[-1] for x in outputs)), frames.dtype)
        )
        weights = tf.TensorSpec((None,), "float32")
        self.train_step = CompiledFunction(
            self._train_step, [self._specs, targets, weights]
        )
        self.scores = CompiledFunction(
            lambda inputs: self._run(inputs, training=False)[0], [self._specs]
        )
        self._attention = None

    @cached_property
    def _optimizer_and_start(self):
        """Return the optimizer, which predictions need not wait for, and its state."""
        import keras

        with fresh_names():
            optimizer = (
                keras.optimizers.Adam()
                if self._optimizer_name == "adam"
                else keras.optimizers.SGD(momentum=0.9, nesterov=True)
            )
            if dtype_policy() == "mixed_float16":
                # As keras.Model.compile does, where gradients could become 0.
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            optimizer.build(self._model.trainable_variables)
        return optimizer, [v.numpy() for v in optimizer.variables]

    @property
    def _optimizer(self):
        return self._optimizer_and_start[0]

    def reset(self, seed):
        """Give weights, dropout and optimizer the state of a newly built network."""
        values = self._initial_state.draw(seed)
        self.set_training_state([*values, *self._optimizer_and_start[1]])

    def get_training_state(self):
        """Return copies of all variables: weights, dropout and optimizer."""
        variables = [*self._model.variables, *self._optimizer.variables]
        return [variable.numpy() for variable in variables]

    def set_training_state(self, state):
        """Set all variables to what `get_training_state` has returned."""
        variables = [*self._model.variables, *self._optimizer.variables]
        if len(state) != len(variables):
            raise ValueError(
                f"Training was left in another precision than {dtype_policy()!r}: set "
                "the one before by keras.config.set_dtype_policy to go on."
            )
        for variable, value in zip(variables, state, strict=True):
            variable.assign(value)

    def set_learning_rate(self, learning_rate):
        """Set the optimizer's learning rate for the steps to come."""
        self._optimizer.learning_rate = learning_rate

    def get_weights(self):
        """Return copies of all weights, in the network's order."""
        return self._model.get_weights()

    def set_weights(self, weights):
        """Set all weights, in the network's order."""
        set_weights(self._model, weights)

    def attention(self, inputs):
        """Return the attention weights of a batch, those of the layer "attention"."""
        if self._attention is None:
            import keras

            layer = self._model.get_layer("attention")
            model = keras.Model(self._model.inputs, layer.output[1])
            self._attention = CompiledFunction(
                lambda inputs: model(self._cast(inputs)), [self._specs]
            )
        return self._attention(inputs)

    def _train_step(self, inputs, targets, weights):
        """Take one step down the weighted loss and return it."""
        tf = self._tf
        with tf.GradientTape() as tape:
            heads = self._run(inputs, training=True)
            loss = self.objective.loss(tf, heads, targets, weights)
            # What layers add themselves, regularisation for instance.
            loss = sum(self._model.losses, loss)
            scaled_loss = self._optimizer.scale_loss(loss)
        variables = self._model.trainable_variables
        self._optimizer.apply(tape.gradient(scaled_loss, variables), variables)
        return loss

    def _run(self, inputs, training):
        """Return the outputs, what is predicted first."""
        tf = self._tf
        outputs = tf.nest.flatten(self._model(self._cast(inputs), training=training))
        # A softmax of half precision would lose the rare classes.
        return [tf.cast(x, tf.float32) if x.dtype.size < 4 else x for x in outputs]

    def _cast(self, inputs):
        """Return the inputs in the model's types: a user's mask may be of floats."""
        pairs = zip(inputs, self._model.inputs, strict=True)
        cast = [self._tf.cast(tensor, to.dtype) for tensor, to in pairs]
        return cast if self.n_inputs == 2 else cast[0]


def set_weights(model, weights):
    """Set all weights of a Keras model, or say that it is another one now."""
    expected = [tuple(variable.shape) for variable in model.weights]
    actual = [np.shape(array) for array in weights]
    if actual != expected:
        raise ValueError(
            f"The weights have the shapes {actual}, but the network needs {expected}: "
            "the function that builds it builds another one now. Fit again."
        )
    model.set_weights(weights)


class InitialState:
    """Draw the initial values of a network's variables, for any seed.

    Building a network of Keras layers takes half a second and leaves a megabyte behind
    that nothing frees. Nearly all of it is symbolic; what training needs is only new
    values for variables that exist already.

    Layers keep their initialisers under the names of their variables (``kernel`` and
    ``kernel_initializer``). A variable whose initialiser is random is drawn anew, as is
    the state of dropout; any other starts as it was built. If a variable depends on the
    seed and has no such initialiser, as can be in layers of the user's own, the
    network is built again after all.

    Parameters
    ----------
    build : callable
        ``build(seed)`` returns a new ``keras.Model``.
    model : keras.Model
        One that has been built with seed 0 and not been trained.
    """

    def __init__(self, build, model):
        self._build = build
        self._values = [variable.numpy() for variable in model.variables]
        indices = {id(variable): i for i, variable in enumerate(model.variables)}
        # The random initialisers by the variables' indices, None for dropout.
        self._initializers = {
            i: None
            for i, variable in enumerate(model.variables)
            if variable.name == "seed_generator_state"
        }
        for layer in flatten_layers(model):
            for variable in layer.variables:
                # Of ``recurrent_kernel`` it is ``recurrent_initializer``.
                short = variable.name.removesuffix("_kernel")
                found = getattr(layer, f"{short}_initializer", None)
                found = getattr(layer, f"{variable.name}_initializer", found)
                if "seed" in getattr(found, "get_config", dict)():
                    self._initializers[indices[id(variable)]] = found

    @cached_property
    def is_complete(self):
        """Tell whether nothing need be built again."""
        pairs = zip(self._values, self._build(1).variables, strict=True)
        seeded = {
            i for i, (a, b) in enumerate(pairs) if not np.array_equal(a, b.numpy())
        }
        return set(self._initializers) >= seeded

    def draw(self, seed):
        """Return the initial values of all variables.

        Parameters
        ----------
        seed : int

        Returns
        -------
        values : list of array
            In the order of the model's ``variables``.
        """
        if not self.is_complete:
            return [variable.numpy() for variable in self._build(seed).variables]
        seeds = np.random.default_rng(seed).integers(2**31 - 1, size=len(self._values))
        values = list(self._values)
        for i, initializer in self._initializers.items():
            dtype, own_seed = values[i].dtype, int(seeds[i])
            if initializer is None:
                # A Keras seed generator that has not been used.
                values[i] = np.array([own_seed, 0], dtype=dtype)
            else:
                config = {**initializer.get_config(), "seed": own_seed}
                reseeded = type(initializer).from_config(config)
                values[i] = reseeded(values[i].shape, dtype=dtype.name)
        return values


def dtype_policy():
    """Return the name of the precision that Keras builds networks in at present.

    Returns
    -------
    name : str
        One of `PRECISIONS`.

    Raises
    ------
    ValueError
        If it is another one: weights of half precision lose the small steps of
        training, and those of integers are for prediction only. Or if Keras' ``floatx``
        is of half precision, in which optimizers have their learning rate.
    """
    import_tensorflow()
    import keras

    name = keras.config.dtype_policy().name
    if name not in PRECISIONS:
        raise ValueError(
            f"Keras' dtype policy is {name!r}, in which networks cannot be trained: "
            "the small steps of their weights would be lost. Set one of "
            f"{', '.join(PRECISIONS)}, for instance by "
            "keras.config.set_dtype_policy('mixed_float16')."
        )
    floatx = keras.config.floatx()
    if floatx not in ("float32", "float64"):
        raise ValueError(
            f"Keras' floatx is {floatx!r}, which would round the learning rate. "
            "Undo it by keras.config.set_floatx('float32'), and for less precision use "
            "keras.config.set_dtype_policy('mixed_float16')."
        )
    return name


def import_tensorflow():
    """Import TensorFlow and, if nobody has yet, say how many threads it may use.

    No more than OMP_NUM_THREADS: joblib sets that variable in its workers, so that two
    of them share the processors instead of each claiming all. TensorFlow itself does
    not look at it.

    Returns
    -------
    tensorflow : module

    Raises
    ------
    RuntimeError
        In a fork of a process that has used TensorFlow, which would hang here without a
        word; or where eager execution was switched off.
    """
    if not _OWNER:
        _OWNER.append(os.getpid())
    if _OWNER[0] != os.getpid():
        raise RuntimeError(
            "This process was forked from one that had already used TensorFlow, "
            "which would hang here. Use joblib's default backend 'loky' (n_jobs=2 "
            "without a parallel_config) or multiprocessing's start method 'spawn'."
        )
    start_quietly()
    import tensorflow as tf

    if not tf.compat.v1.executing_eagerly_outside_functions():
        raise RuntimeError(
            "TensorFlow's eager execution was switched off in this process, by "
            "tf.compat.v1.disable_eager_execution or disable_v2_behavior, and networks "
            "need it. Use another process."
        )
    n_threads = find_n_threads(tf.config.threading)
    if n_threads is not None:
        # Too late if the caller has used TensorFlow before: then it is his to say.
        with suppress(RuntimeError):
            # The directions of an LSTM and the convolutions keep two processors busy,
            # each in a thread of its own. An operation divided between two threads
            # would wait for the second one at every frame of an LSTM: training
            # takes a fifth less time if none is divided.
            n_per_operation = 1 if n_threads == 2 else n_threads
            tf.config.threading.set_intra_op_parallelism_threads(n_per_operation)
            tf.config.threading.set_inter_op_parallelism_threads(n_threads)
    return tf


def find_n_threads(threading):
    """Return how many threads TensorFlow may use, None if it has been told already."""
    n_threads = os.environ.get("OMP_NUM_THREADS", "")
    if n_threads.isdigit():
        return int(n_threads)
    is_told = (
        threading.get_intra_op_parallelism_threads()
        or threading.get_inter_op_parallelism_threads()
        or {"TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"} & set(os.environ)
    )
    return None if is_told else joblib.cpu_count()


class NetworkPool:
    """Networks that nobody uses at the moment, the most recent ones only.

    Parameters
    ----------
    max_idle : int
        Number of networks that are kept.
    """

    def __init__(self, max_idle):
        self.max_idle = max_idle
        self._idle = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def lend(self, key, make):
        """Lend a network of a key to one user; make one if none is idle."""
        with self._lock:
            idle = self._idle.get(key)
            network = idle.pop() if idle else None
        network = make() if network is None else network
        # A network whose use failed is lent again too: users set all of its state.
        try:
            yield network
        finally:
            with self._lock:
                self._idle.setdefault(key, []).append(network)
                self._idle.move_to_end(key)
                n_forgotten = sum(map(len, self._idle.values())) - self.max_idle
                # Those that have been idle for longest.
                for _ in range(n_forgotten):
                    oldest = next(iter(self._idle))
                    self._idle[oldest].pop(0)
                    if not self._idle[oldest]:
                        del self._idle[oldest]
            if n_forgotten > 0:
                # Graphs refer to themselves: until they are looked for, they are kept.
                gc.collect()


_POOL = NetworkPool(MAX_IDLE_NETWORKS)


def lend_network(design, optimizer):
    """Lend a compiled network for the length of a ``with`` block.

    Parameters
    ----------
    design : NetworkDesign
    optimizer : {"adam", "sgd"}

    Returns
    -------
    context : context manager
        Gives a :class:`CompiledNetwork` in an *unspecified* state: call ``reset``
        or ``set_weights`` first.
    """
    fixed = design.builder, design.objective, design.identity, optimizer
    key = (*fixed, joblib.hash(design.arguments), dtype_policy())
    return _POOL.lend(key, lambda: CompiledNetwork(design, optimizer))
