"""What a network starts from, for any seed, without being built again.

Building a network of Keras layers takes half a second and leaves a megabyte behind
that nothing frees. Nearly all of it is symbolic; what training needs is only new values
for variables that exist already.
"""

import numpy as np

from skser._compat import flatten_layers


class InitialState:
    """Draw the initial values of a network's variables.

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
        self._sources = _find_random_sources(model)
        self._is_complete = set(self._sources) >= self._find_seeded(build(1))

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
        if not self._is_complete:
            return [variable.numpy() for variable in self._build(seed).variables]
        seeds = np.random.default_rng(seed).integers(2**31 - 1, size=len(self._values))
        return [
            self._sources[i](int(seed), value) if i in self._sources else value
            for i, (seed, value) in enumerate(zip(seeds, self._values, strict=True))
        ]

    def _find_seeded(self, other):
        """Return the indices of the variables that the seed has a part in."""
        pairs = zip(self._values, other.variables, strict=True)
        return {i for i, (a, b) in enumerate(pairs) if not np.array_equal(a, b.numpy())}


def _find_random_sources(model):
    """Return functions ``(seed, value) -> new value`` by the variables' indices."""
    indices = {id(variable): i for i, variable in enumerate(model.variables)}
    sources = {
        i: _draw_dropout_state
        for i, variable in enumerate(model.variables)
        if variable.name == "seed_generator_state"
    }
    for layer in flatten_layers(model):
        for variable in layer.variables:
            initializer = _find_initializer(layer, variable.name)
            if "seed" in getattr(initializer, "get_config", dict)():
                sources[indices[id(variable)]] = _initialize_by(initializer)
    return sources


def _find_initializer(layer, name):
    """Return a layer's initialiser of a variable, or None.

    Keras names it ``kernel_initializer`` after ``kernel``, but
    ``recurrent_initializer`` after ``recurrent_kernel``.
    """
    short = name.removesuffix("_kernel")
    own = getattr(layer, f"{short}_initializer", None)
    return getattr(layer, f"{name}_initializer", own)


def _draw_dropout_state(seed, value):
    """Return the state of a Keras seed generator that has not been used."""
    return np.array([seed, 0], dtype=value.dtype)


def _initialize_by(initializer):
    """Return a function that draws values as an initialiser with another seed does."""

    def draw(seed, value):
        config = {**initializer.get_config(), "seed": seed}
        reseeded = type(initializer).from_config(config)
        return reseeded(value.shape, dtype=value.dtype.name)

    return draw
