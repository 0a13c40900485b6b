"""A tiny training, as the tests run it here and in processes of their own.

There `TASK` says which, and the result lies in its file.
"""

import ctypes
import itertools
import os
import resource
import signal
import warnings
from pathlib import Path

import numpy as np
import torch

from motor.backbones.batch import Batch
from motor.backbones.training import ALONE, OutOfMemory, Place, Training, TrainingError, train
from motor.registry import plugins

TINY = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2}
CONTEXT, HORIZON = 64, 24
M_MMAP_THRESHOLD = -3  # malloc.h
BYTES_A_WINDOW = 17_500  # of a step of the tiny Bolt in float32
SETTINGS = {"num_steps": 12, "learning_rate": 1e-3, "validate_every": 4, "log_every": 3, "checkpoint_every": 5}


def sine_windows(step, n_windows=4):
    generator = np.random.default_rng([9, step])
    phase = generator.uniform(0, 6.28, (n_windows, 1))
    signal = np.sin(np.arange(CONTEXT + HORIZON) * 0.4 + phase) + 0.1 * generator.standard_normal((n_windows, 88))
    signal = signal.astype("float32")
    return Batch(signal[:, :64], signal[:, 64:], np.arange(n_windows) % 2, 100 * step + np.arange(n_windows))


def held_out():
    return [sine_windows(10**6), sine_windows(10**6 + 1), sine_windows(10**6 + 2, 3)]


def shares(ends, broken_row=None):
    """Deal each step's rows out: worker r has those from ends[r] to ends[r + 1]."""

    def batches(first, place):
        for step in itertools.count(first):
            whole = sine_windows(step, ends[-1])
            if broken_row is not None and step == 2:
                whole.context_BT[broken_row, 0] = np.inf
            rows = slice(ends[place.rank], ends[place.rank + 1]) if place.world_size > 1 else slice(None)
            yield whole.rows(rows)

    return batches


def forecaster_of(kind, domains=("a", "b")):
    return plugins("motor.backbones")[kind](**TINY).create(CONTEXT, HORIZON, (0.1, 0.5, 0.9), 0.1, domains, 0)


def weights_of(forecaster):
    return torch.cat([weight.detach().flatten() for weight in forecaster.model.parameters()])


def kill_at(step):
    def report(row):
        if step is not None and row["step"] >= step:
            os.kill(os.getpid(), signal.SIGKILL)

    return report


def fine_tune(
    kind, settings, folder=None, killed_at=None, place=ALONE, ends=(0, 4), broken_row=None, domains=("a", "b"), **more
):
    """Train a fresh tiny forecaster; return its weights and history."""
    forecaster = forecaster_of(kind, domains)
    batches = shares(ends, broken_row)
    settings = Training(**(SETTINGS | settings))
    try:
        history = train(
            forecaster,
            lambda first: batches(first, place),
            held_out,
            settings,
            3,
            folder,
            kill_at(killed_at),
            place=place,
            **more,
        )
    except TrainingError as error:
        return {"error": str(error)}
    return {"weights": weights_of(forecaster), "history": history, "trained_in": forecaster.trained_in}


def in_little_memory(task):
    """Train on batches that grow by far in step 6, with memory for half of them; start again as often as told to."""
    rows, folder = task["rows"], task["folder"]
    settings = Training(**(SETTINGS | {"num_steps": 8, "log_every": 1, "dropout_rate": 0.0, "precision": "float32"}))
    fine_tune("bolt", {"num_steps": 2})  # what is imported late is there
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 2**16)  # large blocks are the system's, which counts them exactly
    held = free_heap()
    enough = memory("VmData") + round(0.75 * rows * BYTES_A_WINDOW)
    resource.setrlimit(resource.RLIMIT_DATA, (enough, resource.RLIM_INFINITY))
    starts, said = [], []

    def batches(first):
        starts.append(first)
        return (sine_windows(step, rows if step >= 6 else 4) for step in itertools.count(first))

    while True:
        try:
            history = train(forecaster_of("bolt"), batches, None, settings, 3, folder, lambda row: None)
            return {"history": history, "starts": starts, "said": said, "held": len(held)}
        except OutOfMemory as error:
            said.append(str(error))


def free_heap():
    """Take what imports left free in the heap, which would serve a step beside the limit."""
    held = []
    for size in (2**22, 2**20, 2**18, 2**16):
        before = memory("VmData")
        while memory("VmData") == before:
            held.append(bytearray(size))
    return held


def memory(name):
    """Return an entry of this process's status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def as_worker(task):
    """One of several workers, which meet at a file."""
    place = Place(task["rank"], task["world_size"])
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.distributed.init_process_group("gloo", f"file://{task['meeting']}", None, place.world_size, place.rank)
    try:
        return [fine_tune(place=place, **arguments) for arguments in task["trainings"]]
    finally:
        torch.distributed.destroy_process_group()


WAYS = {"worker": as_worker, "in_little_memory": in_little_memory, "alone": lambda task: fine_tune(**task["training"])}


def main(task):
    warnings.simplefilter("error")
    torch.set_num_threads(1)
    torch.save(WAYS[task["way"]](task), task["result"])


if "TASK" in globals():
    main(globals()["TASK"])
