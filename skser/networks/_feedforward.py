"""The dense network of DNN-ELM, which sees one segment at a time."""

import keras

from skser.networks._branches import class_scores, hidden_layers
from skser.networks._layers import masked_average
from skser.networks._seeds import seed_stream


def feedforward(n_features, n_classes, *, hidden_units=(256, 256, 256), seed=None):
    """Build a network of dense layers, as in the first stage of DNN-ELM [1]_.

    Parameters
    ----------
    n_features : int
        Number of features of a segment.
    n_classes : int
        Number of classes.
    hidden_units : sequence of int, default=(256, 256, 256)
        Sizes of the rectified layers.
    seed : int, default=None
        Determines the initial weights.

    Returns
    -------
    network : keras.Model
        From frames (batch, n_frames, n_features) and mask (batch, n_frames) to
        scores (batch, n_classes). A segment is an utterance of one frame; of several
        frames, the network sees the average.

    References
    ----------
    .. [1] K. Han, D. Yu and I. Tashev, "Speech emotion recognition using deep neural
       network and extreme learning machine", Interspeech 2014.

    Examples
    --------
    >>> from skser.networks import feedforward
    >>> feedforward(750, 5, seed=0).count_params()
    325125
    """
    seeds = seed_stream(seed)
    frames = keras.Input((None, n_features), name="frames")
    mask = keras.Input((None,), dtype="bool", name="mask")
    hidden = hidden_layers(masked_average(frames, mask), hidden_units, seeds=seeds)
    scores = class_scores(hidden, n_classes, seeds=seeds)
    return keras.Model([frames, mask], scores, name="feedforward")
