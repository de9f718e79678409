"""The paper's network, Attention-BLSTM-FCN, with its ablations and readings."""

from collections.abc import Sequence

import keras
from keras import layers, ops

from skser.networks._layers import (
    AttentionPooling,
    all_scores,
    convolutional_branch,
    hidden_layers,
    masked_average,
    masked_last,
    masked_maximum,
    recurrent_branch,
    seed_stream,
)


def attention_blstm_fcn(
    n_features: int,
    n_classes: int,
    *,
    recurrent: str | None = "blstm",
    convolutional: bool = True,
    pooling: str = "attention",
    view: str = "frames",
    n_frames: int | None = None,
    recurrent_units: int = 64,
    filters: Sequence[int] = (128, 64),
    kernel_sizes: Sequence[int] = (8, 5),
    squeeze_excite: bool = False,
    hidden_units: Sequence[int] = (128,),
    dropout: float = 0.5,
    n_ratings: int = 0,
    seed: int | None = None,
) -> keras.Model:
    """Build the Attention-BLSTM-FCN of Zhao et al. [1]_.

    Two branches look at the same frames: a bidirectional LSTM whose outputs are pooled
    over time by attention and thinned by dropout, and temporal convolution blocks whose
    outputs are averaged over time. Both vectors together go through dense layers to
    one score per class.

    Parameters
    ----------
    n_features : int
        Number of features of a frame.
    n_classes : int
        Number of classes (or targets of a regressor): of scores.
    recurrent, convolutional, pooling, view, recurrent_units, filters, kernel_sizes, \
            squeeze_excite, hidden_units, dropout
        As of :class:`skser.AttentionBLSTMFCNClassifier`; for `view` see Notes.
    n_frames : int, default=None
        Number of frames of every utterance. The views "variables" and "flat" need it,
        "frames" does without.
    n_ratings : int, default=0
        Number of ratings that are learnt beside the classes: with any, there is an
        output of three scores for each, in a list with those of the classes.
    seed : int, default=None
        Determines the initial weights and the dropout.

    Returns
    -------
    network : keras.Model
        From frames (batch, n_frames, n_features) and mask (batch, n_frames) to
        scores (batch, n_classes), whose softmax are the posteriors. With
        ``pooling="attention"`` its layer "attention" also gives the weights.

    Raises
    ------
    ValueError
        If there is no branch at all, `n_frames` is missing where it is needed, or the
        last output of an LSTM in both directions is asked for.

    Notes
    -----
    The paper speaks of a "dimension shuffle" as in LSTM-FCN [2]_, of "a single time
    step", and of attention that selects frames. These cannot all be true, so `view`
    offers each reading:

    - "frames": a step is a frame. The only reading under which attention selects
      frames, and the one that speech recognition knows.
    - "variables": a step is one feature with all its values over time, as in
      MLSTM-FCN. Attention weighs features.
    - "flat": one step holds everything, as in LSTM-FCN on univariate series.
      Attention has nothing to choose from: its only weight is 1, and the three
      poolings are the same function.

    References
    ----------
    .. [1] Zhao et al. 2018, as of :class:`skser.AttentionBLSTMFCNClassifier`.
    .. [2] F. Karim, S. Majumdar, H. Darabi and S. Chen, "LSTM fully convolutional
       networks for time series classification", IEEE Access 6, 2018.

    Examples
    --------
    >>> from skser.networks import attention_blstm_fcn
    >>> network = attention_blstm_fcn(64, 4, seed=0)
    >>> network.count_params()
    198852
    """
    if recurrent is None and not convolutional:
        raise ValueError(
            "The network has no branch: set recurrent to 'blstm' or 'lstm', "
            "convolutional to True, or both."
        )
    if view != "frames" and n_frames is None:
        raise ValueError(f"view={view!r} needs n_frames, the length of every input.")
    if pooling == "last" and recurrent == "blstm":
        raise ValueError(
            "pooling='last' needs recurrent='lstm': at the last step the backward LSTM "
            "has seen that step only."
        )
    seeds = seed_stream(seed)
    frames = keras.Input((n_frames, n_features), name="frames")
    mask = keras.Input((n_frames,), dtype="bool", name="mask")
    branches = []
    if recurrent is not None:
        steps, steps_mask = _RECURRENT_VIEWS[view](frames, mask)
        outputs = recurrent_branch(
            steps,
            steps_mask,
            recurrent_units,
            bidirectional=recurrent == "blstm",
            seeds=seeds,
        )
        pooled = _POOLINGS[pooling](outputs, steps_mask, seeds)
        branches.append(layers.Dropout(dropout, seed=next(seeds))(pooled))
    if convolutional:
        steps, steps_mask = _CONVOLUTIONAL_VIEWS[view](frames, mask)
        branches.append(
            convolutional_branch(
                steps,
                steps_mask,
                filters,
                kernel_sizes,
                squeeze_excite=squeeze_excite,
                seeds=seeds,
            )
        )
    fused = layers.Concatenate()(branches) if len(branches) > 1 else branches[0]
    hidden = hidden_layers(fused, hidden_units, seeds=seeds)
    scores = all_scores(hidden, n_classes, n_ratings, seeds=seeds)
    return keras.Model([frames, mask], scores, name="attention_blstm_fcn")


# Functions (outputs, mask, seeds) -> vector, of the recurrent branch's outputs.
_POOLINGS = {
    # In a layer that can be found by its name.
    "attention": lambda outputs, mask, seeds: AttentionPooling(
        seed=next(seeds), name="attention"
    )(outputs, mask)[0],
    "mean": lambda outputs, mask, seeds: masked_average(outputs, mask),
    "max": lambda outputs, mask, seeds: masked_maximum(outputs, mask),
    "last": lambda outputs, mask, seeds: masked_last(outputs, mask),
}


def take_variables(frames, mask):
    """Take the features as the steps; all of them are real."""
    variables = ops.transpose(frames, (0, 2, 1))
    return variables, ops.ones_like(variables[:, :, 0], dtype="bool")


def take_one_step(frames, mask):
    """Take the whole utterance as the only step."""
    step = ops.reshape(frames, (-1, 1, frames.shape[1] * frames.shape[2]))
    return step, ops.ones_like(step[:, :, 0], dtype="bool")


def take_univariate_series(frames, mask):
    """Take every single value as a step, frame after frame."""
    n_values = frames.shape[1] * frames.shape[2]
    values_mask = ops.repeat(mask, frames.shape[2], axis=1)
    return ops.reshape(frames, (-1, n_values, 1)), values_mask


# Functions (frames, mask) -> steps and their mask. A frame is a step, unless stated.
_RECURRENT_VIEWS = {
    "frames": lambda frames, mask: (frames, mask),
    "variables": take_variables,
    "flat": take_one_step,
}
_CONVOLUTIONAL_VIEWS = {
    "frames": lambda frames, mask: (frames, mask),
    "variables": lambda frames, mask: (frames, mask),
    "flat": take_univariate_series,
}
