"""Names of drafts: what is written there, and by which process of which machine."""

import os
import re
import socket
import uuid

from grid.store.processes import lives_here, process_started

NAME = re.compile(r".+\+(?P<host>[^+]+)\+(?P<pid>[0-9]+)-(?P<started>[0-9]+)\+[^+]+")


def draft_name(what: str) -> str:
    """Return the name of a new draft of this process: ``<what>+<host>+<pid>-<start>+<random>``."""
    pid = os.getpid()
    return f"{what}+{socket.gethostname()}+{pid}-{process_started(pid)}+{uuid.uuid4().hex[:8]}"


def writer_lives(name: str) -> bool | None:
    """Tell whether the process that a draft is named after lives; None if it cannot be told from here."""
    found = NAME.fullmatch(name)
    if found is None or found["host"] != socket.gethostname():
        return None
    return lives_here(int(found["pid"]), int(found["started"]))
