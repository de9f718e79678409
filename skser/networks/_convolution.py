"""A convolution over one long sequence: Keras' layer, faster on processors.

`~skser.networks._layers.PackFrames` makes one sequence of a batch, and oneDNN divides
the gradient of a filter's weights by sequences: with one of them it takes up to twice
as long as the same sums written as products of matrices.
"""

import keras
import tensorflow as tf


class PackedConvolution(keras.layers.Conv1D):
    """Keras' convolution over the frames with zero padding, for a batch of one.

    Weights and their names are those of ``keras.layers.Conv1D``, which does the work
    on a graphics card, and in other than single precision.

    Parameters
    ----------
    filters : int
        Number of filters.
    kernel_size : int
        Their width in frames.
    **kwargs : dict
        Initialisers, activation and the like, passed to ``keras.layers.Conv1D``.
    """

    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(filters, kernel_size, **{**kwargs, "padding": "same"})

    def call(self, frames):
        """Return the filters' outputs, (1, n_frames, filters)."""
        is_single = self.compute_dtype == "float32"
        if not is_single or tf.config.list_physical_devices("GPU"):
            return super().call(frames)
        outputs = _convolve(frames, tf.convert_to_tensor(self.kernel))
        return self.activation(outputs + self.bias)


@tf.custom_gradient
def _convolve(frames, kernel):
    """Return the filters' outputs and the function of gradients."""

    def gradients(of_outputs):
        of_frames = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(frames[:, tf.newaxis]),
            filter=kernel[tf.newaxis],
            out_backprop=of_outputs[:, tf.newaxis],
            strides=[1, 1, 1, 1],
            padding="SAME",
        )
        # Each place of the filters has seen all frames, shifted by one more.
        size, n_frames = kernel.shape[0], tf.shape(frames)[1]
        padded = tf.pad(frames[0], [((size - 1) // 2, size // 2), (0, 0)])
        of_kernel = [
            tf.matmul(padded[i : i + n_frames], of_outputs[0], transpose_a=True)
            for i in range(size)
        ]
        return of_frames[:, 0], tf.stack(of_kernel)

    return tf.nn.conv1d(frames, kernel, stride=1, padding="SAME"), gradients
