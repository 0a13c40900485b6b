"""How many windows go through a model in one pass: found from the memory that a pass takes.

What decides is counted, not timed, so that the same machine finds the same size again: a forecast differs by about
1e-7 between batch sizes, and a run that is repeated should give the same numbers to the last digit.
"""

import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from motor.backbones.training.memory import is_out_of_memory, note_tried, remembered
from motor.lazy import torch

Result = TypeVar("Result")

CPU_BYTES = 64 << 20
"""What a pass may take on a CPU: more leaves its caches, and is slower.

Contexts of 4096 samples, models of width 256 and 4 blocks, one thread, ms a window: Chronos-2 62 (1 window a pass),
52 (2 to 4), 60 (16), 73 (64), 90 (128); Chronos-Bolt 52, 40 (4 to 8), 45, 48, 53.
"""
GPU_BYTES = 8 << 30
"""What a pass may take on a GPU, which is busy long before; never more than `GPU_SHARE` of its memory."""
GPU_SHARE = 0.25


class BatchSize:
    """The size of batches for one kind of pass; it grows over the first ones, and shrinks where memory runs out.

    Attributes
    ----------
    size : int
        Windows that the next pass takes.
    """

    def __init__(
        self, asked: int | None, device: "torch.device | str", say: Callable[[str], None], notes: Path | None = None
    ) -> None:
        """Begin with `asked`, which is then kept, or (None) with 1; `say` is called once memory ran out.

        In the folder `notes` stands what is tried, for `motor.backbones.training.memory.shrink_batch`, and after that
        the most that may be.
        """
        self._notes, self._noted = notes, 0
        self._most = remembered(notes)
        self.size = self._at_most(asked or 1)
        self._is_found = asked is not None
        self._limit_bytes = limit_bytes(device)
        self._say = say
        self._has_said = False

    def passes(
        self, n_windows: int, work: Callable[[range], Result], end_of_batch: Callable[[int, int], int] | None = None
    ) -> Iterator[Result]:
        """Yield ``work(numbers)`` of the windows 0 to `n_windows` - 1, in order, a batch at a time.

        Parameters
        ----------
        n_windows : int
        work : callable
            Called with the numbers of a batch; called again with fewer of them where memory ran out.
        end_of_batch : callable or None
            ``end_of_batch(first, size)`` is where a batch of about `size` may end that begins with number `first`, for
            windows that must not be parted. None: anywhere.

        Raises
        ------
        MemoryError
            If memory runs out with the smallest batch there can be.
        """
        ends, first = end_of_batch or (lambda first, size: min(first + size, n_windows)), 0
        self._noted = 0  # others may have left theirs
        while first < n_windows:
            numbers = range(first, ends(first, self.size))
            try:
                result = self._pass(numbers, work)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                self._shrink(len(numbers), ends(first, 1) - first, error)
                continue
            yield result
            first = numbers.stop

    def _pass(self, numbers: range, work: Callable[[range], Result]) -> Result:
        """Do one pass; while the size is not found, see what it takes."""
        self._note()
        if self._is_found:
            return work(numbers)
        with counting() as counted:
            result = work(numbers)
        if len(numbers) >= self.size:  # the last batch of a series of them may be smaller
            self._is_found = 2 * counted.peak_bytes > self._limit_bytes or self.size == self._most
            self.size = self.size if self._is_found else self._at_most(2 * self.size)
        return result

    def _note(self) -> None:
        """Write down what is about to be tried: a process that is killed for it has no chance to say it."""
        if self._notes is not None and self.size != self._noted:
            note_tried(self._notes, self.size)
            self._noted = self.size

    def _at_most(self, size: int) -> int:
        return size if self._most is None else min(size, self._most)

    def _shrink(self, n_windows: int, least: int, error: Exception) -> None:
        """Halve the size, for good."""
        if n_windows == least:
            raise MemoryError(
                f"memory ran out with {n_windows} window{'s' if n_windows > 1 else ''} a pass ({error}); shorten "
                "context_length, take a smaller backbone, or give the stage more memory (resources)"
            ) from error
        self.size, self._is_found = max(1, n_windows // 2), True
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if not self._has_said:
            self._say(f"memory ran out with {n_windows} windows a pass; going on with {self.size}, or fewer if need be")
        self._has_said = True


def limit_bytes(device: "torch.device | str") -> int:
    """Return what the tensors of one pass may take on a device: the same each time, whatever else runs there."""
    device = torch.device(device)
    if device.type != "cuda":
        return CPU_BYTES
    return min(GPU_BYTES, int(GPU_SHARE * torch.cuda.get_device_properties(device).total_memory))


def counting() -> AbstractContextManager[Any]:
    """Return a context that counts the bytes of tensors made in it that live at one time: its `peak_bytes`.

    On a CPU there is nothing else that tells them: memory that the process holds also depends on what it held before.
    """

    class Counting(torch.utils._python_dispatch.TorchDispatchMode):
        """Adds up storages as operations return them, until they are freed."""

        def __init__(self) -> None:
            super().__init__()
            self.live_bytes = self.peak_bytes = 0
            self._known: set[int] = set()

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            returned = func(*args, **(kwargs or {}))
            for tensor in torch.utils._pytree.tree_iter(returned):
                if isinstance(tensor, torch.Tensor):
                    self._count(tensor.untyped_storage())
            return returned

        def _count(self, storage: Any) -> None:
            if id(storage) in self._known:
                return
            self._known.add(id(storage))
            self.live_bytes += storage.nbytes()
            self.peak_bytes = max(self.peak_bytes, self.live_bytes)
            weakref.finalize(storage, self._forget, id(storage), storage.nbytes())

        def _forget(self, known: int, n_bytes: int) -> None:
            self._known.discard(known)
            self.live_bytes -= n_bytes

    return Counting()
