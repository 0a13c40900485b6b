"""Check tables of vectors against a grid's data, before anything runs."""

from collections.abc import Iterable, Sequence

from grid.stage import Stage
from grid.store.store import Store
from motor.recordings.table import open_recordings
from motor.stages.faults import input_faults
from motor.stages.given import GivenVectors
from motor.stages.prepare import Prepare


def check_tables(stages: Iterable[Stage], store: Store) -> None:
    """Raise InputError if a table that a stage is to be built from is at fault, or has no vector of an item.

    The items are those of the imported recordings, or, before the import, those that the reader names without reading
    a signal. What the reader cannot tell so far (which bad series are skipped, whose labels are hidden) is found when
    the stage is built.
    """
    read, needed = dict[str, object](), dict[tuple[str, tuple[str, ...]], Sequence[str]]()
    for stage in stages:
        if not isinstance(stage, GivenVectors):
            continue
        vectors = read[stage.content_digest] = read.get(stage.content_digest) or stage.read()
        place = stage.prepared.key, stage.domains
        if place not in needed:
            needed[place] = _items(stage.prepared, stage.domains, store)
        items = needed[place]
        if stage.prepared.recordings.reader.series_length is not None and not store.holds(stage.prepared.recordings):
            whole = {str(item).rpartition("#")[0] for item in vectors.table["item"]}  # type: ignore[attr-defined]
            items = [item for item in items if item not in whole]
        stage.check(vectors, items)  # type: ignore[arg-type]


def _items(prepared: Prepare, domains: tuple[str, ...], store: Store) -> list[str]:
    """Return the items of some domains that certainly need a vector, as far as they are known."""
    if prepared.labelled_share < 1:
        return []
    recordings = prepared.recordings
    if store.holds(recordings):
        meta = open_recordings(store.folder(recordings)).meta
        known = getattr(prepared.labels, "known", lambda meta: meta)(meta)
        with input_faults():
            known = prepared.scored(known)
        return known.loc[known["domain"].isin(domains), "item"].tolist()
    reader = recordings.reader
    if reader.on_bad_series == "skip" or prepared.labels is not None or prepared.references:
        return []
    with input_faults():
        named = list(reader.named())
    return [item for item, of in named if of["domain"] in domains and of["label"] is not None]
