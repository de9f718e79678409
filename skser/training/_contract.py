"""Contract of networks: inputs, scores, masks and attention are checked on a probe.

A network of the user's own is built and run once before it is trained. What
:class:`skser.NetworkClassifier` asks of it is in its docstring.
"""

import inspect
import json

import joblib
import numpy as np

from skser._compat import flatten_layers
from skser._labels import RATING_LEVELS
from skser.training._compiled import dtype_policy
from skser.training._objectives import OBJECTIVES

# Long enough for filters and maxima over groups of frames.
PROBE_FRAMES = 128
# Share of the largest score by which padding may change scores, for rounding.
TOLERANCE = {"float64": 1e-6, "float32": 1e-4}


def examine_network(design):
    """Build a network, check that it can be trained here, and say which one it is.

    Parameters
    ----------
    design : NetworkDesign

    Returns
    -------
    identity : str
        Equal for networks that have equal layers, equal initial weights and that
        compute the same; whatever the function that builds them has read.

    Raises
    ------
    TypeError
        If the function takes no `seed`, or does not return a model with inputs.
    ValueError
        If inputs, outputs or attention have other shapes than they should, if the
        network gives posteriors in place of scores, or if its scores depend on padding.
    """
    dtype_policy()
    name = getattr(design.builder, "__name__", repr(design.builder))
    parameters = inspect.signature(design.builder).parameters.values()
    if not any(p.name == "seed" or p.kind is p.VAR_KEYWORD for p in parameters):
        raise TypeError(
            f"{name} must take the keyword argument seed and derive the seeds of all "
            "layers from it: without, fits could not be repeated."
        )
    model = design.build(0)
    check_inputs(model, name, design.arguments["n_features"])
    inputs = make_probe(model)
    heads = compute_heads(model, inputs)
    check_heads(heads, name, design.arguments.get("n_ratings", 0))
    check_scores(heads[0], name, design)
    if isinstance(inputs, list):
        check_padding(model, inputs, heads[0], name)
    check_attention(model, inputs, name)
    return identify(model, inputs, heads)


def check_inputs(model, name, n_features):
    """Refuse what does not take frames, or frames and mask."""
    if not getattr(model, "inputs", None):
        raise TypeError(
            f"{name} must return a keras.Model made of keras.Input, got "
            f"{type(model).__name__} without inputs."
        )
    shapes = [tuple(tensor.shape) for tensor in model.inputs]
    frames = shapes[0]
    fits = len(frames) == 3 and frames[2] == n_features
    if len(shapes) == 2:
        fits = fits and frames[1] is None and shapes[1] == (None, None)
    if not fits or len(shapes) > 2:
        raise ValueError(
            f"{name} must return a network of frames and mask, of the shapes "
            f"{(None, None, n_features)} and {(None, None)}, in this order, or of "
            f"frames alone; got inputs of the shapes {', '.join(map(str, shapes))}."
        )


def make_probe(model):
    """Return frames, or frames and mask, that are the same for equal networks."""
    _, n_frames, n_features = model.inputs[0].shape
    shape = (3, n_frames or PROBE_FRAMES, n_features)
    frames = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    if len(model.inputs) == 1:
        return frames
    mask = np.arange(shape[1]) < np.array([[shape[1]], [100], [64]])
    return [frames * mask[:, :, np.newaxis], mask.astype(model.inputs[1].dtype)]


def compute_heads(model, inputs, training=False):
    """Return the outputs of a network as arrays, those of ratings last."""
    outputs = model(inputs, training=training)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [np.asarray(output, dtype=np.float64) for output in outputs]


def check_heads(heads, name, n_ratings):
    """Refuse anything but scores and, for each rating, those of its levels."""
    if len(heads) != 1 + n_ratings:
        outputs = f"{1 + n_ratings} outputs" if n_ratings else "one output"
        further = f" and those of {n_ratings} ratings" if n_ratings else ""
        raise ValueError(
            f"{name} must return a network of {outputs}, the scores of the classes"
            f"{further}; got {len(heads)} outputs."
        )
    for head in heads[1:]:
        if head.shape != (len(heads[0]), len(RATING_LEVELS)):
            raise ValueError(
                f"{name} must return a network whose outputs of ratings have the shape "
                f"{(None, len(RATING_LEVELS))}, a score for each of "
                f"{', '.join(RATING_LEVELS)}; got {(None, *head.shape[1:])}."
            )


def check_scores(outputs, name, design):
    """Refuse posteriors, and anything but one output for each class or target."""
    n_outputs = design.arguments["n_classes"]
    are_numbers = OBJECTIVES[design.objective].figure == "CCC"
    if outputs.ndim != 2 or outputs.shape[1] != n_outputs:
        if are_numbers:
            kind, advice = "output for each target", ""
        else:
            kind, advice = "score for each class", "Two classes need two scores, and "
        frames = "frames must have been pooled."
        raise ValueError(
            f"{name} must return a network of one {kind}, of the shape "
            f"{(None, n_outputs)}; got {(None, *outputs.shape[1:])}. "
            f"{advice}{frames if advice else frames.capitalize()}"
        )
    is_normalised = (outputs >= 0).all() and np.allclose(outputs.sum(1), 1, atol=1e-2)
    if is_normalised and not are_numbers:
        raise ValueError(
            f"{name} returns a network whose outputs are posteriors: they are not "
            "negative and sum to 1. Training takes scores (logits) and applies the "
            "softmax itself: remove the softmax at the end of the network."
        )


def check_padding(model, inputs, outputs, name):
    """Refuse scores that depend on how far an utterance is padded."""
    frames, mask = inputs
    lengths = mask.astype(int).sum(axis=1)
    alone = [
        compute_heads(model, [frames[i : i + 1, :n], mask[i : i + 1, :n]])[0]
        for i, n in enumerate(lengths)
    ]
    change = np.abs(np.concatenate(alone) - outputs)
    limit = TOLERANCE.get(dtype_policy(), 0.05) * np.abs(outputs).max() + 1e-6
    if change.max() > limit:
        raise ValueError(
            f"The scores of the network that {name} returns change by up to "
            f"{change.max():.2g} when zeros are added behind utterances, and the mask "
            "says so: predictions would depend on the other utterances of a "
            "batch. Pass the mask to all layers that mix frames (as in "
            "GlobalAveragePooling1D()(frames, mask=mask)), set padding to zero before "
            "each convolution (skser.networks.zero_padding), or let the network take "
            "frames alone: then only utterances of one length share a batch."
        )


def check_attention(model, inputs, name):
    """Refuse a layer "attention" that does not give each frame a weight."""
    if not any(layer.name == "attention" for layer in model.layers):
        return
    import keras

    output = model.get_layer("attention").output
    is_pair = isinstance(output, (list, tuple)) and len(output) == 2
    weights = output[1] if is_pair else None
    n_frames = model.inputs[0].shape[1]
    if getattr(weights, "shape", None) == (None, n_frames):
        attend = keras.Model(model.inputs, weights)
        values = np.asarray(attend(inputs, training=False), np.float64)
        shape = (inputs[0] if isinstance(inputs, list) else inputs).shape[:2]
        sums_to_1 = np.allclose(values.sum(axis=1), 1, atol=1e-2)
        if values.shape == shape and values.min() >= 0 and sums_to_1:
            return
    raise ValueError(
        f'The layer "attention" of the network that {name} returns must give the '
        "average and the weights of the frames, (batch, n_frames), which are not "
        "negative and sum to 1, as skser.networks.AttentionPooling does. Give another "
        "kind of layer another name."
    )


def identify(model, inputs, heads):
    """Return a checksum of a network's layers, initial weights and computations."""
    layers = list(flatten_layers(model))
    try:
        text = json.dumps(model.get_config(), default=repr, sort_keys=True)
    except (NotImplementedError, TypeError, ValueError):
        # A layer that cannot say what it is: like no other.
        text = repr(object())
    # Keras counts the layers of a process in their names.
    for i, layer in enumerate([model, *layers]):
        text = text.replace(f'"{layer.name}"', f'"layer {i}"')
    classes = [(id(type(layer)), layer.trainable) for layer in layers]
    # With dropout and statistics of the batch, which follow from the seed.
    trained = compute_heads(model, inputs, training=True)
    return joblib.hash([text, classes, model.get_weights(), heads, trained])
