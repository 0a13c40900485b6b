"""The one command: read a config, plan, run what is missing, report.

    python launch.py [run] CONFIG [KEY=VALUE ...] [--only AXIS=VALUE ...] [--force [KIND ...]] [--retry-failed]
    python launch.py dry-run | status | check-data CONFIG [KEY=VALUE ...]
    python launch.py data list | describe PATH [--write CONFIG]
    python launch.py verify [CONFIG ...]
    python launch.py prune CONFIG ... [--yes]
    python launch.py predict | export | serve --cell KEY ...
    python launch.py finalize | embed CONFIG [KEY=VALUE ...] [--cell KEY]

Exit status: 0 every cell stands; 1 some failed; 2 the config or the data is at fault; 130 interrupted.
"""

import gc
import os
import sys
from collections.abc import Sequence

from grid.screen.terminal import open_standard_streams
from motor.commands import line


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    return line.main(list(sys.argv[1:] if argv is None else argv))


def _with_names_of_any_alphabet() -> None:
    """Let files and terminals have names that their encoding does not: begin anew in UTF-8, or escape what is shown."""
    if sys.getfilesystemencoding() == "ascii":  # LC_ALL=C: no name of another alphabet can even be opened
        variables = {
            "PYTHONUTF8": "1",
            "PYTHONIOENCODING": os.environ.get("PYTHONIOENCODING", "ascii:backslashreplace"),
        }
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **variables})
    open_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


if __name__ == "__main__":
    gc.set_threshold(100_000)  # of what imports make nearly all stays; the default of 700 looks through it for 0.3 s
    _with_names_of_any_alphabet()
    if sys.flags.optimize > 1:  # it takes out the docstrings that Ray reads
        sys.exit("python -OO runs no Ray; run the same command by python, or by python -O")
    try:
        status = main()
        gc.freeze()  # Python would look through all that was imported several times before it ends: half a second
        sys.exit(status)
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
