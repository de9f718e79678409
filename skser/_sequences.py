"""Batches of utterances of unequal length: checks, blocks of frames, padding, mask.

A batch of utterances is a list of arrays. Every estimator of the package takes and
returns such lists. They pass through scikit-learn's tools unchanged, because a list can
be indexed.
"""

import functools
import math
import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import TransformerMixin
from sklearn.utils import check_consistent_length
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import column_or_1d, validate_data

from skser._compat import check_sample_weight, is_pandas_na, is_scalar_nan

# A feature whose standard deviation is below this share of its values is constant:
# what varies is rounding.
ROUNDING = 1e-12
# Lengths rise by this at least, or by a share of the power of two below them.
LENGTH_STEP = 16
N_STEPS = 16
MAX_LENGTH = 2**30


class Place(NamedTuple):
    """Where an array is, in a file that is mapped.

    Parameters
    ----------
    file : str or int
        Of which map it is a part: its path, for instance.
    start : int
        Its first byte.
    dtype : numpy.dtype
    shape : tuple of int
    """

    file: str | int
    start: int
    dtype: np.dtype
    shape: tuple


def read_place(place, maps):
    """Return the array that begins at a byte of a map.

    Parameters
    ----------
    place : Place
    maps : dict of str or int to ndarray of uint8
        By `Place.file`.

    Returns
    -------
    array : ndarray
    """
    stop = place.start + place.dtype.itemsize * math.prod(place.shape)
    memory = maps[place.file][place.start : stop]
    return memory.view(place.dtype).reshape(place.shape)


class Batch(list):
    """A list of arrays, one per utterance, that will not become one array.

    What transformers return. NumPy would stack utterances of equal length without a
    word, and scikit-learn's FeatureUnion would then join them frame after frame; on
    unequal lengths it would speak of "inhomogeneous shapes".
    """

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "A batch of utterances is a list of arrays of unequal length and cannot "
            "be converted to one array. FeatureUnion, BaggingClassifier and estimators "
            "that need tables cannot take it: put features of frames side by side by "
            "skser.features.FrameUnion, choose them by "
            "AcousticFeatures(features=[...]), classify sequences with a classifier of "
            "skser, or reduce each utterance to one row first. For equal lengths, "
            "numpy.stack makes an array."
        )

    def __reduce__(self):
        """Name the maps, and not each array in them.

        joblib sends a map to another process by its file, and opens the file for each
        array; a process may have a thousand or so open. Other pickles hold the bytes.
        """
        parts, roots, spans = list(self), {}, {}
        for i, array in enumerate(self):
            root = _find_map(array)
            if root is not None:
                start = array.ctypes.data - root.ctypes.data
                parts[i] = Place(id(root), start, array.dtype, array.shape)
                roots[id(root)] = np.asarray(root).reshape(-1).view(np.uint8)
                first, last = spans.get(id(root), (start, 0))
                last = max(last, start + array.nbytes)
                spans[id(root)] = min(first, start), last
        # No more of a map than from the first array to the last.
        parts = [
            part._replace(start=part.start - spans[part.file][0])
            if isinstance(part, Place)
            else part
            for part in parts
        ]
        maps = {file: roots[file][slice(*spans[file])] for file in roots}
        return _read_batch, (parts, maps)


def _find_map(array):
    """Return the read-only map that an array of one piece is a view of, or None."""
    root = array
    while isinstance(getattr(root, "base", None), np.ndarray):
        root = root.base
    is_mapped = isinstance(root, np.memmap) and root.mode == "r"
    is_whole = is_mapped and root.flags.c_contiguous and array.flags.c_contiguous
    return root if is_whole and array.nbytes else None


def _read_batch(parts, maps):
    """Return the batch that `Batch.__reduce__` has taken apart."""
    return Batch(
        read_place(part, maps) if isinstance(part, Place) else part for part in parts
    )


def check_is_sequence(X, name="X"):
    """Refuse what cannot be indexed or has no samples.

    Parameters
    ----------
    X : object
        What the user passed.
    name : str, default="X"
        Name of the parameter in the error messages.

    Raises
    ------
    TypeError
        If `X` is a single string, path or content, a mapping, or has no length, as a
        generator or a single number.
    ValueError
        If `X` has no samples.
    """
    is_single = isinstance(X, (str, bytes, bytearray, memoryview))
    if is_single or isinstance(X, dict) or not hasattr(X, "__len__"):
        hint = " Wrap a single utterance in a list." if is_single else ""
        raise TypeError(
            f"{name} must be a list with one entry per utterance (or an array), "
            f"got {type(X).__name__}.{hint}"
        )
    if getattr(X, "ndim", 1) == 0 or len(X) == 0:
        raise ValueError(
            f"Found {name} with 0 sample(s) while a minimum of 1 is required."
        )


def is_table(X):
    """Tell whether `X` is two-dimensional data of scikit-learn's usual kind.

    A table is whatever scikit-learn itself would validate: a 2-D (or wrongly a
    1-D) numeric array, a DataFrame, a sparse matrix, or a list of lists of numbers.
    Everything else is a batch of utterances.
    """
    if sparse.issparse(X) or not hasattr(X, "__len__"):
        return sparse.issparse(X) or hasattr(X, "__array__")
    n_dimensions = getattr(X, "ndim", None)
    is_column_of_arrays = (
        n_dimensions == 1
        and getattr(X, "dtype", None) == np.dtype(object)
        and len(X) > 0
        and np.ndim(X.iloc[0] if hasattr(X, "iloc") else X[0]) > 0
    )
    if n_dimensions is not None:
        return n_dimensions <= 2 and not is_column_of_arrays
    return isinstance(X, (list, tuple)) and len(X) > 0 and np.ndim(X[0]) < 2


def check_numeric_array(array, name, n_dimensions, axes):
    """Return one utterance as a real numeric array, or say what it is instead.

    Parameters
    ----------
    array : array-like
        One entry of the batch.
    name : str
        What the messages call it, for instance ``"X[3]"``.
    n_dimensions : int
        Number of dimensions that it must have.
    axes : str
        The expected shape in words, for instance ``"(n_frames, n_features)"``.

    Returns
    -------
    array : ndarray
    """
    array = np.asarray(array)
    if array.dtype.kind not in "fiu":
        raise TypeError(
            f"{name} must hold real numbers, got an array of dtype {array.dtype}."
        )
    if array.ndim != n_dimensions:
        raise ValueError(f"{name} must have the shape {axes}, got {array.shape}.")
    if 0 in array.shape:
        raise ValueError(f"{name} is empty: its shape is {array.shape}, not {axes}.")
    return array


def check_finite(array, name):
    """Raise a ValueError that locates the first NaN or infinity of an utterance."""
    # The sum is not finite if any value is not; it needs no temporary array.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum(dtype=np.float64)):
            return
    bad = ~np.isfinite(array)
    if bad.any():
        position = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"{name} contains NaN or infinity: {int(bad.sum())} value(s), "
            f"the first at index {position} ({array[position]})."
        )


def check_utterances(X, n_dimensions, axes):
    """Return the utterances of a batch as finite arrays, or say what is wrong with one.

    Parameters
    ----------
    X : list of array-like
    n_dimensions, axes
        As of `check_numeric_array`.

    Returns
    -------
    utterances : list of ndarray
    """
    check_is_sequence(X)
    utterances = []
    for i, entry in enumerate(X):
        utterance = check_numeric_array(entry, f"X[{i}]", n_dimensions, axes)
        check_finite(utterance, f"X[{i}]")
        utterances.append(utterance)
    return utterances


def validate_sequences(estimator, X, *, reset, dtype=np.float32):
    """Check a batch of feature sequences and return it as a list of arrays.

    Parameters
    ----------
    estimator : estimator instance
        Gets (``reset=True``) or is compared with (``reset=False``)
        ``n_features_in_``, which is the length of the *last* axis.
    X : list of array-like of shape (n_frames, n_features), or array-like of shape \
            (n_samples, n_frames, n_features) or (n_rows, n_features)
        The batch. A two-dimensional `X` is validated by scikit-learn; its rows
        become sequences of one frame.
    reset : bool
        True in `fit`, False afterwards.
    dtype : dtype, or list of dtype, default=numpy.float32
        The dtype to convert to; of a list, the first, for input that has none
        of them.

    Returns
    -------
    sequences : list of ndarray of shape (n_frames, n_features)
        Finite; views of the input where its dtype allows it.

    Raises
    ------
    TypeError, ValueError
        With the index of the utterance at fault.
    """
    if is_table(X):
        table = validate_data(estimator, X, reset=reset, dtype=dtype)
        return list(table[:, np.newaxis, :])
    accepted = dtype if isinstance(dtype, (list, tuple)) else [dtype]
    sequences = [
        array if array.dtype in accepted else array.astype(accepted[0])
        for array in check_utterances(X, 2, "(n_frames, n_features)")
    ]
    width = sequences[0].shape[-1]
    for i, sequence in enumerate(sequences):
        if sequence.shape[-1] != width:
            raise ValueError(
                "All utterances must have the same number of features: X[0] has "
                f"{width}, but X[{i}] has {sequence.shape[-1]}."
            )
    if reset:
        estimator.n_features_in_ = width
        # As scikit-learn's validate_data does for input without names.
        if hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
    elif width != estimator.n_features_in_:
        raise ValueError(
            f"X has {width} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input."
        )
    return sequences


def validate_frames(estimator, X, *, reset):
    """Check what a transformer of frames takes: a batch, or a table of frames.

    Parameters
    ----------
    estimator : estimator instance
        As in `validate_sequences`.
    X : list of array-like, or array-like
        As in `validate_sequences`, except that the rows of a two-dimensional `X` are
        the frames of one utterance.
    reset : bool
        True in `fit`, False afterwards.

    Returns
    -------
    sequences : list of ndarray of shape (n_frames, n_features)
        Of float64 or float32, as `X`; one sequence for a two-dimensional `X`.
    """
    dtypes = [np.float64, np.float32]
    if is_table(X):
        return [validate_data(estimator, X, reset=reset, dtype=dtypes)]
    return validate_sequences(estimator, X, reset=reset, dtype=dtypes)


def check_groups(groups, X):
    """Return the speakers of the utterances as an array.

    Parameters
    ----------
    groups : array-like of shape (n_samples,)
    X : list
        The batch that they belong to.

    Returns
    -------
    groups : ndarray of shape (n_samples,)
        Or an error as of `check_labels`.
    """
    return check_labels(np.asarray(groups), X, "groups", need="a speaker")


def check_labels(y, X, name="y", *, need="a class"):
    """Return the classes of the utterances as an array.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        A column of a table, of shape (n_samples, 1), is taken with a warning.
    X : sequence of length n_samples
        What they are the classes of.
    name : str, default="y"
        Name of the parameter in the error messages.
    need : str, default="a class"
        What every utterance needs, in the error messages.

    Returns
    -------
    y : ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If the lengths differ or an entry is missing (None, NaN or pandas' NA).
    """
    y = column_or_1d(y, warn=True)
    check_consistent_length(X, y)
    missing = [
        i
        for i, value in enumerate(y.tolist())
        if value is None or is_scalar_nan(value) or is_pandas_na(value)
    ]
    if missing:
        raise ValueError(
            f"Input {name} contains NaN or None: every utterance needs {need}, but "
            f"{name}[{missing[0]}] is missing ({len(missing)} of {len(y)} are)."
        )
    return y


def check_weights(sample_weight, X, class_weight=None, y=None, classes=()):
    """Return how much each utterance counts, by itself and by its class.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), float or None
        None is 1 for all.
    X : sequence of length n_samples
    class_weight : dict, "balanced" or None, default=None
        A dict may leave out classes, which have 1, but not if it has others that are
        unknown: these may be misspelt.
    y : ndarray of shape (n_samples,) or (n_samples, n_classes), default=None
        Labels, or distributions over the classes: an utterance has the weight that is
        to be expected then. Not needed without `class_weight`.
    classes : ndarray of shape (n_classes,), default=()
        All labels that `y` may have.

    Returns
    -------
    weights : ndarray of float64 of shape (n_samples,)
        Finite and not negative, and not all of them are zero.

    Raises
    ------
    ValueError
        If there are no such weights.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array(["calm", "angry", "calm"])
    >>> classes = np.array(["angry", "calm"])
    >>> check_weights([1, 1, 2], y, {"angry": 3.0}, y, classes)
    array([1., 3., 2.])
    """
    if sample_weight is not None:
        sample_weight = _as_numbers(sample_weight, X)
    weights = check_sample_weight(
        sample_weight,
        X,
        dtype=np.float64,
        ensure_non_negative=True,
    )
    given = "sample_weight"
    if isinstance(class_weight, dict):
        given = "sample_weight times class_weight"
        weights = weights * _weigh_classes(class_weight, y, classes)
    elif class_weight is not None and y.ndim == 1:
        weights = weights * compute_sample_weight(class_weight, y)
    elif class_weight is not None:
        counts = y.sum(axis=0)
        present = counts > 0
        balanced = len(y) / (present.sum() * counts[present])
        weights = weights * (y[:, present] @ balanced)
    with np.errstate(over="ignore"):
        total = weights.sum()
    if not np.isfinite(total):
        raise ValueError(
            f"{given} adds up to more than a float can hold: divide it by its largest "
            "value, since only proportions count."
        )
    if total == 0:
        raise ValueError(f"{given} is zero for every sample.")
    return weights


def _as_numbers(sample_weight, X):
    """Return weights as floats; one for all is repeated, so that it is checked."""
    try:
        weights = np.asarray(sample_weight)
        if weights.dtype.kind == "c":
            raise TypeError("complex numbers have no order")
        weights = weights.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"sample_weight must be a number for each sample: {error}."
        ) from error
    return weights if weights.ndim else np.full(len(X), weights)


def _weigh_classes(class_weight, y, classes):
    """Return the weight of each utterance by a dict of its class."""
    for label, weight in class_weight.items():
        if not isinstance(weight, numbers.Real) or not 0 <= weight < math.inf:
            raise ValueError(
                f"class_weight[{label!r}] must be a finite number of 0 or more, got "
                f"{weight!r}."
            )
    labels = classes.tolist()
    unknown = [label for label in class_weight if label not in labels]
    unweighted = [label for label in labels if label not in class_weight]
    if unknown and unweighted:
        raise ValueError(
            f"class_weight has {unknown}, which is no class of y, and lacks "
            f"{unweighted}: its keys must be among {labels}."
        )
    weights = np.array([class_weight.get(label, 1.0) for label in labels], np.float64)
    return weights[np.searchsorted(classes, y)] if y.ndim == 1 else y @ weights


def iterate_blocks(sequences, block_size):
    """Yield all frames of a batch, in order, in blocks of bounded size.

    Short utterances are joined, so that the cost of a block does not depend on how
    the frames are spread over utterances; long ones are cut.

    Parameters
    ----------
    sequences : list of ndarray of shape (n_frames, ...)
    block_size : int
        Number of frames that a block has at most.

    Yields
    ------
    block : ndarray of shape (<= block_size, ...)
        Empty blocks are not yielded.
    """
    pending, n_pending = [], 0
    for sequence in sequences:
        for start in range(0, len(sequence), block_size):
            piece = sequence[start : start + block_size]
            if n_pending + len(piece) > block_size:
                yield np.concatenate(pending)
                pending, n_pending = [], 0
            pending.append(piece)
            n_pending += len(piece)
    if pending:
        yield np.concatenate(pending)


def pad_sequences(sequences, n_frames=None):
    """Stack utterances of unequal length, zeros behind the shorter ones.

    Parameters
    ----------
    sequences : list of ndarray of shape (n_frames, n_features)
    n_frames : int, default=None
        The length to pad to; None is the length of the longest.

    Returns
    -------
    padded : ndarray of float32 of shape (n_samples, n_frames, n_features)
    mask : ndarray of bool of shape (n_samples, n_frames)
        True where a frame is real.
    """
    lengths = np.array([len(sequence) for sequence in sequences])
    n_frames = n_frames or lengths.max()
    shape = (len(sequences), n_frames, sequences[0].shape[1])
    padded = np.zeros(shape, dtype=np.float32)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded, np.arange(n_frames) < lengths[:, np.newaxis]


def _list_lengths():
    """Return the lengths up to `MAX_LENGTH`, ascending."""
    lengths = [np.arange(LENGTH_STEP, LENGTH_STEP * N_STEPS, LENGTH_STEP)]
    power = LENGTH_STEP * N_STEPS
    while power < MAX_LENGTH:
        lengths.append(np.arange(power, 2 * power, power // N_STEPS))
        power *= 2
    return np.concatenate([*lengths, [MAX_LENGTH]])


LENGTHS = _list_lengths().astype(np.int32)


def round_length(n):
    """Return the length to which a sequence is padded, one of few.

    oneDNN keeps what it has prepared for each shape that it meets, up to a thousand of
    each kind: about half a megabyte a length, in prediction and in training.

    Parameters
    ----------
    n : int
        Number of frames, from 1 to 2 ** 30.

    Returns
    -------
    length : int
        More by at most 15, or a sixteenth.

    Examples
    --------
    >>> [round_length(n) for n in (1, 16, 17, 256, 257, 1000)]
    [16, 16, 32, 256, 272, 1024]
    """
    return int(LENGTHS[np.searchsorted(LENGTHS, n)])


class SequenceTransformerMixin(  # type: ignore[call-arg]
    TransformerMixin, auto_wrap_output_keys=None
):
    """A TransformerMixin whose ``set_output`` concerns tables only.

    scikit-learn would try to make a DataFrame of a list of arrays, too, and fail;
    with ``set_config(transform_output="pandas")`` in the midst of a Pipeline.
    """

    def __init_subclass__(cls, auto_wrap_output_keys=("transform",), **kwargs):
        plain = cls.transform
        super().__init_subclass__(auto_wrap_output_keys, **kwargs)
        wrapped = cls.transform

        @functools.wraps(plain)
        def transform(self, X, **params):
            return (wrapped if is_table(X) else plain)(self, X, **params)

        cls.transform = transform

    def fit_transform(self, X: Sequence | ArrayLike, y: object = None) -> Any:
        """Fit to `X`, then transform it.

        Parameters
        ----------
        X : list of array-like, or array-like
            As in `fit`.
        y : Ignored

        Returns
        -------
        X_new : list of ndarray, or ndarray
            As of `transform`.
        """
        return self.fit(X, y).transform(X)
