"""The table of all systems: what each is, what is known of it, and what is ours.

A system is a row: a name, texts, and a function of ``_steps.py`` that returns its
steps. All else (its function, documentation, tests, command line, pages) follows.
The figures that the paper prints are in ``published.csv``.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import partial
from importlib import resources
from typing import Any, NamedTuple

from skser.systems import _steps

TASKS = ("classification", "regression")


class Row(NamedTuple):
    """A system, in reStructuredText: what its function and the documentation say."""

    name: str
    summary: str  # one line
    steps: Callable[[_steps.Arguments], list]  # without the one that loads recordings
    example: str  # of a doctest; the function is imported already
    about: str = ""  # how it works
    known: str = ""  # what the source says
    ours: str = ""  # what is reconstructed, or chosen by us
    notes: str = ""  # what else there is to know
    references: tuple[str, ...] = ()
    see_also: tuple[str, ...] = ()
    takes_model: bool = False  # a pretrained encoder
    is_scaled: bool = False  # without an encoder: recordings are loaded at one level
    task: str = "classification"  # or "regression", which predicts numbers


class Published(NamedTuple):
    """Figures that the paper prints, in percent, and where they are from.

    Parameters
    ----------
    table : int
        Of the paper.
    data : str
        The corpus, and which part of it.
    row : str
        As the paper calls the system.
    system : str
        As ``SYSTEMS`` calls it.
    ua, wa : float
        Mean recall over the classes, and accuracy.
    provenance : str
        "the authors' own run", or "quoted:" and what from.
    """

    table: int
    data: str
    row: str
    system: str
    ua: float
    wa: float
    provenance: str


# The rows of the paper's Table 4 that it quotes come from other data or protocols: they
# are no marks for a reproduction.
OWN = "the authors' own run"


def _read_published() -> list[Published]:
    """Return the lines of ``published.csv``."""
    source = resources.files(__package__).joinpath("published.csv")
    lines = csv.DictReader(source.read_text(encoding="utf-8").splitlines())
    numbers = {"table": int, "ua": float, "wa": float}
    return [
        Published(**{name: numbers.get(name, str)(v) for name, v in line.items()})
        for line in lines
    ]


PUBLISHED = _read_published()

ZHAO_2018 = """\
Z. Zhao, Y. Zheng, Z. Zhang, H. Wang, Y. Zhao and C. Li, "Exploring
   spatio-temporal representations by integrating attention-based bidirectional-
   LSTM-RNNs and FCNs for speech emotion recognition", Interspeech 2018."""
SVR = """\
A. J. Smola and B. Schölkopf, "A tutorial on support vector regression",
   Statistics and Computing 14, 2004."""
# Descriptors of Lee and Tashev, and of Mirsamadi et al.
LEE_DESCRIPTORS: dict[str, Any] = {
    "descriptors": ["log_energy", "pitch", "voicing", "zero_crossing_rate", "mfcc"],
    "n_mfcc": 12,
}
TRANSDUCTIVE = """\
**Transductive**: it needs other recordings of the speaker that it is tested on, without
their emotions. Never compare its figures with those of systems that do not."""
ROUTING = """\
It must be told who speaks, in `fit` and at prediction::

    sklearn.set_config(enable_metadata_routing=True)
    system.fit(paths, emotions, groups=speakers)
    system.predict(new_paths, groups=new_speakers)

:func:`skser.model_selection.evaluate` does so by itself."""


NUMBERS = """\
It predicts numbers, such as arousal, one or several at a time::

    system.fit(paths, arousal)
    evaluate(system, corpus, target=["arousal", "valence"])"""


def ablation(
    name: str, summary: str, example: tuple[str, str], *, about: str = "", **changes
) -> Row:
    """Return the row of the paper's system with other parameters of its classifier."""
    attribute, value = example
    return Row(
        name,
        summary,
        partial(_steps.paper, **changes),
        f'>>> {name}()["classify"].{attribute}\n{value}',
        about=about,
        see_also=("attention_blstm_fcn",),
    )


# In the order of the paper's tables; then what most people use today, and what we
# recommend.
ROWS = (
    Row(
        "attention_blstm_fcn",
        "The paper's system: 743 features, PCA whitening, Attention-BLSTM-FCN.",
        _steps.paper,
        """\
>>> list(attention_blstm_fcn().named_steps)
['load', 'frame', 'features', 'whiten', 'classify']""",
        about="""\
Recordings at 16 kHz are cut into frames of 1024 samples. Each frame gives the 743
features of YAAFE [2]_, which are whitened with PCA. The Attention-BLSTM-FCN [1]_
classifies the sequence of whitened frames.""",
        known="""\
the features, frames of 1024 samples, whitening, the two branches (64 LSTM cells,
attention, dropout of 0.5; 128 and 64 filters) and batches of 50.""",
        ours="""\
everything else, each a parameter of a step: the hop of 512 samples (YAAFE's default),
clipping and the 114 components ("whiten"), the widths of the filters, the dense layer,
the optimizer and the 30 epochs ("classify").""",
        references=(
            ZHAO_2018,
            """\
B. Mathieu, S. Essid, T. Fillon, J. Prado and G. Richard, "YAAFE, an easy to
   use and efficient audio feature extraction software", ISMIR 2010.""",
        ),
        see_also=("attention_blstm_fcn_robust",),
    ),
    ablation(
        "attention_blstm_fcn_mean",
        "The paper's system with the mean in place of attention (Table 3).",
        ("pooling", "'mean'"),
        pooling="mean",
    ),
    ablation(
        "attention_blstm_fcn_max",
        "The paper's system with the maximum in place of attention (Table 3).",
        ("pooling", "'max'"),
        pooling="max",
    ),
    ablation(
        "attention_lstm_fcn",
        "The paper's system with an LSTM that reads forwards only.",
        ("convolutional", "True"),
        about="""\
The paper's text names it beside those of Table 2, without figures.""",
        recurrent="lstm",
    ),
    ablation(
        "attention_blstm",
        'The paper\'s recurrent branch alone ("Attention-BLSTM" of Table 2).',
        ("convolutional", "False"),
        about="""\
Not the Attention-BLSTM of Table 4, which is :func:`attention_blstm_huang2016`.""",
        convolutional=False,
    ),
    ablation(
        "attention_lstm",
        'The recurrent branch alone, forwards only ("Attention-LSTM" of Table 2).',
        ("recurrent", "'lstm'"),
        recurrent="lstm",
        convolutional=False,
    ),
    ablation(
        "fcn",
        'The paper\'s convolutional branch alone ("FCNs" of Table 2).',
        ("recurrent is None", "True"),
        recurrent=None,
    ),
    Row(
        "lstm_fcn",
        "LSTM-FCN on the paper's whitened features.",
        partial(_steps.lstm_fcn, recurrent_units=128),
        """\
>>> lstm_fcn()["classify"].filters
(128, 256, 128)""",
        about="""\
An LSTM that takes one feature with all its values over time as a step, and whose last
output counts, beside three blocks of convolution [1]_; no dense layer.""",
        known="""\
the layers, kernels of 8, 5 and 3, dropout of 0.8, balanced class weights. The source's
LSTM has 8, 64 or 128 cells, chosen for each data set.""",
        ours="""\
128 cells. The source's inputs are univariate; of several variables it says nothing, so
that the step is MLSTM-FCN's. Adam, batches and epochs are those of the paper's system,
not the source's 2000 epochs.""",
        references=(
            """\
F. Karim, S. Majumdar, H. Darabi and S. Chen, "LSTM fully convolutional
   networks for time series classification", IEEE Access 6, 2018.""",
        ),
        see_also=("attention_blstm_fcn",),
    ),
    Row(
        "mlstm_fcn",
        "MLSTM-FCN on the paper's whitened features.",
        partial(_steps.lstm_fcn, recurrent_units=8, squeeze_excite=True),
        """\
>>> mlstm_fcn()["classify"].squeeze_excite
True""",
        about="""\
As :func:`lstm_fcn`, with squeeze-and-excitation behind the first two blocks [1]_, and
an LSTM of 8 cells.""",
        references=(
            """\
F. Karim, S. Majumdar, H. Darabi and S. Harford, "Multivariate LSTM-FCNs for
   time series classification", Neural Networks 116, 2019.""",
        ),
        see_also=("lstm_fcn",),
    ),
    Row(
        "dnn_elm",
        "DNN-ELM of Han et al.: a network for segments, then a learning machine.",
        partial(
            _steps.dnn_elm,
            machine={"n_hidden": 120},
            energy_ratio=0.1,
            descriptors=["mfcc", "pitch", "harmonics_to_noise"],
        ),
        """\
>>> list(dnn_elm().named_steps)[4:]
['scale', 'segments', 'statistics', 'classify']""",
        about="""\
Frames of 25 ms every 10 ms give 13 cepstral coefficients, pitch, harmonics-to-noise
ratio and their slopes: 30 numbers. 25 frames make a segment. Three layers of 256 units
classify the 10 % of highest energy [1]_. Maxima, minima, means and shares above 0.2 of
the posteriors go to an extreme learning machine with 120 hidden units.""",
        known="""\
frames, descriptors, segments, the share of 10 %, statistics, threshold, layers, and the
number of hidden units. The machine learns from posteriors of the segments that the
network was trained on, as in the source.""",
        ours="""\
the 0th cepstral coefficient as energy, Adam with cosine decay for 20 epochs in place of
the validation speaker, and the machine's ridge (``C = 1000``).""",
        references=(
            """\
K. Han, D. Yu and I. Tashev, "Speech emotion recognition using deep neural
   network and extreme learning machine", Interspeech 2014.""",
        ),
        see_also=("dnn_elm_lee2015",),
    ),
    Row(
        "dnn_elm_lee2015",
        "DNN-ELM of Lee and Tashev, whose figure the paper's Table 4 quotes.",
        partial(
            _steps.dnn_elm,
            machine={"kernel": "rbf"},
            energy_ratio=0.3,
            **LEE_DESCRIPTORS,
        ),
        """\
>>> dnn_elm_lee2015()["segments"].energy_ratio
0.3""",
        about="""\
As :func:`dnn_elm`, with 32 descriptors (log energy, pitch, voicing, zero-crossing rate,
12 cepstral coefficients and their slopes), the 30 % of highest energy, and a machine
with a kernel [1]_. The figure that Table 4 quotes was measured on improvised turns
only.""",
        references=(
            """\
J. Lee and I. Tashev, "High-level feature representation using recurrent
   neural network for speech emotion recognition", Interspeech 2015.""",
        ),
        see_also=("dnn_elm",),
    ),
    Row(
        "attention_blstm_huang2016",
        "Attention-BLSTM of Huang and Narayanan, reconstructed (Table 4).",
        partial(_steps.attention_blstm, network={}, descriptors=["log_mel"], n_mels=40),
        """\
>>> attention_blstm_huang2016()["classify"].attention
'additive'""",
        about="""\
Two layers of bidirectional LSTMs on 40 mel bands, averaged by additive attention [1]_.
``set_params(classify__attention="uniform")`` is the source's control, with the mean in
place of attention.""",
        known="""\
an LSTM with attention to parts of an utterance, and a control without. Only the
abstract could be read.""",
        ours="descriptors, layers and training (10 epochs of batches of 25).",
        references=(
            """\
C.-W. Huang and S. Narayanan, "Attention assisted discovery of sub-utterance
   structure in speech emotion recognition", Interspeech 2016.""",
        ),
    ),
    Row(
        "attention_blstm_mirsamadi2017",
        "BLSTM with local attention of Mirsamadi et al., reconstructed.",
        partial(
            _steps.attention_blstm,
            network={
                "frame_units": (512, 512),
                "recurrent_units": (128,),
                "attention": "linear",
            },
            has_deltas=True,
            **LEE_DESCRIPTORS,
        ),
        """\
>>> attention_blstm_mirsamadi2017()["classify"].frame_units
(512, 512)""",
        about="""\
Two dense layers per frame, a bidirectional LSTM and linear attention [1]_, on 32
descriptors: log energy, pitch, voicing, zero-crossing rate, 12 cepstral coefficients
and their slopes.""",
        known="""\
nothing at first hand: it could not be read. Descriptors and layers are as later work
describes them. There, features are standardised by the neutral speech of the training
set.""",
        ours="""\
features are standardised by all speech of the training set, since not every corpus has
neutral speech; the training (10 epochs of batches of 25).""",
        references=(
            """\
S. Mirsamadi, E. Barsoum and C. Zhang, "Automatic speech emotion recognition
   using recurrent neural networks with local attention", ICASSP 2017.""",
        ),
    ),
    Row(
        "attentive_cnn",
        "Attentive CNN of Neumann and Vu, reconstructed (Table 4).",
        _steps.attentive_cnn,
        """\
>>> attentive_cnn()["classify"].n_filters
200""",
        about="""\
200 filters over 10 frames of 26 mel bands, maxima over 30 frames, attention [1]_. Of an
utterance the first 7.5 s count. With ratings, ``fit(X, y, classify__ratings=...)`` or
``evaluate(..., params={"ratings": ...})``, it learns several views; activation and
valence are the source's.""",
        known="""\
the inputs, the length, one layer of convolution, maxima, attention, and the levels of
ratings. Only the abstract and scattered quotations could be read.""",
        ours="""\
the training. The number and the sizes of the filters are from memory, and not
checked.""",
        references=(
            """\
M. Neumann and N. T. Vu, "Attentive convolutional neural network based speech
   emotion recognition: A study on the impact of input features, signal length, and
   acted speech", Interspeech 2017.""",
        ),
    ),
    Row(
        "ivector",
        "i-vectors of cepstral coefficients and a support vector machine.",
        _steps.ivector,
        """\
>>> list(ivector().named_steps)[4:]
['normalize', 'ivectors', 'length', 'compensate', 'classify']""",
        about="""\
Recordings at 16 kHz are cut into frames of 25 ms every 10 ms. 13 cepstral coefficients
with first and second derivatives, 39 numbers per frame, are standardised within each
utterance, aligned to 128 Gaussians, and reduced to one i-vector of 100 numbers [1]_,
which is scaled to unit length [2]_ and classified.""",
        ours="all sizes, which are common for i-vectors of corpora of a few hours.",
        notes="""\
The step "compensate" is empty: ``set_params(compensate=WCCN())``, or
``LinearDiscriminantAnalysis()``, takes out what varies within an emotion, as is usual
for speakers, of whom there are many more than emotions.

The classes weigh alike in the support vector machine, as they do in the UA. It has a
`decision_function` but no probabilities, which need a calibration:
``set_params(classify=CalibratedClassifierCV(SVC(class_weight="balanced"),
ensemble=False))``.""",
        references=(
            """\
N. Dehak, P. Kenny, R. Dehak, P. Dumouchel and P. Ouellet, "Front-end factor
   analysis for speaker verification", IEEE Transactions on Audio, Speech, and
   Language Processing 19(4), 2011.""",
            """\
D. Garcia-Romero and C. Y. Espy-Wilson, "Analysis of i-vector length
   normalization in speaker recognition systems", Interspeech 2011.""",
        ),
        see_also=("dbn_ivector",),
    ),
    Row(
        "dbn_ivector",
        "DBN-ivector of Xia and Liu, reconstructed (Table 4).",
        partial(_steps.ivector, is_deep=True),
        """\
>>> dbn_ivector().named_steps["ivectors"].alignment.n_context
5""",
        about="""\
As :func:`ivector`, except that frames are aligned by a deep belief network. It is
trained on the posteriors of the background model and, at the same time, on the emotion
that a frame sounds like to Gaussian mixtures of the emotions [1]_.""",
        known="""\
a deep belief network learns the two targets above, its posteriors replace those of the
background model in the extraction of i-vectors, and several classifiers stand behind
these. The paper [1]_ could not be read. Its best result combines several systems; this
is a single one.""",
        ours="""\
the features, the 128 Gaussians and 100 dimensions, the network (contexts of 11 frames,
3 layers of 512 units, equal weights of both targets), its training on at most 15,000
frames, and the support vector machine.""",
        notes="""\
What :func:`ivector` says of "compensate" and of probabilities holds here.""",
        references=(
            """\
R. Xia and Y. Liu, "DBN-ivector framework for acoustic emotion recognition",
   Interspeech 2016.""",
        ),
        see_also=("ivector",),
    ),
    Row(
        "mec2017_svm",
        "Our reading of the MEC 2017 baseline: functionals and a tuned machine.",
        _steps.searched_functionals,
        """\
>>> mec2017_svm()["classify"].param_grid
{'C': [1e-05, 0.0001, 0.001, 0.01, 0.1, 1.0]}""",
        known="""\
the organisers' baseline of the audio part was a support vector machine [1]_. Which
features, kernel and penalty it had could not be found.""",
        ours="""\
the 88 functionals of eGeMAPS and a linear kernel, with the penalty that has the highest
UA in three folds of the training recordings.""",
        notes="""\
The folds that choose the penalty mix speakers, because a system must be fit for use
without speakers' names; they lie within the training recordings. To separate speakers
there as well, set ``classify__cv=GroupKFold(3)`` and pass ``groups``.""",
        references=(
            """\
Y. Li, J. Tao, B. Schuller, S. Shan, D. Jiang and J. Jia, "MEC 2017:
   Multimodal emotion recognition challenge", ACII Asia 2018.""",
        ),
        see_also=("egemaps_svm",),
    ),
    Row(
        "egemaps_svm",
        "eGeMAPS functionals with a linear support vector machine.",
        partial(_steps.functionals, feature_set="eGeMAPS"),
        """\
>>> list(egemaps_svm().named_steps)
['load', 'features', 'scale', 'classify']""",
        about="""\
88 functionals of the recording [1]_, standardised by the training recordings, go to a
linear support vector machine with balanced class weights. Needs the extra
`opensmile`.""",
        ours="""\
the penalty, ``C = 1 / n_functionals``: a standardised row has about that squared norm,
so that every set of functionals meets a machine of equal stiffness. It was not chosen
on any corpus; search ``classify__C`` for your own.""",
        references=(
            """\
F. Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for
   voice research and affective computing", IEEE Transactions on Affective
   Computing 7(2), 2016.""",
        ),
        see_also=("compare_svm",),
    ),
    Row(
        "compare_svm",
        "ComParE 2016 functionals with a linear support vector machine.",
        partial(_steps.functionals, feature_set="ComParE"),
        """\
>>> compare_svm()["features"].feature_set
'ComParE'""",
        about="""\
As :func:`egemaps_svm`, with the 6373 functionals of the Computational Paralinguistics
Challenge [1]_.""",
        references=(
            """\
B. Schuller et al., "The Interspeech 2016 computational paralinguistics
   challenge: deception, sincerity and native language", Interspeech 2016.""",
        ),
        see_also=("egemaps_svm", "compare_svm_transductive"),
    ),
    Row(
        "compare_svm_transductive",
        "ComParE functionals, normalised by speaker, with a support vector machine.",
        partial(_steps.functionals, feature_set="ComParE", by_speaker=True),
        """\
>>> list(compare_svm_transductive().named_steps)
['load', 'features', 'speakers', 'scale', 'classify']""",
        about=f"""\
As :func:`compare_svm`, except that the functionals of each speaker are moved to the
mean and deviation of the training speakers, by
:class:`~skser.normalization.SpeakerNormalizer`.

{TRANSDUCTIVE}""",
        notes=ROUTING,
        see_also=("compare_svm",),
    ),
    Row(
        "attention_blstm_fcn_robust",
        "The paper's network and statistics of utterances vote.",
        _steps.robust,
        """\
>>> system = attention_blstm_fcn_robust(random_state=0)
>>> list(system["classify"].named_estimators)
['network', 'statistics']""",
        about="""\
Two classifiers vote. The first is the paper's [1]_, with other preprocessing: its 743
acoustic features are compressed, balanced and rotated, but not whitened, and stand
beside themselves as normalised within the utterance. The second is a logistic
regression on statistics of whole utterances, known as functionals.""",
        ours="""\
what differs from :func:`attention_blstm_fcn`, each a parameter:

- ``compress=True``: the logarithm of heavy-tailed features. Energies and spectra vary
  by orders of magnitude, and a few loud frames own their variance.
- ``blocks``: the 513 bins of the spectrum count as much as one loudness.
- ``whiten=False``: whitening raises the components that vary least, which are the least
  reliable, to the size of the first.
- ``n_components=32``: less to overfit on a few hundred utterances.
- ``UtteranceNormalizer(keep=True)``: the course of each component within the utterance,
  free from level and voice, beside the component itself.
- ``FrameAveraging(4)``: a quarter of the frames, in a third of the time, no worse.
- ``learning_rate_schedule="cosine"``: the network ends where its loss is flat and is
  less sure of what it gets wrong.
- The statistics, with two thirds of the vote: a few hundred utterances are little for a
  network and enough for a linear model.""",
        notes="""\
All this was chosen on five speakers of EmoDB; ``docs/accuracy.md`` tells how, what else
was tried, and what came out on the other five.""",
        references=(ZHAO_2018,),
        see_also=("attention_blstm_fcn", "attention_blstm_fcn_robust_transductive"),
    ),
    Row(
        "attention_blstm_fcn_robust_transductive",
        "The vote of network and statistics with normalisation by speaker.",
        partial(_steps.robust, by_speaker=True),
        """\
>>> system = attention_blstm_fcn_robust_transductive()
>>> system.get_params()["classify__network__speakers__prior_strength"]
3.0""",
        about=f"""\
As :func:`attention_blstm_fcn_robust`, except that the features of each speaker are
moved to the mean and deviation of the training speakers, by
:class:`~skser.normalization.SpeakerNormalizer`.

{TRANSDUCTIVE}""",
        notes=ROUTING,
        see_also=("attention_blstm_fcn_robust",),
    ),
    Row(
        "attention_blstm_fcn_robust_opensmile",
        "The vote of the paper's network and statistics, with openSMILE's functionals.",
        partial(_steps.robust, has_opensmile=True),
        """\
>>> system = attention_blstm_fcn_robust_opensmile()
>>> union = system["classify"].named_estimators["statistics"]["describe"]
>>> [name for name, _ in union.transformer_list]
['components', 'descriptors', 'opensmile']""",
        about="""\
As :func:`attention_blstm_fcn_robust`, except that the 6373 functionals of ComParE 2016
stand beside the statistics. Needs the extra `opensmile`, whose licence forbids
commercial use.""",
        see_also=("attention_blstm_fcn_robust",),
    ),
    Row(
        "attention_blstm_fcn_robust_opensmile_transductive",
        "The same vote with openSMILE's functionals and normalisation by speaker.",
        partial(_steps.robust, by_speaker=True, has_opensmile=True),
        """\
>>> system = attention_blstm_fcn_robust_opensmile_transductive()
>>> system.get_params()["classify__statistics__speakers__prior_strength"]
3.0""",
        about=f"""\
:func:`attention_blstm_fcn_robust_opensmile` with what
:func:`attention_blstm_fcn_robust_transductive` adds.

{TRANSDUCTIVE}""",
        notes=ROUTING,
        see_also=(
            "attention_blstm_fcn_robust_opensmile",
            "attention_blstm_fcn_robust_transductive",
        ),
    ),
    Row(
        "statistics_ivector_vote",
        "Statistics of contours and i-vectors vote, whatever level and microphone.",
        _steps.statistics_ivector_vote,
        """\
>>> system = statistics_ivector_vote(random_state=0)
>>> list(system["classify"].named_estimators)
['contours', 'ivectors']""",
        about="""\
All recordings are loaded at one level. Three linear models vote, each with a third of
the vote:

- linear discriminant analysis of statistics of prosody: energy, zero crossings, pitch,
  voicing, harmonics-to-noise ratio, and how fast the spectrum changes;
- logistic regression of these together with those of 40 mel bands and 20 cepstral
  coefficients;
- logistic regression of i-vectors [1]_.

The first two learn from each recording twice: as it is, and as a telephone would pass
it on (:class:`~skser.ensembles.AugmentedTraining`). The system needs neither TensorFlow
nor openSMILE.""",
        ours="""\
each a parameter:

- ``rms=0.05`` ("load"): gain makes no difference.
- ``perturbations=["telephone band"]``: without it, the vote of the first two loses
  half of its UA through a telephone.
- the statistics, and the shrinkage of 0.1.
- the i-vectors are those of :func:`ivector`.""",
        notes="""\
Chosen on five speakers each of EmoDB and nEMO; ``docs/accuracy.md`` tells how.""",
        references=(
            """\
N. Dehak, P. Kenny, R. Dehak, P. Dumouchel and P. Ouellet, "Front-end factor
   analysis for speaker verification", IEEE Transactions on Audio, Speech, and
   Language Processing 19(4), 2011.""",
        ),
        see_also=("ivector", "recommended", "statistics_ivector_vote_transductive"),
        is_scaled=True,
    ),
    Row(
        "statistics_ivector_vote_transductive",
        "The vote of statistics and i-vectors with normalisation by speaker.",
        partial(_steps.statistics_ivector_vote, by_speaker=True),
        """\
>>> system = statistics_ivector_vote_transductive()
>>> system.get_params()["classify__ivectors__speakers__prior_strength"]
3.0""",
        about=f"""\
As :func:`statistics_ivector_vote`, except that statistics and i-vectors of each speaker
are moved to the mean and deviation of the training speakers, by
:class:`~skser.normalization.SpeakerNormalizer`; and that the first member knows
cepstral coefficients 1 to 4, too, and is shrunken by 0.4.

{TRANSDUCTIVE}""",
        notes=ROUTING,
        see_also=("statistics_ivector_vote",),
        is_scaled=True,
    ),
    Row(
        "pretrained_statistics",
        "The mean of a speech model's frames, and linear discriminant analysis.",
        _steps.pretrained_statistics,
        """\
>>> system = pretrained_statistics(model="encoder.onnx")
>>> list(system.named_steps)
['load', 'features', 'statistics', 'scale', 'classify']""",
        about="""\
A frozen encoder, of Whisper or the like, hears each recording at one level. The mean
over time of three layers' frames goes to linear discriminant analysis with shrinkage,
which counts all classes alike. `model` is the path of the encoder, an ONNX file;
:func:`skser.features.export_encoder` makes one of a published checkpoint.""",
        ours="""\
each a parameter:

- ``output=3``: the middle layer and its neighbours. Of Whisper base these are
  2, 3 and 4. Early layers hold how something is said, late ones what.
- ``rms=0.05``: gain makes no difference.
- the mean alone. Deviations, percentiles and changes over time beside it cost three
  points, since they describe the words more than the voice.
- ``shrinkage=0.7``: of .5 to .9 it makes little difference.""",
        notes="""\
Chosen on five speakers each of EmoDB and nEMO.""",
        see_also=("pretrained_statistics_transductive", "recommended"),
        takes_model=True,
    ),
    Row(
        "pretrained_statistics_transductive",
        "The mean of a speech model's frames, normalised by speaker.",
        partial(_steps.pretrained_statistics, by_speaker=True),
        """\
>>> system = pretrained_statistics_transductive(model="encoder.onnx")
>>> list(system.named_steps)
['load', 'features', 'statistics', 'speakers', 'scale', 'classify']""",
        about=f"""\
As :func:`pretrained_statistics`, except that the means of each speaker are moved to the
mean and deviation of the training speakers, and that the classifier is a logistic
regression.

{TRANSDUCTIVE}""",
        notes=ROUTING,
        see_also=("pretrained_statistics",),
        takes_model=True,
    ),
    Row(
        "pretrained_attention_blstm_fcn",
        "The paper's classifier over the frames of a pretrained speech model.",
        _steps.pretrained_network,
        """\
>>> system = pretrained_attention_blstm_fcn(model="encoder.onnx")
>>> list(system.named_steps)
['load', 'features', 'scale', 'average', 'classify']""",
        about="""\
The Attention-BLSTM-FCN [1]_ reads the frames of a frozen encoder's middle layer in
place of whitened acoustic features. Frames are standardised, but neither rotated nor
whitened, and four of them averaged.""",
        references=(ZHAO_2018,),
        see_also=("attention_blstm_fcn", "pretrained_statistics"),
        takes_model=True,
    ),
    Row(
        "recommended",
        "What we recommend: with a pretrained speech model, or without one.",
        _steps.recommended,
        """\
>>> list(recommended(model="encoder.onnx").named_steps)
['load', 'features', 'statistics', 'scale', 'classify']
>>> list(recommended().named_steps)
['load', 'classify']""",
        about="""\
With a `model` it is :func:`pretrained_statistics`, which is the better one by far;
without one :func:`statistics_ivector_vote`. Neither needs TensorFlow.""",
        see_also=(
            "pretrained_statistics",
            "statistics_ivector_vote",
            "recommended_transductive",
        ),
        takes_model=True,
        is_scaled=True,
    ),
    Row(
        "recommended_transductive",
        "What we recommend, with normalisation by speaker.",
        partial(_steps.recommended, by_speaker=True),
        """\
>>> system = recommended_transductive(model="encoder.onnx")
>>> system["speakers"].prior_strength
3.0""",
        about=f"""\
With a `model` it is :func:`pretrained_statistics_transductive`, without one
:func:`statistics_ivector_vote_transductive`.

{TRANSDUCTIVE}""",
        notes=ROUTING,
        see_also=("recommended",),
        takes_model=True,
        is_scaled=True,
    ),
    # Of numbers in place of classes.
    Row(
        "attention_blstm_fcn_regressor",
        "The paper's features and network, for numbers.",
        _steps.paper_regressor,
        """\
>>> list(attention_blstm_fcn_regressor().named_steps)
['load', 'frame', 'features', 'whiten', 'regress']""",
        about=f"""\
As :func:`attention_blstm_fcn`, with :class:`~skser.AttentionBLSTMFCNRegressor`, the
same network [1]_ with an output for each target.

{NUMBERS}""",
        ours="""\
everything about numbers: the paper predicts classes only. The loss is 1 - CCC; targets
are standardised by the utterances that the network is trained on.""",
        references=(ZHAO_2018,),
        see_also=("attention_blstm_fcn", "recommended_regressor"),
        task="regression",
    ),
    Row(
        "pretrained_ridge",
        "The mean of a speech model's frames, and ridge regression, for numbers.",
        _steps.pretrained_ridge,
        """\
>>> system = pretrained_ridge(model="encoder.onnx")
>>> list(system.named_steps)
['load', 'features', 'statistics', 'scale', 'regress']""",
        about=f"""\
As :func:`pretrained_statistics`, with ridge regression in place of discriminant
analysis.

{NUMBERS}""",
        ours="""\
``alpha=300``. With Whisper base and arousal and valence that were derived from the
emotions of EmoDB, 100 to 1000 make little difference; search ``regress__alpha`` for
ratings of your own.""",
        see_also=("pretrained_statistics", "recommended_regressor"),
        takes_model=True,
        task="regression",
    ),
    Row(
        "statistics_svr",
        "Statistics of contours and support vector regression, for numbers.",
        _steps.statistics_svr,
        """\
>>> list(statistics_svr().named_steps)
['load', 'frame', 'features', 'statistics', 'scale', 'regress']""",
        about=f"""\
All recordings are loaded at one level. The statistics of prosody, 40 mel bands and 20
cepstral coefficients, which are those of :func:`statistics_ivector_vote`, go to a
linear support vector regression [1]_ of each target. Targets are standardised by the
training recordings.

{NUMBERS}""",
        ours="""\
the penalty, ``C = 1 / n_statistics``, as of :func:`compare_svm`; ``rms=0.05``
("load"): gain makes no difference.""",
        references=(SVR,),
        see_also=("statistics_ivector_vote", "recommended_regressor"),
        is_scaled=True,
        task="regression",
    ),
    Row(
        "compare_svr",
        "ComParE 2016 functionals with support vector regression, for numbers.",
        partial(_steps.functionals_svr, feature_set="ComParE"),
        """\
>>> compare_svr()["features"].feature_set
'ComParE'""",
        about=f"""\
As :func:`compare_svm`, with a linear support vector regression [1]_ of each target.
Targets are standardised by the training recordings. Needs the extra `opensmile`.

{NUMBERS}""",
        ours="the penalty, ``C = 1 / n_functionals``, as of :func:`compare_svm`.",
        references=(SVR,),
        see_also=("compare_svm",),
        task="regression",
    ),
    Row(
        "recommended_regressor",
        "What we recommend for numbers: with a pretrained speech model, or without.",
        _steps.recommended_regressor,
        """\
>>> list(recommended_regressor(model="encoder.onnx").named_steps)
['load', 'features', 'statistics', 'scale', 'regress']
>>> recommended_regressor()["regress"].estimator.kernel
'linear'""",
        about=f"""\
With a `model` it is :func:`pretrained_ridge`, without one :func:`statistics_svr`.
Neither needs TensorFlow.

{NUMBERS}""",
        see_also=("pretrained_ridge", "statistics_svr", "recommended"),
        takes_model=True,
        is_scaled=True,
        task="regression",
    ),
)
