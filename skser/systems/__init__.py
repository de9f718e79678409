"""Whole systems, from recordings to labels: each a function that returns a Pipeline."""

from skser.systems._attention_blstm_fcn import N_COMPONENTS, attention_blstm_fcn
from skser.systems._published import OWN, PUBLISHED, Published

SYSTEMS = {"attention_blstm_fcn": attention_blstm_fcn}

__all__ = [
    "N_COMPONENTS",
    "OWN",
    "PUBLISHED",
    "SYSTEMS",
    "Published",
    "attention_blstm_fcn",
]
