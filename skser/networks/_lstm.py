"""An LSTM whose loop over the frames is short: Keras' layer, faster on processors.

Keras' loop consists of TensorFlow's small operations, some thirty a frame in training,
and its gradients of the weights are summed frame by frame. Here the way forwards is one
operation for all frames, and the way back a loop of two; what does not depend on the
next frame, above all the gradients of the weights, is one product of large matrices.
"""

import keras
import tensorflow as tf
from keras import ops


class LSTM(keras.layers.LSTM):
    """Keras' LSTM with its defaults, giving its output at every frame.

    Weights, names and configuration are those of ``keras.layers.LSTM``, whose own loop
    runs on a graphics card, for which Keras has cuDNN, and in double precision. In
    mixed precision the loop on a processor is in single precision.

    Parameters
    ----------
    units : int
        Number of cells.
    **kwargs : dict
        Initialisers, seed and the like, passed to ``keras.layers.LSTM``.
    """

    def __init__(self, units, **kwargs):
        super().__init__(units, **{**kwargs, "return_sequences": True})
        # XLA does not know the operations of the loop.
        self.supports_jit = False

    def call(self, sequences, initial_state=None, mask=None, training=False):
        """Return the outputs, (batch, n_frames, units)."""
        is_plain = initial_state is None and mask is None
        is_double = self.compute_dtype == "float64"
        if not is_plain or is_double or tf.config.list_physical_devices("GPU"):
            return super().call(sequences, initial_state, mask, training)
        frames = tf.transpose(sequences, (1, 0, 2))
        cell = self.cell
        tensors = (frames, cell.kernel, cell.recurrent_kernel, cell.bias)
        outputs = _run(*(ops.cast(tensor, "float32") for tensor in tensors))
        return ops.cast(tf.transpose(outputs, (1, 0, 2)), self.compute_dtype)


@tf.custom_gradient
def _run(frames, kernel, recurrent_kernel, bias):
    """Return the outputs (n_frames, batch, units) and the function of gradients."""
    n_units = recurrent_kernel.shape[0]
    start = tf.zeros((tf.shape(frames)[1], n_units))
    no_peephole = tf.zeros(n_units)
    steps = tf.raw_ops.BlockLSTMV2(
        seq_len_max=tf.shape(frames, tf.int64)[0],
        x=frames,
        cs_prev=start,
        h_prev=start,
        w=tf.concat([kernel, recurrent_kernel], axis=0),
        wci=no_peephole,
        wcf=no_peephole,
        wco=no_peephole,
        b=bias,
        cell_clip=0.0,
    )

    def gradients(outputs_gradient):
        gates = _go_back(steps, outputs_gradient, recurrent_kernel)
        previous = tf.concat([start[tf.newaxis], steps.h[:-1]], axis=0)
        return (
            tf.tensordot(gates, kernel, [2, 1]),
            _sum_of_products(frames, gates),
            _sum_of_products(previous, gates),
            tf.reduce_sum(gates, axis=(0, 1)),
        )

    return steps.h, gradients


def _go_back(steps, outputs_gradient, recurrent_kernel):
    """Return the gradients of what enters the gates, (n_frames, batch, 4 * units)."""
    start = tf.zeros_like(steps.h[0])
    previous_cells = tf.concat([start[tf.newaxis], steps.cs[:-1]], axis=0)
    to_previous = tf.transpose(_swap_middle(recurrent_kernel))
    # What the operation asks for, but its gradients of the gates do not depend on.
    unused = {
        "x": start[:, :0],
        "h_prev": start,
        "w": recurrent_kernel,
        "b": recurrent_kernel[0],
        **dict.fromkeys(("wci", "wcf", "wco"), recurrent_kernel[:, 0]),
    }
    n_frames = tf.shape(steps.h)[0]

    def step(t, output_gradient, cell_gradient, gates):
        gradient = tf.raw_ops.LSTMBlockCellGrad(
            cs_prev=previous_cells[t],
            i=steps.i[t],
            cs=steps.cs[t],
            f=steps.f[t],
            o=steps.o[t],
            ci=steps.ci[t],
            co=steps.co[t],
            cs_grad=cell_gradient,
            h_grad=outputs_gradient[t] + output_gradient,
            use_peephole=False,
            **unused,
        )
        output_gradient = tf.matmul(gradient.dicfo, to_previous)
        gates = gates.write(t, gradient.dicfo)
        return t - 1, output_gradient, gradient.cs_prev_grad, gates

    gates = tf.TensorArray(
        tf.float32, n_frames, element_shape=(None, recurrent_kernel.shape[1])
    )
    *_, gates = tf.while_loop(
        lambda t, *_: t >= 0, step, (n_frames - 1, start, start, gates)
    )
    return _swap_middle(gates.stack())


def _sum_of_products(left, right):
    """Sum the outer products of the rows of (..., m) and (..., n) to (m, n)."""
    left, right = (tf.reshape(x, (-1, x.shape[-1])) for x in (left, right))
    return tf.matmul(left, right, transpose_a=True)


def _swap_middle(gates):
    """Exchange forget gate and input: the two operations order them differently."""
    first, second, third, fourth = tf.split(gates, 4, axis=-1)
    return tf.concat([first, third, second, fourth], axis=-1)
