"""What one may ask every classifier whose network pools by attention."""

from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skser._sequences import validate_sequences
from skser.classifiers._training import map_batches


def _attends(classifier):
    """Tell whether the classifier's network pools by attention, or say why not."""
    reason = classifier._why_no_attention()
    if reason is not None:
        raise AttributeError(f"attention_weights needs {reason}.")
    return True


class AttentionMixin:
    """Add `attention_weights` to a subclass of ``BaseNetworkClassifier``."""

    def _why_no_attention(self):
        """Return what would have to be otherwise, or None if there is attention."""
        return None

    def _frames_per_step(self):
        """Return by how many frames a step begins behind the one before it.

        None if the steps are no moments, but features or a whole utterance.
        """
        return 1

    def _n_steps(self, n_frames):
        """Return the number of weights of an utterance; None are all there are."""
        frames_per_step = self._frames_per_step()
        return None if frames_per_step is None else -(-n_frames // frames_per_step)

    @available_if(_attends)
    def attention_weights(self, X):
        """Return how much each step of each utterance counts.

        Only where the network pools by attention.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like
            The utterances, as in `fit`.

        Returns
        -------
        weights : list of ndarray of shape (n_steps,)
            Non-negative, with a sum of 1. A step is a frame, unless the class says
            otherwise.
        """
        check_is_fitted(self, "weights_")
        sequences = self._cut(validate_sequences(self, X, reset=False))
        with self._lend_fitted_network() as network:
            rows = map_batches(network.attention, sequences, self._padded_length())
        lengths = [self._n_steps(len(sequence)) for sequence in sequences]
        return [row[:length] for row, length in zip(rows, lengths, strict=True)]
