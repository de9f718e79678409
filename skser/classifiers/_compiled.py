"""How compiled networks are shared between fits: built once, reset for each.

Compiling a network takes seconds and leaves some 30 MB behind that nothing frees. So a
network is compiled once for given sizes and then lent to one fit or prediction at a
time, which first sets all of its state: weights, optimizer and dropout. A fitted
estimator holds plain arrays, and what is shared here can never be seen in it.
"""

import os
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import joblib
import numpy as np

from skser.classifiers._initial_state import InitialState

MAX_IDLE_NETWORKS = 16


class CompiledNetwork:
    """A network with compiled functions for a training step and for prediction.

    Parameters
    ----------
    build : callable
        ``build(seed)`` returns a new ``keras.Model`` from ``[frames, mask]`` to class
        scores, or to a list of these and of the scores of further targets.
    make_optimizer : callable
        ``make_optimizer()`` returns a new Keras optimizer.
    """

    def __init__(self, build, make_optimizer):
        tf = self._tf = _import_tensorflow()
        self._model = build(0)
        self._initial_state = InitialState(build, self._model)
        self._optimizer = _guard_small_gradients(make_optimizer())
        self._optimizer.build(self._model.trainable_variables)
        self._initial_optimizer = [v.numpy() for v in self._optimizer.variables]
        frames, mask = (
            tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in self._model.inputs
        )
        classes = tf.TensorSpec((None, len(self._model.outputs)), "int32")
        weights = tf.TensorSpec((None,), "float32")
        # One signature for all lengths, so that no length compiles anything again.
        # Without autograph: the loops inside are Keras' own, and tracing is faster.
        self.train_step = tf.function(
            self._train_step, [frames, mask, classes, weights], autograph=False
        )
        self.scores = tf.function(self._scores, [frames, mask], autograph=False)
        self._attention = None

    def reset(self, seed):
        """Give weights, dropout and optimizer the state of a newly built network."""
        values = self._initial_state.draw(seed)
        self.set_training_state([*values, *self._initial_optimizer])

    def get_training_state(self):
        """Return copies of all variables: weights, dropout and optimizer."""
        return [variable.numpy() for variable in self._all_variables()]

    def set_training_state(self, state):
        """Set all variables to what `get_training_state` has returned."""
        variables = self._all_variables()
        if len(state) != len(variables):
            raise ValueError(
                f"Training was left in another precision than {dtype_policy()!r}: set "
                "the one before by keras.config.set_dtype_policy to go on."
            )
        for variable, value in zip(variables, state, strict=True):
            variable.assign(value)

    def _all_variables(self):
        """Return all variables that a training step can change."""
        return [*self._model.variables, *self._optimizer.variables]

    def set_learning_rate(self, learning_rate):
        """Set the optimizer's learning rate for the steps to come."""
        self._optimizer.learning_rate = learning_rate

    def get_weights(self):
        """Return copies of all weights, in the network's order."""
        return self._model.get_weights()

    def has_finite_weights(self):
        """Tell whether no weight is NaN or infinite."""
        return all(np.isfinite(weights).all() for weights in self.get_weights())

    def set_weights(self, weights):
        """Set all weights, in the network's order."""
        self._model.set_weights(weights)

    def attention(self, frames, mask):
        """Return the attention weights of a padded batch, or raise a ValueError."""
        if self._attention is None:
            self._attention = self._compile_attention()
        return self._attention(frames, mask)

    def _compile_attention(self):
        """Compile the way from the input to the layer named "attention"."""
        import keras

        layer = self._model.get_layer("attention")
        inputs = self._model.inputs
        model = keras.Model(inputs, layer.output[1])
        specs = [self._tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in inputs]
        return self._tf.function(
            lambda frames, mask: model([frames, mask]), specs, autograph=False
        )

    def _train_step(self, frames, mask, classes, weights):
        """Take one step down the weighted cross-entropy and return it.

        `classes` has a column for each target; a class of -1 is not known.
        """
        with self._tf.GradientTape() as tape:
            heads = self._heads(frames, mask, training=True)
            losses = sum(
                map(
                    self._cross_entropies,
                    heads,
                    self._tf.unstack(classes, len(heads), axis=1),
                )
            )
            loss = self._tf.reduce_mean(weights * losses)
            scaled_loss = self._optimizer.scale_loss(loss)
        variables = self._model.trainable_variables
        self._optimizer.apply(tape.gradient(scaled_loss, variables), variables)
        return loss

    def _cross_entropies(self, scores, classes):
        """Return the cross-entropy of each utterance, 0 for unknown classes."""
        losses = self._tf.nn.sparse_softmax_cross_entropy_with_logits(
            self._tf.maximum(classes, 0), scores
        )
        return losses * self._tf.cast(classes >= 0, losses.dtype)

    def _scores(self, frames, mask):
        """Return the class scores of a padded batch."""
        return self._heads(frames, mask, training=False)[0]

    def _heads(self, frames, mask, training):
        """Return the scores of all targets, those of the classes first."""
        return self._tf.nest.flatten(self._model([frames, mask], training=training))


def dtype_policy():
    """Return the name of the precision that Keras builds networks in at present."""
    _import_tensorflow()
    import keras

    return keras.config.dtype_policy().name


def _guard_small_gradients(optimizer):
    """Scale losses, as ``keras.Model.compile`` does, where gradients could become 0."""
    from keras.optimizers import LossScaleOptimizer

    is_small = dtype_policy() == "mixed_float16"
    return LossScaleOptimizer(optimizer) if is_small else optimizer


def _import_tensorflow():
    """Import TensorFlow and, if nobody has yet, say how many threads it may use.

    No more than OMP_NUM_THREADS: joblib sets that variable in its workers, so that two
    of them share the processors instead of each claiming all. TensorFlow itself does
    not look at it.
    """
    import tensorflow as tf

    n_threads = _find_n_threads(tf.config.threading)
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


def _find_n_threads(threading):
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


class _Pool:
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
        self._owner = None

    @contextmanager
    def lend(self, key, make):
        """Lend the network of a key to one user; make one if none is idle."""
        self.refuse_forked_process()
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
                self._drop_oldest()

    def _drop_oldest(self):
        """Forget the networks that have been idle for longest."""
        while sum(map(len, self._idle.values())) > self.max_idle:
            oldest = next(iter(self._idle))
            self._idle[oldest].pop(0)
            if not self._idle[oldest]:
                del self._idle[oldest]

    def refuse_forked_process(self):
        """Raise an error where TensorFlow would hang without a word."""
        if self._owner is None:
            self._owner = os.getpid()
        if self._owner != os.getpid():
            raise RuntimeError(
                "This process was forked from one that had already used TensorFlow, "
                "which would hang here. Use joblib's default backend 'loky' (n_jobs=2 "
                "without a parallel_config) or multiprocessing's start method 'spawn'."
            )


_POOL = _Pool(MAX_IDLE_NETWORKS)


def lend_network(network, network_params, sizes, optimizer, optimizers):
    """Lend a compiled network for the length of a ``with`` block.

    Parameters
    ----------
    network : callable
        ``network(**sizes, **network_params, seed=seed)`` returns a ``keras.Model``.
    network_params : dict
        Parameters of the architecture.
    sizes : dict
        ``n_features``, ``n_classes`` and the like.
    optimizer : str
        Name of the optimizer.
    optimizers : dict
        From names to functions that make an optimizer.

    Returns
    -------
    context : context manager
        Gives a :class:`CompiledNetwork` in an *unspecified* state: call ``reset``
        or ``set_weights`` first.
    """
    params = joblib.hash((network_params, sizes))
    key = (network, params, optimizer, dtype_policy())

    def build(seed):
        return network(**sizes, **network_params, seed=seed)

    return _POOL.lend(key, lambda: CompiledNetwork(build, optimizers[optimizer]))


def weight_shapes(network, network_params, sizes):
    """Return the shapes of the weights that a network would have.

    No weight is made, so that this takes no memory, whatever the sizes.

    Parameters
    ----------
    network, network_params, sizes
        As for :func:`lend_network`.

    Returns
    -------
    shapes : list of tuple of int
        In the network's order.
    """
    _POOL.refuse_forked_process()
    _import_tensorflow()
    # Keras remembers, for each thread, the variables that it has yet to make. Those
    # of a thread that has ended it can never make.
    with ThreadPoolExecutor(max_workers=1) as executor:
        plan = executor.submit(_plan_weights, network, {**sizes, **network_params})
        return plan.result()


def _plan_weights(network, params):
    """Build a network of variables without values and return the weights' shapes."""
    import keras

    with keras.StatelessScope(initialize_variables=False):
        model = network(**params, seed=0)
    return [tuple(weights.shape) for weights in model.weights]
