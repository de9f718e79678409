"""
Attention over time
===================

Not every moment of an utterance tells its emotion. The network learns a weight for each
frame, and one can look at these weights.
"""

# %%
# Train a network
# ---------------
#
# The network is small and the speech synthetic, so that this takes seconds. The
# speakers are passed as `groups`: one of them is held out, and the weights of the epoch
# with the best UA on that speaker are kept.

# sphinx_gallery_thumbnail_number = 2
from skser.datasets import make_emotional_speech
from skser.systems import attention_blstm

corpus = make_emotional_speech(n_speakers=4, n_utterances=4, random_state=0)
system = attention_blstm(input_sample_rate=corpus.sample_rate, random_state=0)
system.set_params(
    whiten__n_components=20,
    classify__recurrent_units=16,
    classify__hidden_units=(32,),
    classify__learning_rate=5e-3,
    classify__batch_size=12,
    classify__max_epochs=20,
)
system.fit(corpus.data, corpus.target, classify__groups=corpus.groups)

# %%
# The loss on the training speakers goes on falling, while that on the held-out speaker
# rises again. The dotted line is the epoch whose weights were kept.

from skser.plotting import AttentionDisplay, TrainingHistoryDisplay

TrainingHistoryDisplay.from_estimator(system)

# %%
# Over the waveform
# -----------------
#
# A recording of a new speaker, who was not in the training. The title has the predicted
# emotion and its posterior probability; the weights sum to 1 over the recording.

new = make_emotional_speech(n_speakers=1, n_utterances=4, random_state=3)
recording = new.data[0]
print("acted:", new.target[0])
AttentionDisplay.from_estimator(system, recording)

# %%
# Over a spectrogram
# ------------------
#
# The same weights over a mel spectrogram, where one sees which sounds they belong to.

AttentionDisplay.from_estimator(system, recording, kind="mel")

# %%
# The weights as numbers
# ----------------------
#
# `attention_weights` gives them for further use. Is there less weight where it is
# quiet? Over all recordings of the new speaker, frames are split at a tenth of the
# amplitude of the recording's loudest frame. Weights are multiplied by the number of
# frames, so that 1 is what each frame would have without attention.

import numpy as np

frames = system[:2].transform(new.data)
all_weights = system["classify"].attention_weights(system[:-1].transform(new.data))
relative = np.concatenate([len(weights) * weights for weights in all_weights])
amplitudes = [np.sqrt(np.mean(rows**2, axis=1)) for rows in frames]
is_loud = np.concatenate([a > 0.1 * a.max() for a in amplitudes])
for name, chosen in (("loud", is_loud), ("quiet", ~is_loud)):
    print(f"{name}: {chosen.sum()} frames, mean weight {relative[chosen].mean():.2f}")

# %%
# A mean of 1 would be an equal share. What the network attends to has helped it on its
# training recordings, and that need not be loud.
