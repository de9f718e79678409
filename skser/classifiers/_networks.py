"""Network classifiers: Attention-BLSTM-FCN and its rivals, and networks of your own."""

import numbers
import os
from collections.abc import Callable, Sequence

import numpy as np

from skser._base import set_parameters
from skser._compat import Interval, StrOptions
from skser.classifiers._builders import AttentionBLSTMFCNMixin, OwnNetworkMixin
from skser.classifiers._classifier import BaseNetworkClassifier


class AttentionBLSTMFCNClassifier(AttentionBLSTMFCNMixin, BaseNetworkClassifier):
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
        Weights of the classes in the loss, finite and not negative; a class that a dict
        leaves out has 1. "balanced" makes all classes count alike.
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
    n_ratings_ : int
        Number of ratings that were learnt beside the emotions.

    See Also
    --------
    skser.systems.attention_blstm_fcn : The whole system, from recordings to labels.
    skser.AttentionBLSTMFCNRegressor : The same network for arousal and valence.
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
        **AttentionBLSTMFCNMixin.network_constraints,
    }

    def __init__(
        self,
        *,
        recurrent: str | None = "blstm",
        convolutional: bool = True,
        pooling: str = "attention",
        view: str = "frames",
        recurrent_units: int = 64,
        filters: Sequence[int] = (128, 64),
        kernel_sizes: Sequence[int] = (8, 5),
        squeeze_excite: bool = False,
        hidden_units: Sequence[int] = (128,),
        dropout: float = 0.5,
        max_frames: int | None = None,
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        learning_rate_schedule: str = "plateau",
        batch_size: int = 50,
        max_epochs: int = 30,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        class_weight: dict | str | None = None,
        warm_start: bool = False,
        checkpoint: str | os.PathLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        set_parameters(self, locals())


class AttentionBLSTMClassifier(BaseNetworkClassifier):
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

    builder = "attention_blstm"

    _parameter_constraints = {
        **BaseNetworkClassifier._parameter_constraints,
        "frame_units": ["array-like"],
        "recurrent_units": ["array-like"],
        "attention": [StrOptions({"additive", "linear", "uniform"})],
        "dropout": [Interval(numbers.Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        *,
        frame_units: Sequence[int] = (),
        recurrent_units: Sequence[int] = (128, 128),
        attention: str = "additive",
        dropout: float = 0.5,
        max_frames: int | None = None,
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        learning_rate_schedule: str = "plateau",
        batch_size: int = 50,
        max_epochs: int = 30,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        class_weight: dict | str | None = None,
        warm_start: bool = False,
        checkpoint: str | os.PathLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        set_parameters(self, locals())

    def _why_no_attention(self):
        is_uniform = self.attention == "uniform"
        return "attention that is not 'uniform'" if is_uniform else None


class AttentiveCNNClassifier(BaseNetworkClassifier):
    """The Attentive CNN of Neumann and Vu [1]_, with or without ratings.

    One layer of convolution over time, maxima over groups of frames, and their average
    by attention. With ratings of activation and valence in `fit` it is the source's
    multi-view learning.

    Parameters
    ----------
    n_filters : int, default=200
        Number of filters, each of which spans all features.
    kernel_size : int, default=10
        Width of the filters in frames.
    pool_size : int, default=30
        Number of frames of which the maximum is kept.
    pool_stride : int, default=None
        Number of frames from one maximum to the next; None is `pool_size`.
    dropout : float, default=0.5
        Share of the pooled vector that is dropped in training.
    max_frames, optimizer, learning_rate, learning_rate_schedule, batch_size, \
            max_epochs, early_stopping, validation_fraction, n_iter_no_change, \
            class_weight, warm_start, checkpoint, random_state, verbose
        As in :class:`AttentionBLSTMFCNClassifier`, with its fitted attributes.

    See Also
    --------
    skser.networks.attentive_cnn : The network.
    skser.systems.attentive_cnn : The whole system, from recordings to labels.

    References
    ----------
    .. [1] M. Neumann and N. T. Vu, "Attentive convolutional neural network based speech
       emotion recognition: A study on the impact of input features, signal length, and
       acted speech", Interspeech 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.classifiers import AttentiveCNNClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(i % 2, 1, (40 + i, 3)) for i in range(20)]
    >>> y = ["calm", "angry"] * 10
    >>> activation = [[1.5], [4.5]] * 10
    >>> classifier = AttentiveCNNClassifier(
    ...     n_filters=8, learning_rate=0.01, random_state=0)
    >>> classifier.fit(X, y, ratings=activation).predict(X[:2])
    array(['calm', 'angry'], dtype='<U5')
    >>> [weights.shape for weights in classifier.attention_weights(X[:2])]
    [(2,), (2,)]
    """

    builder = "attentive_cnn"

    _parameter_constraints = {
        **BaseNetworkClassifier._parameter_constraints,
        "n_filters": [Interval(numbers.Integral, 1, None, closed="left")],
        "kernel_size": [Interval(numbers.Integral, 1, None, closed="left")],
        "pool_size": [Interval(numbers.Integral, 1, None, closed="left")],
        "pool_stride": [Interval(numbers.Integral, 1, None, closed="left"), None],
        "dropout": [Interval(numbers.Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        *,
        n_filters: int = 200,
        kernel_size: int = 10,
        pool_size: int = 30,
        pool_stride: int | None = None,
        dropout: float = 0.5,
        max_frames: int | None = None,
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        learning_rate_schedule: str = "plateau",
        batch_size: int = 50,
        max_epochs: int = 30,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        class_weight: dict | str | None = None,
        warm_start: bool = False,
        checkpoint: str | os.PathLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        set_parameters(self, locals())

    def _why_no_attention(self):
        return None

    def _frames_per_step(self):
        return self.pool_stride or self.pool_size


class NetworkClassifier(OwnNetworkMixin, BaseNetworkClassifier):
    """Train any network of your own as a scikit-learn classifier.

    Parameters
    ----------
    network : callable
        ``network(n_features, n_classes, *, seed, **network_params)`` returns a
        ``keras.Model``; see Notes. For pickling, define it in a module.
    network_params : dict, default=None
        Further arguments of `network`.
    max_frames : int, default=None
        Longer utterances are cut at this many frames; None keeps them whole.
    optimizer, learning_rate, learning_rate_schedule, batch_size, max_epochs, \
            early_stopping, validation_fraction, n_iter_no_change, class_weight, \
            warm_start, checkpoint, random_state, verbose
        As in :class:`AttentionBLSTMFCNClassifier`, with its fitted attributes.

    See Also
    --------
    AttentionBLSTMFCNClassifier : The network of the paper.
    skser.NetworkRegressor : The same for targets that are numbers.
    skser.networks : Layers that know the mask.

    Notes
    -----
    What `fit` expects of the network, and checks on a batch of noise before it trains:

    - Inputs: ``[frames, mask]`` of shapes (batch, n_frames, n_features) and (batch,
      n_frames), where the mask is True for real frames and False for the zeros behind
      an utterance that is shorter than others of its batch. Or frames alone: then only
      utterances of one length share a batch, and there is no padding. Choose a small
      `batch_size` if lengths differ much, or use a mask.
    - Output: one *score* (logit) for each class, (batch, n_classes). No softmax. If
      `network` takes the argument ``n_ratings``, `fit` takes ratings: with any, the
      outputs are a list of the scores of the classes and, for each rating, of three
      scores (batch, 3), of low, medium and high.
    - Padding: with a mask, scores do not change when padding is added.
    - Seeds: all layers that draw random numbers take theirs from `seed`
      (:func:`skser.networks.seed_stream`), or fits cannot be repeated.
    - Attention: optionally, a layer with the name "attention" that gives an average and
      the weights of the frames, (batch, n_frames), as
      :class:`skser.networks.AttentionPooling` does. Then there is `attention_weights`.

    What `network` reads beside its arguments, such as global variables, is read again
    in every `fit`. A fitted classifier predicts with the network that it was fitted
    with.

    Examples
    --------
    >>> import keras, numpy as np
    >>> from skser import NetworkClassifier
    >>> def average_then_dense(n_features, n_classes, *, seed, n_units=8):
    ...     frames = keras.Input((None, n_features))
    ...     mask = keras.Input((None,), dtype="bool")
    ...     average = keras.layers.GlobalAveragePooling1D()(frames, mask=mask)
    ...     start = keras.initializers.GlorotUniform(seed)
    ...     scores = keras.layers.Dense(n_classes, kernel_initializer=start)(average)
    ...     return keras.Model([frames, mask], scores)
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(i % 2, 1, (20, 3)) for i in range(40)]
    >>> y = np.arange(40) % 2
    >>> classifier = NetworkClassifier(
    ...     average_then_dense, learning_rate=0.1, random_state=0)
    >>> float(classifier.fit(X, y).score(X, y))
    1.0
    """

    _parameter_constraints = {
        **BaseNetworkClassifier._parameter_constraints,
        **OwnNetworkMixin.network_constraints,
    }

    def __init__(
        self,
        network: Callable,
        *,
        network_params: dict | None = None,
        max_frames: int | None = None,
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        learning_rate_schedule: str = "plateau",
        batch_size: int = 50,
        max_epochs: int = 30,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        class_weight: dict | str | None = None,
        warm_start: bool = False,
        checkpoint: str | os.PathLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        set_parameters(self, locals())
