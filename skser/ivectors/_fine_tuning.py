"""How a network of sigmoid layers and softmax heads learns: by its gradient and Adam.

A layer is a pair of weights of shape (n_inputs, n_outputs) and biases. All heads stand
on the last hidden layer. Everything is in the precision of its inputs.
"""

import math

import numpy as np
from scipy.special import expit, log_softmax, rel_entr, softmax
from sklearn.utils import gen_batches

# Adam's decay of the first and second moments, and what keeps it from dividing by 0.
_DECAYS = (0.9, 0.999)
_EPSILON = 1e-8


def hidden_activations(layers, X):
    """Return the inputs and the activations of each hidden layer.

    Parameters
    ----------
    layers : list of (weights, biases)
    X : ndarray of shape (n_samples, n_features)

    Returns
    -------
    activations : list of ndarray of shape (n_samples, n_units)
        `X` first.
    """
    activations = [X]
    for weights, biases in layers:
        activations.append(expit(activations[-1] @ weights + biases))
    return activations


def head_posteriors(head, hidden):
    """Return the softmax of one head.

    Parameters
    ----------
    head : (weights, biases)
    hidden : ndarray of shape (n_samples, n_units)

    Returns
    -------
    posteriors : ndarray of shape (n_samples, n_outputs)
    """
    weights, biases = head
    return softmax(hidden @ weights + biases, axis=1)


def divergence(layers, heads, X, targets, shares):
    r"""Return the loss: what the heads diverge from their targets.

    .. math:: \sum_k \lambda_k \frac1n \sum_i \mathrm{KL}(p_{ki} \,\|\, q_{ki})

    for targets :math:`p` and posteriors :math:`q` of the heads :math:`k`. Where a
    target is certain of one class, this is the cross-entropy.

    Parameters
    ----------
    layers, heads : list of (weights, biases)
    X : ndarray of shape (n_samples, n_features)
    targets : list of ndarray of shape (n_samples, n_outputs)
        One table for each head; rows have a sum of 1.
    shares : list of float
        :math:`\lambda_k`.

    Returns
    -------
    loss : float
    """
    hidden = hidden_activations(layers, X)[-1]
    loss = 0.0
    for (weights, biases), target, share in zip(heads, targets, shares, strict=True):
        log_posteriors = log_softmax(hidden @ weights + biases, axis=1)
        divergences = rel_entr(target, 1.0) - target * log_posteriors
        loss += share * float(divergences.sum()) / len(X)
    return loss


def gradients(layers, heads, X, targets, shares):
    """Return the gradient of the loss by backpropagation.

    Parameters
    ----------
    layers, heads, X, targets, shares
        As of `divergence`.

    Returns
    -------
    layer_gradients, head_gradients : list of (weights, biases)
    """
    activations = hidden_activations(layers, X)
    hidden = activations[-1]
    head_gradients, back = [], np.zeros_like(hidden)
    for head, target, share in zip(heads, targets, shares, strict=True):
        delta = (head_posteriors(head, hidden) - target) * (share / len(X))
        head_gradients.append((hidden.T @ delta, delta.sum(axis=0)))
        back += delta @ head[0].T
    layer_gradients = []
    for (weights, _), below, above in zip(
        layers[::-1], activations[-2::-1], activations[:0:-1], strict=True
    ):
        delta = back * above * (1 - above)
        layer_gradients.append((below.T @ delta, delta.sum(axis=0)))
        back = delta @ weights.T
    return layer_gradients[::-1], head_gradients


def fine_tune(
    layers, heads, X, targets, shares, *, learning_rate, batch_size, n_epochs, generator
):
    """Train all layers in place; yield the loss after each epoch.

    Parameters
    ----------
    layers, heads, X, targets, shares
        As of `divergence`.
    learning_rate : float
        Of Adam [1]_.
    batch_size, n_epochs : int
    generator : RandomState
        Determines the order of the samples.

    Yields
    ------
    loss : float
        Over the samples seen last, 16 batches at most.

    References
    ----------
    .. [1] D. P. Kingma and J. Ba, "Adam: A method for stochastic optimization", ICLR
       2015.
    """
    adam = _Adam([array for pair in (*layers, *heads) for array in pair], learning_rate)
    for _ in range(n_epochs):
        order = generator.permutation(len(X))
        for batch in gen_batches(len(X), batch_size):
            rows = order[batch]
            parts = gradients(
                layers, heads, X[rows], [t[rows] for t in targets], shares
            )
            adam.step([array for part in parts for pair in part for array in pair])
        rows = order[-16 * batch_size :]
        yield divergence(layers, heads, X[rows], [t[rows] for t in targets], shares)


class _Adam:
    """Steps of Adam on a list of arrays, which are changed in place."""

    def __init__(self, parameters, learning_rate):
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.means = [np.zeros_like(p) for p in parameters]
        self.squares = [np.zeros_like(p) for p in parameters]
        self.n_steps = 0

    def step(self, gradients):
        """Move against the gradients."""
        self.n_steps += 1
        first, second = (1 - decay**self.n_steps for decay in _DECAYS)
        rate = self.learning_rate * math.sqrt(second) / first
        for parameter, mean, square, gradient in zip(
            self.parameters, self.means, self.squares, gradients, strict=True
        ):
            mean += (1 - _DECAYS[0]) * (gradient - mean)
            square += (1 - _DECAYS[1]) * (gradient**2 - square)
            parameter -= rate * mean / (np.sqrt(square) + _EPSILON)
