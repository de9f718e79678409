"""
Your own Keras network
======================

`NetworkClassifier` takes a function that builds a network and does the rest: batches of
utterances of unequal length, validation by speaker, early stopping, cloning, pickling.
"""

# %%
# A network
# ---------
#
# A function from sizes to a ``keras.Model``. Its inputs are the frames and a mask, True
# where a frame is real and not padding; its output is one score a class, without
# softmax. The mask goes to every layer that mixes frames, or an utterance would be
# predicted by the padding, too. All layers that draw random numbers are given seeds.

import keras


def gru(n_features, n_classes, *, seed, n_units=16):
    """Return a recurrent network whose mean output is classified."""
    frames = keras.Input((None, n_features))
    mask = keras.Input((None,), dtype="bool")
    outputs = keras.layers.GRU(
        n_units,
        return_sequences=True,
        kernel_initializer=keras.initializers.GlorotUniform(seed),
        recurrent_initializer=keras.initializers.Orthogonal(seed=seed + 1),
    )(frames, mask=mask)
    summary = keras.layers.GlobalAveragePooling1D()(outputs, mask=mask)
    scores = keras.layers.Dense(
        n_classes, kernel_initializer=keras.initializers.GlorotUniform(seed + 2)
    )(summary)
    return keras.Model([frames, mask], scores)


# %%
# A system around it
# ------------------
#
# The other steps are those of the package. Instead of the 743 features this system
# takes MFCC, loudness and energy alone, and whitens them.

from sklearn.pipeline import Pipeline

from skser import AcousticFeatures, AudioLoader, Framer, NetworkClassifier, PCAWhitening

system = Pipeline(
    [
        ("load", AudioLoader(input_sample_rate=16000)),
        ("frame", Framer()),
        ("features", AcousticFeatures(features=["MFCC", "Loudness", "Energy"])),
        ("whiten", PCAWhitening(n_components=20)),
        (
            "classify",
            NetworkClassifier(
                gru,
                network_params={"n_units": 24},
                learning_rate=0.003,
                batch_size=12,
                max_epochs=25,
                random_state=0,
            ),
        ),
    ]
)

# %%
# Train it
# --------
#
# With the speakers as `groups`, one of them is held out to find the best epoch.

from skser.datasets import make_emotional_speech
from skser.plotting import TrainingHistoryDisplay

corpus = make_emotional_speech(n_speakers=4, n_utterances=4, random_state=0)
system.fit(corpus.data, corpus.target, classify__groups=corpus.groups)
TrainingHistoryDisplay.from_estimator(system)

# %%
# Judge it
# --------
#
# It is a classifier like any other, and scikit-learn's tools take it for one: clones of
# the system are trained without a speaker and predict that speaker. The sizes and the
# learning rate above were tried out on these very speakers, so that the figures are
# better than those of unseen ones would be; `plot_search.py` shows the honest way.

from sklearn.model_selection import LeaveOneGroupOut, cross_validate

from skser.metrics import SCORERS

scores = cross_validate(
    system,
    corpus.data,
    corpus.target,
    groups=corpus.groups,
    cv=LeaveOneGroupOut(),
    scoring=SCORERS,
)
print("UA of each speaker:", scores["test_UA"].round(2))
