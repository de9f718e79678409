"""What only parts of the package need, and how to install it."""

from importlib import import_module
from types import ModuleType

# Extra -> its packages, as pyproject.toml has them. Messages name these, not the extra:
# they can be installed beside the package wherever that came from.
EXTRAS = {
    "plotting": ["matplotlib>=3.8"],
    "scikeras": ["scikeras>=0.13"],
    "opensmile": ["opensmile>=2.5"],
    "pretrained": ["onnxruntime>=1.24.1"],
    "export": ["torch>=2.6", "transformers>=5.0", "onnx>=1.17", "onnxruntime>=1.24.1"],
}


def how_to_install(extra: str) -> str:
    """Return the command that installs the packages of an extra.

    Examples
    --------
    >>> print(how_to_install("pretrained"))
    python -m pip install "onnxruntime>=1.24.1"
    """
    packages = " ".join(f'"{package}"' for package in EXTRAS[extra])
    return f"python -m pip install {packages}"


def import_extra(module: str, extra: str, needed_by: str) -> ModuleType:
    """Import a module of an extra, or say how to get it.

    Parameters
    ----------
    module : str
        The module, such as "matplotlib.pyplot".
    extra : str
        A key of ``EXTRAS``.
    needed_by : str
        The public name that needs it.

    Returns
    -------
    module : module

    Raises
    ------
    ImportError
        If it is not installed, or cannot be imported.

    Examples
    --------
    >>> import_extra("matplotlib.pyplot", "plotting", "ConfusionDisplay").__name__
    'matplotlib.pyplot'
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{needed_by} needs {module.partition('.')[0]}, which cannot be imported "
            f"({error}). Install it: {how_to_install(extra)}"
        ) from error
