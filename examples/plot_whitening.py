"""
Whitening, before and after
===========================

The 743 features have very different scales, and many of them say the same. Whitening
turns them into a few components that are uncorrelated and of equal size.
"""

# %%
# Features of some recordings
# ---------------------------
#
# The steps before whitening learn nothing, so they need no fit. All frames of all
# recordings are put below one another to look at them.

import numpy as np

from skser.datasets import make_emotional_speech
from skser.systems import attention_blstm_fcn, split_front_end

corpus = make_emotional_speech(n_speakers=2, n_utterances=3, random_state=0)
system = attention_blstm_fcn(input_sample_rate=corpus.sample_rate)
front_end, _ = split_front_end(system)
features = front_end.fit_transform(corpus.data)
frames = np.concatenate(features)
print(frames.shape)

# %%
# Before: scales
# --------------
#
# The standard deviations of the features differ by many powers of ten, and so a single
# one of them has two thirds of all variance. A network, or a plain PCA, would look at
# little else.

deviations = frames.std(axis=0, dtype=float)
variances = np.sort(deviations**2)[::-1]
smallest = deviations[deviations > 0].min()
print(f"standard deviations from {smallest:.0e} to {deviations.max():.0e}")
print(f"share of the largest one in the variance: {variances[0] / variances.sum():.3f}")

# %%
# Whitening
# ---------
#
# `PCAWhitening` clips what lies far out, gives each feature a variance of 1, rotates to
# the directions of the largest variance and gives each of them a variance of 1, too.
# Thirty components are kept here.

from skser import PCAWhitening

whitening = PCAWhitening(n_components=30).fit(features)
components = np.concatenate(whitening.transform(features))
print(components.shape)
share = whitening.explained_variance_ratio_.sum()
print(f"{share:.2f} of the variance of the standardised features")

# %%
# After: components
# -----------------
#
# On the left, the correlations among the features: large blocks that go together, such
# as the bins of the spectrum. On the right, those among the components: none, but for
# the diagonal.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained")
titles = ("743 features", "30 components")
for ax, columns, title in zip(axes, (frames, components), titles, strict=True):
    standard = columns - columns.mean(axis=0)
    standard /= np.maximum(standard.std(axis=0), 1e-12)
    correlations = standard.T @ standard / len(standard)
    image = ax.imshow(correlations, cmap="RdBu_r", vmin=-1, vmax=1)
    ax.set_title(title)
figure.colorbar(image, ax=axes, label="Correlation", shrink=0.8)

# %%
# How many components
# -------------------
#
# The first components have most of the variance. How many are worth keeping is a
# parameter like any other, ``whiten__n_components``, and can be searched.

full = PCAWhitening().fit(features)
shares = np.cumsum(full.explained_variance_ratio_)
figure, ax = plt.subplots(layout="constrained")
ax.plot(np.arange(1, len(shares) + 1), shares)
ax.axvline(30, color="0.5", linestyle=":")
ax.set(xlabel="Components", ylabel="Share of the variance", ylim=(0, 1))
