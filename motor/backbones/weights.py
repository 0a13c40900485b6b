"""Folders of weights in the stock format (`config.json` and safetensors): find, check, load, save.

The library loads a Chronos-Bolt folder that lacks its head without a word and gives the head random values,
so the names of the tensors are compared with the model's after every load and every save.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from motor.lazy import huggingface_hub, safetensors, torch, transformers

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
HUB_FILES = ["config.json", "*.safetensors", "*.safetensors.index.json"]


class WeightsError(ValueError):
    """A folder of weights is missing, incomplete, or of another model family."""


def weights_folder(weights: str) -> Path:
    """Return the local folder that `weights` means, checked for its files.

    Parameters
    ----------
    weights : str
        A local folder in the stock format, or a name on the Hugging Face hub such as
        ``amazon/chronos-bolt-base``. A hub name is looked up in the local cache first, then downloaded.

    Raises
    ------
    WeightsError
        If there is no such folder or hub name, or a file is missing from it.
    """
    folder = Path(weights).expanduser()
    if not folder.is_dir():
        if not HUB_NAME.fullmatch(weights):
            raise WeightsError(
                f"no folder {weights!r}; give a local folder with config.json and model.safetensors, "
                "or a hub name such as amazon/chronos-bolt-base"
            )
        folder = _hub_snapshot(weights)
    read_config(folder)
    tensor_files(folder)
    return folder


def check_no_sizes(weights: str | None, given: Sequence[str]) -> None:
    """Raise ValueError where sizes are given beside weights, which have their own: they would only seem to change them.

    Parameters
    ----------
    weights : str or None
    given : sequence of str
        Settings of sizes that a config names.
    """
    if weights is None or not given:
        return
    are, them = ("is", "it") if len(given) == 1 else ("are", "them")
    raise ValueError(
        f"{', '.join(given)} {are} given beside weights: {weights!r}, which have their own sizes; take {them} out, or "
        "start from no weights (weights: null)"
    )


def is_at_hand(weights: str) -> bool:
    """Tell whether `weights` is a local folder or in the hub's local cache: nothing is downloaded to find out."""
    return Path(weights).expanduser().is_dir() or (HUB_NAME.fullmatch(weights) is not None and bool(_cached(weights)))


def model_files(folder: Path) -> list[Path]:
    """Return the files of a folder of weights that decide what the model forecasts."""
    return [folder / "config.json", *tensor_files(folder)]


def read_config(folder: Path) -> dict[str, Any]:
    """Return a folder's config.json; a folder that holds only an adapter is an error of its own."""
    if (folder / "adapter_config.json").is_file():
        raise WeightsError(
            f"{folder} holds a LoRA adapter (adapter_config.json), not a whole model; "
            "merge it with `merge_and_unload()` and save the result"
        )
    try:
        return json.loads((folder / "config.json").read_text())
    except FileNotFoundError:
        raise WeightsError(f"{folder} has no config.json; is it a folder saved by `save_pretrained`?") from None
    except ValueError as error:
        raise WeightsError(f"{folder / 'config.json'} is not valid JSON: {error}") from None


def tensor_files(folder: Path) -> list[Path]:
    """Return the safetensors files of a folder, by name, those that its index names included."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        files = [folder / name for name in sorted(set(json.loads(index.read_text())["weight_map"].values()))]
    else:
        files = [folder / "model.safetensors"]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise WeightsError(f"{folder} lacks {', '.join(missing)}; copy the whole folder or save the model again")
    return files


def tensor_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor that a folder's safetensors files hold, without reading the values."""
    shapes: dict[str, tuple[int, ...]] = {}
    for file in tensor_files(folder):
        try:
            with safetensors.safe_open(file, framework="pt") as tensors:
                shapes |= {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
        except safetensors.SafetensorError as error:
            raise WeightsError(f"{file} ({file.stat().st_size} bytes) is cut short or damaged: {error}") from None
    return shapes


def check_tensors(folder: Path, model: "torch.nn.Module") -> None:
    """Raise unless the folder holds every tensor of `model`, with its shape.

    Tensors that share memory with another (the tied token embeddings) count as one. Tensors that the model
    does not have are let through: old checkpoints carry a few.
    """
    shapes = tensor_shapes(folder)
    tied = set(getattr(model, "_tied_weights_keys", None) or ())
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items() if name not in tied}
    missing = sorted(set(expected) - set(shapes))
    if missing:
        raise WeightsError(
            f"{folder} lacks {len(missing)} of the model's {len(expected)} tensors: {shortened(missing)}"
        )
    unequal = [f"{name} {shapes[name]} for {shape}" for name, shape in expected.items() if shapes[name] != shape]
    if unequal:
        raise WeightsError(f"{folder} holds tensors of another shape than its config.json says: {shortened(unequal)}")


def shortened(names: Iterable[str], count: int = 6) -> str:
    """Return the first names as one phrase, with the number of those left out."""
    names = list(names)
    return ", ".join(names[:count]) + (f" and {len(names) - count} more" if len(names) > count else "")


def load_model(model_class: Any, config: Any, folder: Path) -> Any:
    """Load a stock model in float32 and in evaluation mode, its tensors checked, with no output and no RNG used."""
    with quiet(), torch.random.fork_rng(devices=[]), torch.device("meta"):
        expected = model_class(config)
    check_tensors(folder, expected)
    with quiet(), torch.random.fork_rng(devices=[]):
        return model_class.from_pretrained(folder, config=config, dtype=torch.float32).eval()


def save_model(model: Any, folder: Path) -> None:
    """Write a stock folder (config.json, model.safetensors) and check what was written by reading it again.

    Raises
    ------
    WeightsError
        If the model is not float32 throughout, or a tensor is missing from what was written.
    """
    odd = sorted(name for name, value in model.state_dict().items() if value.dtype != torch.float32)
    if odd:
        raise WeightsError(f"the model is to be saved in float32, but these tensors are not: {shortened(odd)}")
    folder.mkdir(parents=True, exist_ok=True)
    with quiet():
        model.save_pretrained(folder)
    check_tensors(folder, model)


@contextmanager
def quiet() -> Iterator[None]:
    """Switch off transformers' progress bars and load reports, and put back what was set before."""
    verbosity, bars, hub_bars = (
        transformers.utils.logging.get_verbosity(),
        transformers.utils.logging.is_progress_bar_enabled(),
        not huggingface_hub.utils.are_progress_bars_disabled(),
    )
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.utils.logging.set_verbosity(verbosity)
        if bars:
            transformers.utils.logging.enable_progress_bar()
        if bars and not hub_bars:
            huggingface_hub.utils.disable_progress_bars()


def _hub_snapshot(name: str) -> Path:
    """Return the local snapshot of a hub name; the cache answers without the network."""
    if cached := _cached(name):
        return cached
    try:
        with quiet():
            return Path(huggingface_hub.snapshot_download(name, allow_patterns=HUB_FILES))
    except (OSError, ValueError, huggingface_hub.errors.LocalEntryNotFoundError) as error:
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
        raise WeightsError(
            f"no local folder {name!r}, and the hub did not give it{offline}: {error}; "
            "download it on a machine with a network and give the folder's path"
        ) from error


def _cached(name: str) -> Path | None:
    """Return the snapshot of a hub name in the local cache, if it is there."""
    try:
        folder = Path(huggingface_hub.snapshot_download(name, allow_patterns=HUB_FILES, local_files_only=True))
    except huggingface_hub.errors.LocalEntryNotFoundError:
        return None
    return folder if (folder / "config.json").is_file() else None
