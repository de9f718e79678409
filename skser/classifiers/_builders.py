"""Networks as parts of estimators: builder, its parameters, what attention weighs."""

import numbers
from collections.abc import Callable
from typing import Any

from skser._compat import Interval, StrOptions
from skser.training import NetworkDesign, lend_network


class AttentionBLSTMFCNMixin:
    """An estimator whose network is the paper's."""

    builder = "attention_blstm_fcn"
    variable_length: dict[str, Any] = {"view": "frames"}

    network_constraints: dict[str, Any] = {
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


class OwnNetworkMixin:
    """An estimator whose network is built by a function of the user's, `network`."""

    network_constraints: dict[str, Any] = {
        "network": [callable],
        "network_params": [dict, None],
    }

    @property
    def builder(self) -> str | Callable:
        """The function in `network`."""
        return self.network  # type: ignore[attr-defined]

    def design_network(self) -> NetworkDesign:
        """Return `network` with all its arguments.

        Those that depend on the data are there once the estimator is fitted.

        Returns
        -------
        design : skser.training.NetworkDesign
        """
        return self._design(self.network_params or {})  # type: ignore[attr-defined]

    def _why_no_attention(self):
        if hasattr(self, "weights_"):
            with lend_network(self.design_network(), self.optimizer) as network:
                if network.has_attention:
                    return None
        return 'to be fitted, with a network that has a layer "attention"'
