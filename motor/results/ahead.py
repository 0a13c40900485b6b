"""What a report is made with is imported while a launch waits for its stages, so that the end does not wait for it."""

import importlib
import threading

# The slowest to import of what results are laid out, judged and drawn with.
LIBRARIES = ("scipy.signal", "scipy.stats", "matplotlib.figure", "matplotlib.backends.backend_agg")


class ImportsAhead:
    """Imports libraries in a thread of its own, from the first call on."""

    def __init__(self) -> None:
        self._thread = threading.Thread(target=_import_all, name="imports ahead", daemon=True)

    def __call__(self) -> None:
        """Begin, unless that is done."""
        if self._thread.ident is None:
            self._thread.start()

    def wait(self) -> None:
        """Wait until all that was begun is imported."""
        if self._thread.ident is not None:
            self._thread.join()


def _import_all() -> None:
    for library in LIBRARIES:
        importlib.import_module(library)
