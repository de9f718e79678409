"""Emotions along time: windows of long recordings, segments, live audio."""

from skser.timeline._activity import EnergyActivityDetector
from skser.timeline._predict import LiveAnswer, LiveTimeline, predict_timeline
from skser.timeline._smoothing import SMOOTHINGS, smooth_markov, smooth_median
from skser.timeline._timeline import EmotionSegment, Timeline

__all__ = [
    "SMOOTHINGS",
    "EmotionSegment",
    "EnergyActivityDetector",
    "LiveAnswer",
    "LiveTimeline",
    "Timeline",
    "predict_timeline",
    "smooth_markov",
    "smooth_median",
]
