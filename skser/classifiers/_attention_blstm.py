"""A classifier with recurrent layers and attention alone: two baselines of Table 4."""

import numbers

from skser._compat import Interval, StrOptions
from skser.classifiers._attention import AttentionMixin
from skser.classifiers._network import (
    BaseNetworkClassifier,
    with_training_parameters,
)


class AttentionBLSTMClassifier(AttentionMixin, BaseNetworkClassifier):
    """Bidirectional LSTMs whose outputs are averaged by attention.

    Not the ablation of the paper's Table 2, which is
    ``AttentionBLSTMFCNClassifier(convolutional=False)``, but the systems of Huang and
    Narayanan [1]_ and of Mirsamadi et al. [2]_.

    Parameters
    ----------
    frame_units : sequence of int, default=()
        Sizes of the rectified layers that each frame goes through by itself, as in
        [2]_.
    recurrent_units : sequence of int, default=(128, 128)
        Number of LSTM cells in each direction, of each layer.
    attention : {"additive", "linear", "uniform"}, default="additive"
        How the LSTM's outputs are scored: by a hidden layer, by one weight for each, or
        all alike: the mean in place of attention.
    dropout : float, default=0.5
        Share that is dropped in training behind each layer of a frame and behind the
        attention.
    max_frames, optimizer, learning_rate, learning_rate_schedule, batch_size, \
            max_epochs, early_stopping, validation_fraction, n_iter_no_change, \
            class_weight, warm_start, checkpoint, random_state, verbose
        As in :class:`AttentionBLSTMFCNClassifier`, with its fitted attributes.

    See Also
    --------
    skser.networks.attention_blstm : The network, with its equations.
    skser.systems.attention_blstm_huang2016 : A system with it.
    skser.systems.attention_blstm_mirsamadi2017 : Another.

    References
    ----------
    .. [1] C.-W. Huang and S. Narayanan, "Attention assisted discovery of sub-utterance
       structure in speech emotion recognition", Interspeech 2016.
    .. [2] S. Mirsamadi, E. Barsoum and C. Zhang, "Automatic speech emotion recognition
       using recurrent neural networks with local attention", ICASSP 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.classifiers import AttentionBLSTMClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(i % 2, 1, (10 + i, 3)) for i in range(20)]
    >>> y = ["calm", "angry"] * 10
    >>> classifier = AttentionBLSTMClassifier(
    ...     recurrent_units=(4,), learning_rate=0.01, random_state=0)
    >>> classifier.fit(X, y).predict(X[:2])
    array(['calm', 'angry'], dtype='<U5')
    """

    _parameter_constraints = {
        **BaseNetworkClassifier._parameter_constraints,
        "frame_units": ["array-like"],
        "recurrent_units": ["array-like"],
        "attention": [StrOptions({"additive", "linear", "uniform"})],
        "dropout": [Interval(numbers.Real, 0, 1, closed="left")],
    }

    @with_training_parameters
    def __init__(
        self,
        *,
        frame_units=(),
        recurrent_units=(128, 128),
        attention="additive",
        dropout=0.5,
    ):
        self.frame_units = frame_units
        self.recurrent_units = recurrent_units
        self.attention = attention
        self.dropout = dropout

    def _architecture(self):
        from skser.networks import attention_blstm

        return attention_blstm, {
            "frame_units": tuple(self.frame_units),
            "recurrent_units": tuple(self.recurrent_units),
            "attention": self.attention,
            "dropout": self.dropout,
        }

    def _why_no_attention(self):
        is_uniform = self.attention == "uniform"
        return "attention that is not 'uniform'" if is_uniform else None
