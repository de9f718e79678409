"""A damaged file is refused, whatever the damage; nothing wrong is ever predicted."""

import re

import numpy as np
import pytest

import skser
from skser.exceptions import ModelFileError


@pytest.mark.case("F10")
def test_one_changed_byte_anywhere_is_found(model_file):
    content = model_file.read_bytes()
    generator = np.random.default_rng(0)
    for position in np.linspace(0, len(content) - 1, 100).astype(int):
        damaged = bytearray(content)
        damaged[position] ^= generator.integers(1, 256)
        model_file.write_bytes(damaged)
        with pytest.raises(ModelFileError, match=r"damaged|not know|another zip"):
            skser.load(model_file)


@pytest.mark.case("F10")
def test_a_truncated_file_is_refused(model_file):
    content = model_file.read_bytes()
    for size in np.linspace(1, len(content) - 1, 10).astype(int):
        model_file.write_bytes(content[:size])
        with pytest.raises(ModelFileError, match=r"damaged|not know|another zip"):
            skser.load(model_file)


@pytest.mark.case("F10")
@pytest.mark.parametrize("addition", [b"\0", b"more"])
def test_a_file_with_something_before_or_behind_is_refused(model_file, addition):
    content = model_file.read_bytes()
    for other in (content + addition, addition + content):
        model_file.write_bytes(other)
        with pytest.raises(ModelFileError, match=re.escape(str(model_file))):
            skser.load(model_file)


def test_an_interrupted_copy_is_told_from_another_kind_of_file(model_file):
    model_file.write_bytes(model_file.read_bytes()[:-1])
    with pytest.raises(ModelFileError, match=r"beginning of a model.*Copy it again"):
        skser.load(model_file)
