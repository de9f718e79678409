"""The paper's classifier: its parameters, and what one may ask a fitted one."""

import numbers

from skser._compat import Interval, StrOptions
from skser.classifiers._attention import AttentionMixin
from skser.classifiers._network import (
    BaseNetworkClassifier,
    with_training_parameters,
)


class AttentionBLSTMFCNClassifier(AttentionMixin, BaseNetworkClassifier):
    r"""The Attention-BLSTM-FCN of Zhao et al. [1]_.

    An utterance is a sequence of feature vectors :math:`x_1, \ldots, x_T`. One branch
    runs a bidirectional LSTM over it and averages its outputs :math:`h_t` with weights
    that the network learns,

    .. math:: a_t = \frac{\exp(w^\top h_t)}{\sum_u \exp(w^\top h_u)}, \qquad
              z = \sum_t a_t h_t,

    so that emotionally salient frames count more. The other runs blocks of temporal
    convolution, batch normalisation and rectifier over it and averages over time. A
    dense layer and a softmax turn both vectors into the posterior of each emotion.
    The ablations of the paper's Tables 2 and 3 are parameters.

    Utterances may have any length. Posteriors depend neither on the padding nor on
    the other utterances of a batch. `attention_weights` gives one weight per frame for
    ``view="frames"``, per feature for ``view="variables"``.

    Parameters
    ----------
    recurrent : {"blstm", "lstm", None}, default="blstm"
        The recurrent branch: both directions, forwards only, or no such branch.
    convolutional : bool, default=True
        Whether there is a convolutional branch.
    pooling : {"attention", "mean", "max", "last"}, default="attention"
        How the recurrent branch's outputs become one vector (Table 3). "last", the last
        output alone as in LSTM-FCN, needs ``recurrent="lstm"``.
    view : {"frames", "variables", "flat"}, default="frames"
        What the recurrent branch takes for a step: a frame; a feature with all its
        values over time; or, with nothing left to attend to, the whole utterance. These
        are readings of the paper's "dimension shuffle", see
        :func:`skser.networks.attention_blstm_fcn`.
    recurrent_units : int, default=64
        Number of LSTM cells in each direction.
    filters : sequence of int, default=(128, 64)
        Number of filters of each convolution block.
    kernel_sizes : sequence of int, default=(8, 5)
        Width of each block's filters in frames. Not stated in the paper; from [2]_.
    squeeze_excite : bool, default=False
        Whether the filters of every block but the last are weighed by what they find in
        the whole utterance, as in MLSTM-FCN. Not in the paper.
    hidden_units : sequence of int, default=(128,)
        Sizes of the dense layers behind both branches. Not stated in the paper.
    dropout : float, default=0.5
        Share of the pooled recurrent outputs that is dropped in training.
    max_frames : int, default=None
        Longer utterances are cut at this many frames. None keeps them whole; with
        the views "variables" and "flat", which need one length, it cuts at (and
        pads to) the longest training utterance.
    optimizer : {"adam", "sgd"}, default="adam"
        Adam, or stochastic gradient descent with Nesterov's momentum of 0.9. The paper
        says "SGD with an adaptive learning rate", which Adam is a form of.
    learning_rate : float, default=1e-3
        Learning rate of the first epoch.
    learning_rate_schedule : {"plateau", "cosine", "constant"}, default="plateau"
        "plateau" halves the rate when the loss (on the validation utterances, if there
        are any) has not fallen for five epochs; "cosine" lets it fall to 0 over
        `max_epochs`.
    batch_size : int, default=50
        Number of utterances of a batch, as in the paper.
    max_epochs : int, default=30
        Number of times that each utterance is seen; fewer with early stopping.
    early_stopping : bool or "auto", default="auto"
        Whether to hold out a part of the training utterances, stop when the UA on them
        no longer rises (nor, at the highest UA, the loss falls), and keep the weights
        of the best epoch. "auto" does so if
        `fit` is given the `groups` of at least two speakers, True always, False never.
        With `groups` whole speakers are held out; without, utterances are, with a
        warning that they may share speakers. `X_val` and `y_val` in `fit` take the
        place of any such part.
    validation_fraction : float, default=0.1
        Share of the speakers (at least one) or of the utterances that is held out.
    n_iter_no_change : int, default=10
        Number of epochs without such an improvement after which training stops.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss. "balanced" makes all classes count alike.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the last `fit`, with a new optimizer,
        rather than from new ones. Classes and number of features must be the same.
    checkpoint : str or os.PathLike, default=None
        Folder in which `fit` keeps its state after each epoch, so that the same call,
        after an interruption or a kill, goes on with the next epoch and ends with the
        same weights, to the last bit. A file is only found again by the same
        utterances, labels, weights, parameters and versions of packages, and is removed
        when `fit` has finished. It needs a `random_state`. The folder is made with
        access for its owner only. None keeps nothing.
    random_state : int, RandomState instance or None, default=None
        Determines the initial weights, the dropout, the order of the utterances and
        the choice of those held out. Pass an int for repeatable results.
    verbose : int, default=0
        1 shows a progress bar, 2 prints a line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of features of a frame.
    feature_names_in_ : ndarray of str
        Only if `X` in `fit` was a DataFrame.
    weights_ : list of ndarray
        The weights of the network, in its order.
    history_ : dict of list of float
        Per epoch: "learning_rate", "loss" and, if something was held out, "val_loss"
        and "val_UA".
    n_iter_ : int
        Number of epochs that were run.
    best_epoch_ : int
        The epoch, counted from 0, whose weights were kept.
    n_frames_ : int or None
        Number of frames at which utterances are cut.

    See Also
    --------
    skser.systems.attention_blstm_fcn : The whole system, from recordings to labels.
    NetworkClassifier : The same training for a network of your own.

    References
    ----------
    .. [1] Z. Zhao, Y. Zheng, Z. Zhang, H. Wang, Y. Zhao and C. Li, "Exploring
       spatio-temporal representations by integrating attention-based bidirectional-
       LSTM-RNNs and FCNs for speech emotion recognition", Interspeech 2018.
    .. [2] Z. Wang, W. Yan and T. Oates, "Time series classification from scratch with
       deep neural networks: A strong baseline", IJCNN 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from skser import AttentionBLSTMFCNClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(i % 2, 1, (10 + i, 3)) for i in range(20)]
    >>> y = ["calm", "angry"] * 10
    >>> classifier = AttentionBLSTMFCNClassifier(
    ...     recurrent_units=4, filters=(8,), kernel_sizes=(3,), random_state=0)
    >>> classifier.fit(X, y).predict(X[:2])
    array(['calm', 'angry'], dtype='<U5')
    >>> [weights.shape for weights in classifier.attention_weights(X[:2])]
    [(10,), (11,)]
    """

    _parameter_constraints = {
        **BaseNetworkClassifier._parameter_constraints,
        "recurrent": [StrOptions({"blstm", "lstm"}), None],
        "convolutional": ["boolean"],
        "pooling": [StrOptions({"attention", "mean", "max", "last"})],
        "view": [StrOptions({"frames", "variables", "flat"})],
        "recurrent_units": [Interval(numbers.Integral, 1, None, closed="left")],
        "filters": ["array-like"],
        "kernel_sizes": ["array-like"],
        "squeeze_excite": ["boolean"],
        "hidden_units": ["array-like"],
        "dropout": [Interval(numbers.Real, 0, 1, closed="left")],
    }

    @with_training_parameters
    def __init__(
        self,
        *,
        recurrent="blstm",
        convolutional=True,
        pooling="attention",
        view="frames",
        recurrent_units=64,
        filters=(128, 64),
        kernel_sizes=(8, 5),
        squeeze_excite=False,
        hidden_units=(128,),
        dropout=0.5,
    ):
        self.recurrent = recurrent
        self.convolutional = convolutional
        self.pooling = pooling
        self.view = view
        self.recurrent_units = recurrent_units
        self.filters = filters
        self.kernel_sizes = kernel_sizes
        self.squeeze_excite = squeeze_excite
        self.hidden_units = hidden_units
        self.dropout = dropout

    def _architecture(self):
        from skser.networks import attention_blstm_fcn

        return attention_blstm_fcn, {
            "recurrent": self.recurrent,
            "convolutional": self.convolutional,
            "pooling": self.pooling,
            "view": self.view,
            "recurrent_units": self.recurrent_units,
            "filters": tuple(self.filters),
            "kernel_sizes": tuple(self.kernel_sizes),
            "squeeze_excite": self.squeeze_excite,
            "hidden_units": tuple(self.hidden_units),
            "dropout": self.dropout,
        }

    def _has_fixed_length(self):
        return self.view != "frames"

    def _why_no_attention(self):
        if self.recurrent is not None and self.pooling == "attention":
            return None
        return (
            "a recurrent branch that is pooled by attention, but "
            f"recurrent={self.recurrent!r} and pooling={self.pooling!r}"
        )

    def _frames_per_step(self):
        # The other views attend to all features, or to the one and only step.
        return 1 if self.view == "frames" else None
