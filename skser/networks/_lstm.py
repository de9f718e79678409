"""LSTM layer with a short loop over the frames: Keras' LSTM, faster on processors.

Keras' loop consists of TensorFlow's small operations, some thirty a frame in training,
and its gradients of the weights are summed frame by frame. Here the way forwards is one
operation for many frames, and the way back a loop of two; what does not depend on the
next frame, above all the gradients of the weights, is one product of large matrices.
Padding takes hardly any time: the longest utterances of a batch come first, and the
shorter ones are left out of the loop, some at a time, when they are over.
"""

from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import ops

from skser._compat import custom_gradient

# Shares of the utterances of a batch that the loop goes on with, a stretch of frames
# each. A stretch ends with the longest utterance that the next one does without. Of
# batches in random order 15 (EmoDB) to 25 % (IEMOCAP) of the work is padding then.
SHARES = (1.0, 0.7, 0.4, 0.2, 0.08)


@custom_gradient
def permute(sequence, positions):
    """Take frames in the order of positions that are their own inverse.

    ``tf.reverse_sequence`` takes three times as long, and five for many features.
    """

    def reorder(frames):
        return tf.gather(frames, positions, batch_dims=1)

    return reorder(sequence), lambda gradient: (reorder(gradient), None)


@keras.saving.register_keras_serializable(package="skser")
class ReverseFrames(keras.layers.Layer):
    """Turn the real frames of each utterance round and leave the padding behind them.

    A forward recurrent layer over the reversed frames is the backward direction, and
    it meets the padding last, where it can do no harm. This replaces a mask inside
    the recurrent loop, which would cost a selection at every step.
    """

    def call(self, sequence: Any, frames_mask: Any) -> Any:
        """Reverse (batch, n_frames, n) along the frames, by each one's length."""
        lengths = tf.reduce_sum(tf.cast(frames_mask, tf.int32), axis=1, keepdims=True)
        positions = tf.range(tf.shape(sequence)[1])
        turned = tf.where(positions < lengths, lengths - 1 - positions, positions)
        return permute(sequence, turned)

    def compute_output_shape(self, sequence_shape: Any) -> Any:
        """Return the shape of the input, which stays the same."""
        return sequence_shape


@keras.saving.register_keras_serializable(package="skser")
class LSTM(keras.layers.LSTM):
    """Keras' LSTM with its defaults, giving its output at every frame.

    Weights and their names are those of ``keras.layers.LSTM``, whose own loop runs on a
    graphics card, for which Keras has cuDNN, and in double precision. In mixed
    precision the loop on a processor is in single precision.

    Parameters
    ----------
    units : int
        Number of cells.
    backwards : bool, default=False
        Whether each utterance is read from its last frame to its first. The outputs are
        in the order of the frames all the same.
    **kwargs : dict
        Initialisers, seed and the like, passed to ``keras.layers.LSTM``.
    """

    def __init__(self, units: int, backwards: bool = False, **kwargs: Any):
        super().__init__(units, **{**kwargs, "return_sequences": True})
        self.backwards = backwards
        # XLA does not know the operations of the loop.
        self.supports_jit = False

    def build(self, sequences_shape: Any) -> None:
        """Create the weights; Keras' own method has an argument that `call` has not."""
        super().build(sequences_shape)

    def call(self, sequences: Any, frames_mask: Any, training: Any = False) -> Any:
        """Return the outputs, (batch, n_frames, units), finite on the padding."""
        is_double = self.compute_dtype == "float64"
        if is_double or tf.config.list_physical_devices("GPU"):
            return self._call_keras(sequences, frames_mask, training)
        cell = self.cell
        tensors = (sequences, cell.kernel, cell.recurrent_kernel, cell.bias)
        frames, kernel, recurrent_kernel, bias = (
            ops.cast(tensor, "float32") for tensor in tensors
        )
        layout = _lay_out(frames_mask, self.backwards)
        outputs = _run(frames, kernel, recurrent_kernel, bias, layout)
        return ops.cast(outputs, self.compute_dtype)

    def _call_keras(self, sequences, frames_mask, training):
        """Let Keras' own loop read the frames, padding last."""
        reverse = ReverseFrames() if self.backwards else lambda frames, mask: frames
        frames = reverse(sequences, frames_mask)
        return reverse(super().call(frames, training=training), frames_mask)

    def compute_output_shape(self, sequences_shape: Any) -> Any:
        """Return the shape of the outputs."""
        return (*sequences_shape[:2], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` needs to make an equal layer."""
        return {**super().get_config(), "backwards": self.backwards}


class _Layout(NamedTuple):
    """Where the frames of a padded batch are when they are read step by step.

    The steps are divided into stretches of equally many utterances, and are the rows of
    one matrix: those of the first step, the longest utterance first, and so on.
    """

    # A padded frame counts as its utterance's nearest real one.
    rows_of_frames: tf.Tensor  # (batch, n_frames)
    frames_of_rows: tf.Tensor  # (n_rows,), as indices into (batch * n_frames)
    is_real_frame: tf.Tensor  # (batch, n_frames, 1)
    is_real_row: tf.Tensor  # (n_rows, 1)
    # Of each stretch.
    starts: list
    n_steps: list
    n_utterances: list
    n_rows: tf.Tensor


def _lay_out(mask, backwards):
    """Find out which frame is read when, from the last real ones on if backwards."""
    mask = tf.convert_to_tensor(mask)
    n_frames = tf.shape(mask)[1]
    lengths = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)
    order = tf.argsort(lengths, direction="DESCENDING", stable=True)
    descending = tf.gather(lengths, order)
    n_in_batch = tf.cast(tf.size(lengths), tf.float32)
    n_utterances = tf.cast(tf.math.ceil(tf.constant(SHARES) * n_in_batch), tf.int32)
    # In a batch of one, nobody is left out, and all stretches but the last are empty.
    next_length = tf.concat([descending, [0]], axis=0)
    longest_left_out = tf.concat([n_utterances[1:], [0]], axis=0)
    ends = tf.gather(next_length, longest_left_out)
    starts = tf.concat([[0], ends[:-1]], axis=0)
    n_steps = ends - starts
    n_rows = n_steps * n_utterances
    first_row = tf.cumsum(n_rows, exclusive=True)

    row = tf.range(tf.reduce_sum(n_rows))
    stretch = tf.searchsorted(first_row + n_rows, row, side="right")
    row -= tf.gather(first_row, stretch)
    n_beside = tf.gather(n_utterances, stretch)
    step = tf.gather(starts, stretch) + row // n_beside
    rank = row % n_beside
    length = tf.gather(descending, rank)
    frame = (
        tf.maximum(length - 1 - step, 0) if backwards else tf.minimum(step, length - 1)
    )
    frames_of_rows = tf.gather(order, rank) * n_frames + frame

    lengths = lengths[:, tf.newaxis]
    step_of_frame = tf.minimum(tf.range(n_frames), lengths - 1)
    if backwards:
        step_of_frame = lengths - 1 - step_of_frame
    is_over = step_of_frame[:, :, tf.newaxis] >= ends[:-1]
    stretch = tf.reduce_sum(tf.cast(is_over, tf.int32), axis=-1)
    rows_of_frames = (
        tf.gather(first_row, stretch)
        + (step_of_frame - tf.gather(starts, stretch))
        * tf.gather(n_utterances, stretch)
        + tf.math.invert_permutation(order)[:, tf.newaxis]
    )
    return _Layout(
        rows_of_frames,
        frames_of_rows,
        tf.cast(mask, tf.float32)[:, :, tf.newaxis],
        tf.cast(step < length, tf.float32)[:, tf.newaxis],
        *map(tf.unstack, (starts, n_steps, n_utterances)),
        n_rows,
    )


def _run(frames, kernel, recurrent_kernel, bias, layout):
    """Return the outputs, (batch, n_frames, n_units)."""

    @custom_gradient
    def run(frames, kernel, recurrent_kernel, bias):
        n_features, n_units = kernel.shape[0], recurrent_kernel.shape[0]
        rows = tf.gather(tf.reshape(frames, (-1, n_features)), layout.frames_of_rows)
        stretches = _go_forth(rows, kernel, recurrent_kernel, bias, layout)
        outputs = [tf.reshape(part.steps.h, (-1, n_units)) for part in stretches]

        def gradients(gradient):
            gradient = tf.reshape(gradient, (-1, n_units))
            gradient = tf.gather(gradient, layout.frames_of_rows)
            gradient *= layout.is_real_row
            gates = _go_back(stretches, gradient, recurrent_kernel, layout)
            previous = tf.concat(
                [tf.reshape(part.outputs[:-1], (-1, n_units)) for part in stretches],
                axis=0,
            )
            of_frames = tf.matmul(gates, _swap_middle(kernel), transpose_b=True)
            # As a product of matrices the sum takes a third of the time.
            one = tf.ones((1, tf.shape(gates)[0]))
            return (
                tf.gather(of_frames, layout.rows_of_frames) * layout.is_real_frame,
                _swap_middle(tf.matmul(rows, gates, transpose_a=True)),
                _swap_middle(tf.matmul(previous, gates, transpose_a=True)),
                _swap_middle(tf.matmul(one, gates)[0]),
            )

        outputs = tf.concat(outputs, axis=0)
        return tf.gather(outputs, layout.rows_of_frames), gradients

    return run(frames, kernel, recurrent_kernel, bias)


class _Stretch(NamedTuple):
    """What has happened in a stretch: arrays of (n_steps, n_utterances, n_units)."""

    steps: NamedTuple  # of BlockLSTMV2
    # With those before the stretch in front.
    outputs: tf.Tensor
    cells: tf.Tensor


def _go_forth(rows, kernel, recurrent_kernel, bias, layout):
    """Run the stretches one after the other, each from the states of the one before."""
    n_units = recurrent_kernel.shape[0]
    weights = tf.concat([kernel, recurrent_kernel], axis=0)
    no_peephole = tf.zeros(n_units)
    output = cell = tf.zeros((layout.n_utterances[0], n_units))
    parts = tf.split(rows, layout.n_rows, num=len(SHARES))
    stretches = []
    for part, n_steps, n_utterances in zip(
        parts, layout.n_steps, layout.n_utterances, strict=True
    ):
        frames = tf.reshape(part, (-1, n_utterances, kernel.shape[0]))
        output, cell = output[:n_utterances], cell[:n_utterances]
        steps = tf.raw_ops.BlockLSTMV2(
            seq_len_max=tf.cast(n_steps, tf.int64),
            x=frames,
            cs_prev=cell,
            h_prev=output,
            w=weights,
            wci=no_peephole,
            wcf=no_peephole,
            wco=no_peephole,
            b=bias,
            cell_clip=0.0,
        )
        outputs = tf.concat([tf.expand_dims(output, 0), steps.h], axis=0)
        cells = tf.concat([tf.expand_dims(cell, 0), steps.cs], axis=0)
        output, cell = tf.gather(outputs, n_steps), tf.gather(cells, n_steps)
        stretches.append(_Stretch(steps, outputs, cells))
    return stretches


def _go_back(stretches, gradient, recurrent_kernel, layout):
    """Return the gradients of what enters the gates, (n_rows, 4 * n_units).

    The second and the third of the four gates have changed places.
    """
    n_units, n_gates = recurrent_kernel.shape
    to_previous = tf.transpose(_swap_middle(recurrent_kernel))
    gates = tf.TensorArray(
        tf.float32,
        layout.starts[-1] + layout.n_steps[-1],
        element_shape=(None, n_gates),
        infer_shape=False,
    )
    # What the operation asks for, but its gradients of the gates do not depend on.
    unused = {
        "w": tf.zeros((n_units, n_gates)),
        "b": tf.zeros(n_gates),
        **dict.fromkeys(("wci", "wcf", "wco"), tf.zeros(n_units)),
    }
    parts = tf.split(gradient, layout.n_rows, num=len(SHARES))
    # Of the last frames, which have no successor.
    carried = (tf.zeros_like(tf.gather(stretches[-1].outputs, 0)),) * 2
    for i in reversed(range(len(SHARES))):
        of_outputs = tf.reshape(parts[i], tf.shape(stretches[i].steps.h))
        *carried, gates = _go_back_a_stretch(
            stretches[i],
            of_outputs,
            carried,
            gates,
            layout.starts[i],
            layout.n_steps[i],
            to_previous,
            unused,
        )
        if i > 0:
            # Utterances that ended here enter, from the end of their own.
            n_more = layout.n_utterances[i - 1] - layout.n_utterances[i]
            paddings = tf.convert_to_tensor([(0, n_more), (0, 0)])
            carried = [tf.pad(x, paddings) for x in carried]
    return gates.concat()


def _go_back_a_stretch(
    stretch, of_outputs, carried, gates, start, n_steps, to_previous, unused
):
    """Write the gradients of a stretch's gates, and return what enters its states."""
    steps = stretch.steps
    # Not depended on either, but they have the right shapes.
    unused = {**unused, "x": carried[0][:, :0], "h_prev": carried[0]}

    def step(t, output_gradient, cell_gradient, gates):
        gradient = tf.raw_ops.LSTMBlockCellGrad(
            cs_prev=tf.gather(stretch.cells, t),
            i=tf.gather(steps.i, t),
            cs=tf.gather(steps.cs, t),
            f=tf.gather(steps.f, t),
            o=tf.gather(steps.o, t),
            ci=tf.gather(steps.ci, t),
            co=tf.gather(steps.co, t),
            cs_grad=cell_gradient,
            h_grad=tf.gather(of_outputs, t) + output_gradient,
            use_peephole=False,
            **unused,
        )
        output_gradient = tf.matmul(gradient.dicfo, to_previous)
        gates = gates.write(start + t, gradient.dicfo)
        return t - 1, output_gradient, gradient.cs_prev_grad, gates

    _, *carried, gates = tf.while_loop(
        lambda t, *_: t >= 0, step, (n_steps - 1, *carried, gates)
    )
    return *carried, gates


def _swap_middle(gates):
    """Exchange forget gate and input, which the way back has in the other order."""
    first, second, third, fourth = tf.split(gates, 4, axis=-1)
    return tf.concat([first, third, second, fourth], axis=-1)
