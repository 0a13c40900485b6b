"""Check the files that a report reads against their digests, so that no number of it is damaged."""

from collections.abc import Iterable

from grid.plan.plan import Cell
from grid.stage import Stage
from grid.store.manifest import DamagedError, damages
from grid.store.store import Store


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
        if stage.READ is None:
            store.verified(stage)
            return None
        folder = store.folder(stage)
        found = damages(folder, stage.READ)
    except DamagedError as error:
        return error
    if not found:
        return None
    store.set_aside(folder, found)
    return DamagedError(folder, found)
