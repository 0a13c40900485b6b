"""The device that a stage computes on."""

from grid.stage import Resources


def held_device(resources: Resources) -> str:
    """Return the device that a worker holds, and keep torch to the CPUs that it holds."""
    import torch

    torch.set_num_threads(max(1, int(resources.cpus)))
    if not resources.gpus:
        return "cpu"
    if not torch.cuda.is_available():
        raise RuntimeError(
            "a GPU was asked for (resources.*.gpus), but torch sees none on this node; install a CUDA build"
        )
    return "cuda"
