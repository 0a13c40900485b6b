"""Runs a list of fine-tunes as one of several workers would: python ranks.py RANK WORLD_SIZE STORE_OF_WORKPLACES."""

import pickle
import sys
from pathlib import Path

import torch

from motor.backbones.training import Place
from motor.stages.finetune import run_finetune

if __name__ == "__main__":
    rank, world_size, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    meeting = f"file://{folder / 'meeting'}"
    torch.distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=world_size)
    for stage, workplace in pickle.loads((folder / "tasks.pkl").read_bytes()):
        run_finetune(stage, workplace, Place(rank, world_size), lambda row: None)
        torch.distributed.barrier()
    torch.distributed.destroy_process_group()
