"""
What the features see
=====================

The first half of the system turns each frame of 64 ms into 743 numbers. Three sounds
that everybody knows show what these numbers react to.
"""

# %%
# Three sounds
# ------------
#
# A vowel is a train of pulses, 120 a second, that passes through the resonances of the
# mouth; these are those of an "a". A fricative such as "s" is noise with most of its
# energy at high frequencies. Silence in a room is faint noise. Each lasts half a
# second.

import numpy as np
from scipy.signal import lfilter

SAMPLE_RATE = 16000
n_samples = SAMPLE_RATE // 2
generator = np.random.default_rng(0)

pulses = np.zeros(n_samples)
pulses[:: SAMPLE_RATE // 120] = 1
vowel = pulses
for frequency, bandwidth in [(730, 90), (1090, 110), (2440, 170)]:
    radius = np.exp(-np.pi * bandwidth / SAMPLE_RATE)
    angle = 2 * np.pi * frequency / SAMPLE_RATE
    vowel = lfilter([1], [1, -2 * radius * np.cos(angle), radius**2], vowel)

fricative = np.diff(generator.normal(size=n_samples + 1))
silence = generator.normal(size=n_samples)
levels = [0.1, 0.05, 0.0005]
signal = np.concatenate(
    [
        level * sound / sound.std()
        for level, sound in zip(levels, [vowel, fricative, silence], strict=True)
    ]
)

# %%
# All 743 columns
# ---------------
#
# Each column is shown relative to its own median in this recording, red above and blue
# below. The sounds change at 0.5 s and at 1 s, and most features change with them.
# Neighbouring columns often do the same: there is much repetition among the 743, and
# that is why whitening comes next in the system.

from skser import AcousticFeatures
from skser.plotting import FeatureDisplay

extractor = AcousticFeatures()
FeatureDisplay.from_estimator(extractor, signal)

# %%
# Five of them by name
# --------------------
#
# `Energy` is the level of a frame. `ZCR`, the rate of sign changes, and
# `SpectralRolloff`, the frequency below which nearly all energy lies, are low for the
# vowel and high for noise. `SpectralFlatness` tells noise from a spectrum with peaks.
# `PerceptualSharpness` is high where the loudness lies in the high bands.

import matplotlib.pyplot as plt

from skser import Framer

names = [
    "Energy",
    "ZCR",
    "SpectralRolloff",
    "SpectralFlatness",
    "PerceptualSharpness",
]
frames = Framer().transform([signal])
few = AcousticFeatures(features=names)
values = dict(zip(few.get_feature_names_out(), few.transform(frames)[0].T, strict=True))
seconds = np.arange(len(frames[0])) * Framer().hop_length / SAMPLE_RATE

figure, axes = plt.subplots(
    len(names), sharex=True, figsize=(8, 7), layout="constrained"
)
for ax, name in zip(axes, names, strict=True):
    ax.plot(seconds, values[name])
    ax.set_title(name, loc="left", fontsize="medium")
    for boundary in (0.5, 1.0):
        ax.axvline(boundary, color="0.6", linestyle=":")
axes[0].set_yscale("log")
axes[-1].set_xlabel("Time (s)")

# %%
# The same as numbers, in the middle of each sound. The vowel differs from both kinds of
# noise in the last four; the silence differs from both sounds in the energy.

rows = {"vowel": 8, "fricative": 23, "silence": 39}
print(f"{'':21}" + "".join(f"{sound:>12}" for sound in rows))
for name in names:
    numbers = "".join(f"{values[name][row]:12.4g}" for row in rows.values())
    print(f"{name:21}{numbers}")
