"""Tiny trainings, in this process and in processes of their own."""

import importlib.util
import multiprocessing
import runpy
from pathlib import Path

import pytest
import torch

PROGRAM = Path(__file__).with_name("tiny_training.py")
PRELOADED = ["torch", "chronos.chronos_bolt", "chronos.chronos2.model", "motor.backbones.chronos.bolt"]


@pytest.fixture(scope="session")
def tiny():
    """The module of tiny trainings."""
    spec = importlib.util.spec_from_file_location("tiny_training", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def start():
    """Start a task in a process of its own; a server that has imported torch once makes them, so each is quick."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)

    def start(task):
        process = context.Process(target=runpy.run_path, args=(str(PROGRAM), {"TASK": task}))
        process.start()
        return process

    return start


@pytest.fixture
def two_workers(start, tmp_path):
    """Run trainings one after the other on two workers; return for each what the workers came to."""

    def run(*trainings):
        tasks = [
            {"way": "worker", "rank": rank, "world_size": 2, "meeting": tmp_path / "meeting", "trainings": trainings}
            for rank in range(2)
        ]
        results = [tmp_path / f"{rank}.pt" for rank in range(2)]
        processes = [start(task | {"result": result}) for task, result in zip(tasks, results, strict=True)]
        for process in processes:
            process.join(120)
        assert [process.exitcode for process in processes] == [0, 0]
        return list(zip(*map(torch.load, results), strict=True))

    return run
