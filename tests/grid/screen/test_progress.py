"""The screen: counts, estimates, and text that is shown as it is."""

import io
import time
from types import ModuleType

import pytest

from grid.plan.plan import Cell, Plan, make_plan
from grid.screen.progress import Progress, Running
from grid.stage import Stage
from grid.store.store import Store


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def plan(store: Store, toy: ModuleType) -> Plan:
    """Two cells: four numbers, two sums, two squares."""
    sums = [toy.Sum((toy.Number(n), toy.Number(n + 10))) for n in range(2)]
    return make_plan([Cell({"end": n}, toy.Square(total)) for n, total in enumerate(sums)], store)


def of_kind(plan: Plan, kind: str) -> list[str]:
    return [key for key, stage in plan.missing.items() if kind == stage.KIND]


def spend(progress: Progress, keys: list[str], seconds: float) -> None:
    """Let stages run and end, one after the other, without waiting."""
    for key in keys:
        progress.start(key)
        progress.running[key].began -= seconds
        progress.finish(key)
    progress.started_at -= seconds * len(keys)


def quiet(plan: Plan) -> Progress:
    return Progress(plan, io.StringIO(), "ray.log")


def test_cells_done_counts_cells_whose_end_stands(plan: Plan) -> None:
    progress = quiet(plan)
    spend(progress, list(plan.missing)[:-1], 1)
    assert progress.cells_done() == 1
    spend(progress, list(plan.missing)[-1:], 1)
    assert progress.cells_done() == 2


def test_cells_done_counts_what_stood_before(store: Store, toy: ModuleType) -> None:
    with store.draft(toy.Number(1), {}):
        pass
    plan = make_plan([Cell({"end": n}, toy.Number(n)) for n in range(3)], store)
    assert quiet(plan).cells_done() == 1


def test_seconds_left_nothing_ended_is_unknown(plan: Plan) -> None:
    progress = quiet(plan)
    progress.start(next(iter(plan.missing)))
    assert progress.seconds_left() is None
    assert "time left not yet known" in progress.headline()


def test_seconds_left_of_unknown_kinds_is_guessed_by_the_others(plan: Plan) -> None:
    progress = quiet(plan)
    spend(progress, of_kind(plan, "number")[:3], 60)
    assert progress.seconds_left() == (pytest.approx(300, rel=0.01), False)
    assert "perhaps 5:00 left" in progress.headline()


def test_seconds_left_one_at_a_time_is_the_sum_of_means(plan: Plan) -> None:
    progress = quiet(plan)
    spend(progress, of_kind(plan, "number"), 10)
    for kind, seconds in (("sum", 100), ("square", 20)):
        spend(progress, of_kind(plan, kind)[:1], seconds)
    assert progress.seconds_left() == (pytest.approx(120, rel=0.01), True)
    assert "about 2:00 left" in progress.headline()


def test_seconds_left_two_at_a_time_is_half_but_no_less_than_the_longest_chain(plan: Plan) -> None:
    progress = quiet(plan)
    for kind in ("number", "sum", "square"):
        spend(progress, of_kind(plan, kind)[:1], 10)
    progress.started_at += 15  # 30 s of work in 15 s
    assert progress.seconds_left() == (pytest.approx(30, rel=0.01), True)  # a number, its sum, its square


def test_seconds_left_counts_what_a_running_stage_has_behind_it(plan: Plan) -> None:
    progress = quiet(plan)
    spend(progress, of_kind(plan, "number")[:3], 60)
    progress.lost = set(plan.missing) - set(of_kind(plan, "number"))
    for gone, left in ((45, 15), (90, 45)):  # longer than all others: half as long again
        progress.started_at = time.monotonic() - 180 - gone
        progress.running = {of_kind(plan, "number")[3]: Running(time.monotonic() - gone)}
        assert progress.seconds_left() == (pytest.approx(left, abs=1), True)


def test_seconds_left_is_the_same_whatever_day_it_is(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    progress = quiet(plan)
    spend(progress, of_kind(plan, "number")[:3], 60)
    progress.start(of_kind(plan, "number")[3])
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert progress.seconds_left() == (pytest.approx(5 * 60, rel=0.01), False)
    assert progress.snapshot()["running"][0]["seconds"] < 60


def test_seconds_left_of_a_stage_that_counts_its_steps_needs_none_that_ended(plan: Plan) -> None:
    progress = quiet(plan)
    progress.started_at -= 100
    progress.start(of_kind(plan, "number")[0])
    (running,) = progress.running.values()
    running.began -= 100
    running.tell({"step": 600, "of": 1000}, "")  # taken up again at 600
    running.first = (time.monotonic() - 50, 600)
    running.tell({"step": 700, "of": 1000}, "")
    assert running.seconds_left(time.monotonic()) == pytest.approx(150, rel=0.01)
    assert progress.seconds_left() == (pytest.approx(150 + 7 * 250, rel=0.01), False)


def test_seconds_left_is_never_less_than_what_the_longest_that_runs_has_left(plan: Plan) -> None:
    progress = quiet(plan)
    for key in of_kind(plan, "number")[:2]:
        spend(progress, [key], 100)
    progress.started_at += 150  # 4 at once
    progress.lost = set(plan.missing) - progress.done - {of_kind(plan, "number")[2]}
    progress.start(of_kind(plan, "number")[2])
    assert progress.seconds_left() == (pytest.approx(100, rel=0.01), True)


def test_seconds_left_failure_takes_what_hangs_on_it_away(plan: Plan) -> None:
    progress = quiet(plan)
    first, second = plan.cells
    bad = first.stage.inputs[0]
    spend(progress, [stage.key for stage in second.stage.walk()], 10)
    spend(progress, [stage.key for stage in bad.inputs], 10)
    progress.finish(bad.key, "ValueError: no")
    assert progress.seconds_left() == (0, True)
    assert "1 failed" in progress.headline()


def test_headline_names_cells_stages_running_and_time(plan: Plan) -> None:
    progress = quiet(plan)
    progress.started_at -= 3725
    progress.start(next(iter(plan.missing)))
    expected = "0/2 cells, 0/8 stages, 1 running, 1:02:05 gone, time left not yet known"
    assert progress.headline() == expected


def test_plain_stream_gets_a_first_and_a_last_line_and_no_more(plan: Plan) -> None:
    stream = io.StringIO()
    with Progress(plan, stream, "ray.log") as progress:
        spend(progress, list(plan.missing), 1)
        progress.tick()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("0/2 cells")
    assert lines[1].startswith("2/2 cells, 8/8 stages, 0 running")


def test_plain_stream_says_what_runs_where(plan: Plan) -> None:
    stream = io.StringIO()
    key = next(iter(plan.missing))
    with Progress(plan, stream, "ray.log") as progress:
        progress.connect("127.0.0.1:8265")
        progress.start(key)
        progress.advance(key, {"step": 5}, "node7 GPU 0")
    assert stream.getvalue().splitlines()[1] == "dashboard: http://127.0.0.1:8265"
    assert stream.getvalue().splitlines()[-1].endswith(f" | {plan.stages[key].label()} [node7 GPU 0] step 5")


def test_plain_stream_gets_a_line_now_and_then_without_events(plan: Plan) -> None:
    stream = io.StringIO()
    with Progress(plan, stream, "ray.log") as progress:
        progress._drawn_at -= 16
        progress.tick()
        progress.tick()
        assert len(stream.getvalue().splitlines()) == 2


def test_failure_strange_text_is_shown_as_it_is_in_one_line(store: Store, toy: ModuleType) -> None:
    stage: Stage = toy.Square(toy.Number(1))
    stream = io.StringIO()
    with Progress(make_plan([Cell({}, stage)], store), stream, "ray.log") as progress:
        progress.finish(stage.key, "KeyError: '[/raw]' :key: [red]" + "x" * 200 + "\nsecond line")
    line = stream.getvalue().splitlines()[1]
    assert line == f"failed square {toy.STRANGE_LABEL}: KeyError: '[/raw]' :key: [red]" + "x" * 200


def test_terminal_strange_text_is_drawn_and_the_screen_goes_at_the_end(store: Store, toy: ModuleType) -> None:
    stage: Stage = toy.Square(toy.Number(1))
    stream = Terminal()
    with Progress(make_plan([Cell({}, stage)], store), stream, "[/x].log") as progress:
        progress.connect("127.0.0.1:8265")
        progress.start(stage.key)
        progress.advance(stage.key, {"step": 3, "of": 10, "loss": 0.123456}, "[node7] GPU 0")
        progress.say("[red]")
        assert toy.STRANGE_LABEL in stream.getvalue()
        assert "[node7] GPU 0" in stream.getvalue()
        assert "step 3/10, loss 0.1235" in stream.getvalue()
        assert "http://127.0.0.1:8265" in stream.getvalue()
        assert "[/x].log" in stream.getvalue()
    assert stream.getvalue().rstrip().endswith("\x1b[2K")  # the last line is erased


def test_advance_of_a_stage_that_ended_is_ignored(plan: Plan) -> None:
    progress = quiet(plan)
    key = next(iter(plan.missing))
    spend(progress, [key], 1)
    progress.advance(key, {"step": 3})
    assert progress.running == {}
