"""The endpoint: FastAPI on Ray Serve; requests that come together are judged together."""

import asyncio
import contextlib
import io
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import ray
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse
from ray import serve
from starlette.background import BackgroundTask

from grid.run.cluster import RayError
from grid.run.ray_private import on_loopback
from grid.screen.terminal import Interrupt
from motor.lazy import torch
from motor.predicting.access import BadRequest, Settings, check_token
from motor.predicting.faults import Fault, Outcome
from motor.predicting.inputs import InputOptions
from motor.predicting.page import OPERATION, page
from motor.predicting.parts import CellParts
from motor.predicting.predictor import Predictor
from motor.predicting.serving import Body, check_encoding, query_of, recordings_of
from motor.predicting.shadowing import Keeper, Shadow, start_challenger
from motor.predicting.together import answer, judge_together
from motor.recordings.recording import Recording
from motor.registry.sources import Carried, sources_in

MOST_TOGETHER = 16
WAIT_S = 0.002  # for more requests to be judged with
LOOK_S = 0.2  # between looks at whether it is to end
NAME = "motor-grid"

app = FastAPI(title="motor-grid", description="Judges recordings of motors.", docs_url=None, redoc_url=None)


@serve.deployment
@serve.ingress(app)
class Judge:
    """One process that holds the models."""

    def __init__(self, parts: Carried, settings: Settings, challenger: Any = None) -> None:
        torch.set_num_threads(settings.threads)
        self.settings = settings
        self.shadow = None if challenger is None else Shadow(challenger)
        self.predictor = Predictor.open(parts.value, device="cuda" if settings.gpus else "cpu")
        self.input_options = InputOptions(self.predictor.domains, self.predictor.dataset)

    @app.get("/health", summary="Whether it answers, and what is loaded")
    async def health(self) -> dict[str, Any]:
        return {"status": "ok", **self.predictor.about()}

    @app.get("/docs", include_in_schema=False)
    async def docs(self) -> HTMLResponse:
        return HTMLResponse(page(app.openapi(), self.predictor.domains))

    @app.post("/predict", **OPERATION)
    async def predict(self, request: Request) -> JSONResponse:
        try:
            check_token(request.headers.get("authorization"), self.settings)
            check_encoding(request.headers.get("content-encoding"))
            query = query_of(request.query_params.multi_items())
            body = Body(request.headers.get("content-type", ""), await self._content(request), query)
            found = await asyncio.to_thread(lambda: list(recordings_of(body, self.input_options, self.settings)))
        except BadRequest as error:
            headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
            return JSONResponse({"error": error.reason}, status_code=error.status, headers=headers)
        faults = [one for one in found if isinstance(one, Fault)]
        recordings = [one for one in found if isinstance(one, Recording)]
        outcome = await self.judged(recordings)
        status, content = answer(Outcome(outcome.predictions, [*faults, *outcome.faults]))
        after = None if self.shadow is None else BackgroundTask(self._show, recordings, outcome)
        return JSONResponse(content, status_code=status, background=after)

    async def _show(self, recordings: list[Recording], outcome: Outcome) -> None:
        """Show the shadow what was answered; the next request of this connection does not wait for it, either."""
        assert self.shadow is not None
        asyncio.get_running_loop().run_in_executor(None, self.shadow.show, recordings, outcome)

    async def _content(self, request: Request) -> bytes:
        """Return the body, unless it is larger than allowed: it is then not read to its end."""
        largest = self.settings.largest_bytes
        too_large = BadRequest(413, f"the body is over {largest / 1e6:g} MB; send fewer or shorter recordings")
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > largest:
            raise too_large
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > largest:
                raise too_large
            parts.append(part)
        return b"".join(parts)

    @serve.batch(max_batch_size=MOST_TOGETHER, batch_wait_timeout_s=WAIT_S)
    async def judged(self, requests: list[list[Recording]]) -> list[Outcome]:
        """Judge what came together; health is answered meanwhile."""
        return await asyncio.to_thread(judge_together, self.predictor, requests)


def start(
    parts: Sequence[CellParts],
    settings: Settings,
    interrupt: Interrupt | None = None,
    shadow: tuple[Sequence[CellParts], Keeper] | None = None,
) -> None:
    """Start the endpoint in this process's Ray, or in an embedded one of this machine, and return when it answers.

    Parameters
    ----------
    parts : sequence of CellParts
    settings : Settings
    interrupt : Interrupt, optional
        That signals are to reach: Ray puts handlers of its own in place, which print where it was.
    shadow : (parts, Keeper), optional
        Another model that judges each request after its answer, and who keeps what the two call otherwise. Where it
        does not come up, requests are answered without it.

    Raises
    ------
    KeyboardInterrupt
        If a signal has come meanwhile.
    grid.run.cluster.RayError
        If Ray, or what serves on it, does not come up: in one line.
    """
    try:
        _start(parts, settings, interrupt, shadow)
    except Exception as error:  # Ray raises whatever it has at hand
        first = str(error).partition("\n")[0] or type(error).__name__
        raise RayError(f"the endpoint does not come up: {first}; the same command tries again") from error


def _start(
    parts: Sequence[CellParts],
    settings: Settings,
    interrupt: Interrupt | None,
    shadow: tuple[Sequence[CellParts], Keeper] | None,
) -> None:
    # A busy machine takes longer than the default of 5 s to start a process; Serve would kill it and start another.
    os.environ.setdefault("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "60")
    if not ray.is_initialized():
        n_cpus = (settings.replicas + (shadow is not None)) * settings.threads
        quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "warning"}
        with on_loopback() as loopback:  # only what answers requests listens elsewhere, where `host` says so
            ray.init(address="local", num_cpus=n_cpus, _node_ip_address=loopback, **quiet)
    if interrupt is not None:
        interrupt.listen()
        interrupt.check()
    serve.start(http_options={"host": settings.host, "port": settings.port}, logging_config=_quiet())
    options = {"num_cpus": settings.threads, "num_gpus": settings.gpus}
    deployment = Judge.options(  # type: ignore[attr-defined]
        num_replicas=settings.replicas,
        ray_actor_options=options,
        max_ongoing_requests=2 * MOST_TOGETHER,
        max_queued_requests=8 * MOST_TOGETHER,
    )
    challenger = None if shadow is None else _challenger(*shadow, settings)
    serve.run(deployment.bind(_carried(parts), settings, challenger), name=NAME, logging_config=_quiet())


def _challenger(parts: Sequence[CellParts], keeper: Keeper, settings: Settings) -> Any:
    """Return the shadow's process; None where it does not come up, for it is no reason to answer nobody."""
    try:
        return start_challenger(_carried(parts), keeper, settings)
    except Exception as error:  # Ray raises whatever it has at hand
        cause = str(error).strip().rpartition("\n")[2]
        print(f"warning: the shadow does not come up: {cause}; requests are answered without it", file=sys.stderr)
        return None


def _carried(parts: Sequence[CellParts]) -> Carried:
    return Carried(list(parts), tuple(source for part in parts for source in sources_in(part.stage.record)))


def _quiet() -> Any:
    return ray.serve.schema.LoggingConfig(log_level="WARNING", enable_access_log=False)


def wait(interrupt: Interrupt) -> None:
    """Serve until a signal has come, and raise KeyboardInterrupt then."""
    interrupt.listen()
    while True:
        interrupt.check()
        time.sleep(LOOK_S)


def stop() -> None:
    """End the endpoint, and the Ray that it has started."""
    if ray.is_initialized():
        hidden = io.StringIO()  # Ray tells the end of its own processes as failures
        with contextlib.redirect_stderr(hidden), contextlib.redirect_stdout(hidden):
            serve.shutdown()
            ray.shutdown()
