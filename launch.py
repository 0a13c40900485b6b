"""The one command: read a config, plan, run what is missing, report.

    python launch.py [run] CONFIG [KEY=VALUE ...] [--only AXIS=VALUE ...] [--force [KIND ...]] [--retry-failed]
    python launch.py dry-run | status | check-data CONFIG [KEY=VALUE ...]
    python launch.py verify [CONFIG ...]
    python launch.py prune CONFIG ... [--yes]
    python launch.py predict | export | serve --cell KEY ...

Exit status: 0 every cell stands; 1 some failed; 2 the config or the data is at fault; 130 interrupted.
"""

import os
import sys
from collections.abc import Sequence

from motor.commands import line


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    return line.main(list(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
