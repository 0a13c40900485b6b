"""What a report reads of the stages, compared with what was written before it is read: no number of it is damaged."""

from collections.abc import Iterable

from grid.plan.plan import Cell
from grid.stage import Stage
from grid.store.manifest import DamagedError, damages
from grid.store.store import Store
from motor.stages.classify import Classify
from motor.stages.described import Described
from motor.stages.recordings import ImportRecordings

WHOLE = (Classify, Described, ImportRecordings)  # all of whose files are read or linked
COST = "provenance.json"
READ = {"prepare": ("split.csv", COST), "audit": ("audit.json", COST)}  # of others; large files are not


def set_damaged_aside(cells: Iterable[Cell], store: Store) -> list[DamagedError]:
    """Compare what the report of some cells is made from with its digests; set aside what is damaged.

    Parameters
    ----------
    cells : iterable of Cell
        Of these, the ones that stand are looked at.
    store : Store

    Returns
    -------
    list of DamagedError
        One for each damaged stage. A folder that was looked at whole is not read again in this process.
    """
    cells = list(cells)
    standing = store.held({cell.stage.key: cell.stage for cell in cells}.values())
    stages = {stage.key: stage for cell in cells if cell.stage.key in standing for stage in cell.walk()}
    held = store.held(stages.values())
    return [error for key in stages if key in held and (error := _damage(stages[key], store)) is not None]


def _damage(stage: Stage, store: Store) -> DamagedError | None:
    try:
        if isinstance(stage, WHOLE):
            store.verified(stage)
            return None
        folder = store.folder(stage)
        found = damages(folder, READ.get(stage.KIND, (COST,)))
    except DamagedError as error:
        return error
    if not found:
        return None
    store.set_aside(folder, found)
    return DamagedError(folder, found)
