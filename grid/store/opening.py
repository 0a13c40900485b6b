"""Open a storage by what the command line calls it."""

from pathlib import Path

from grid.store.store import Store

OBJECTS = "s3://"


def open_store(location: str) -> Store:
    """Return the store at a folder, or at ``s3://bucket/prefix``.

    Raises
    ------
    StoreError
        If an object storage does not answer, or cannot do what is asked of it.
    """
    if location.startswith(OBJECTS):
        from grid.store.remote import RemoteStore  # which no store on a disk needs

        return RemoteStore.at(location)
    return Store(Path(location).absolute())
