"""Packages that take long to import, each imported when something of it is first used.

``from motor.lazy import torch`` takes no time; ``torch.tensor(...)`` imports torch. So the command line, the launcher
and light workers may use any function of the project and pay only for what they call. Ray stands apart, in
`motor.lazy_ray`, for few rooms may know it. What lies deeper is ``Lazy("statsmodels.stats.power")``.

A class of torch or scikit-learn that is derived from, and a decorator, need the package at import: such files import it
as usual, and are themselves imported inside the function that needs them.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__all__ = [
    "Lazy",
    "alembic",
    "captum",
    "chronos",
    "cleanlab",
    "faiss",
    "h5py",
    "huggingface_hub",
    "joblib",
    "lightgbm",
    "matplotlib",
    "nptdms",
    "numba",
    "numpy",
    "orjson",
    "pandas",
    "peft",
    "plotly",
    "psutil",
    "pyarrow",
    "safetensors",
    "scikit_posthocs",
    "scipy",
    "sklearn",
    "soundfile",
    "tensorboard",
    "threadpoolctl",
    "torch",
    "transformers",
    "yaml",
]


class Lazy:
    """A package, imported when an attribute or a submodule of it is first asked for.

    Threads may ask at once: Python's own import has a lock for each module (`importlib.util.LazyLoader` has none in
    Python 3.11). Nothing is remembered here, so what replaces a package in `sys.modules` is what is found.
    """

    __slots__ = ("_package",)

    def __init__(self, package: str) -> None:
        self._package = package

    def __getattr__(self, name: str) -> Any:
        package = import_module(self._package)
        try:
            return getattr(package, name)
        except AttributeError:
            return _submodule(package, name)

    def __reduce__(self) -> tuple[type["Lazy"], tuple[str]]:
        return Lazy, (self._package,)


def _submodule(package: ModuleType, name: str) -> ModuleType:
    if name.startswith("__"):  # what `inspect` and `pickle` look for in every object
        raise AttributeError(name)
    full = f"{package.__name__}.{name}"
    try:
        return import_module(full)
    except ModuleNotFoundError as error:
        if error.name != full:
            raise
        raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}") from None


if TYPE_CHECKING:
    import alembic
    import captum
    import chronos
    import cleanlab
    import faiss
    import h5py
    import huggingface_hub
    import joblib
    import lightgbm
    import matplotlib
    import nptdms
    import numba
    import numpy
    import orjson
    import pandas
    import peft
    import plotly
    import psutil
    import pyarrow
    import scikit_posthocs
    import scipy
    import sklearn
    import soundfile
    import tensorboard
    import threadpoolctl
    import torch
    import transformers
    import yaml

    safetensors: Any  # its submodules are no attributes of it to mypy
else:
    for _name in __all__[1:]:
        globals()[_name] = Lazy(_name)
