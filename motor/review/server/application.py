"""The routes of a review, each with the permission that it needs."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from motor.review import views
from motor.review.database import people
from motor.review.database.chain import verify
from motor.review.database.decisions import Action, Decision, decide
from motor.review.database.people import ADJUDICATE, DECIDE, LOOK, MANAGE
from motor.review.faults import ConflictError, ReviewError
from motor.review.review import Review
from motor.review.server.signing_in import COOKIE, Door, RefusedError, Who
from motor.review.signals import sound, stretch

PAGE = Path(__file__).parents[1] / "page"
TYPES = {".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".html": "text/html"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
OPEN = ("/", "/assets", "/api/session")  # asked for before anybody has signed in
LARGEST_BODY = 100_000
Columns = Annotated[int, Query(ge=10, le=8000)]


class SentDecision(BaseModel):
    """A decision as the page sends it."""

    model_config = ConfigDict(extra="forbid")

    request_id: str = Field(min_length=1, max_length=100)
    item: str
    revision: int = Field(ge=0)
    action: Action
    label: str | None = None
    seen: dict[str, Any] = {}
    adjudicates: bool = False


class SentToken(BaseModel):
    """The token that a person signs in with."""

    model_config = ConfigDict(extra="forbid")

    token: str


class SentPerson(BaseModel):
    """A person to be added, as the page sends it."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=80)
    role: str


def make_application(review: Review, door: Door) -> FastAPI:
    """Return the application that serves a review.

    Parameters
    ----------
    review : Review
    door : Door
        Who is let in.
    """
    application = FastAPI(title=f"review of {review.name}", openapi_url=None)
    application.state.review, application.state.door = review, door
    _guard(application, door)
    _answer_faults(application)
    _add_page(application)
    _add_session(application)
    _add_looking(application)
    _add_deciding(application)
    _add_managing(application)
    return application


def _guard(application: FastAPI, door: Door) -> None:
    @application.middleware("http")
    async def guarded(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        try:
            door.check_place(request.headers)
            if int(request.headers.get("content-length") or 0) > LARGEST_BODY:
                raise RefusedError(413, f"a body has at most {LARGEST_BODY} bytes")
            response = await answer(request)
        except RefusedError as error:
            response = JSONResponse({"error": error.reason}, error.status)
        response.headers.update(HEADERS)
        return response


def _answer_faults(application: FastAPI) -> None:
    @application.exception_handler(ConflictError)
    def conflict(request: Request, error: ConflictError) -> Response:
        return JSONResponse({"error": str(error), "answer": error.answer}, 409)

    @application.exception_handler(ReviewError)
    def refused(request: Request, error: ReviewError) -> Response:
        return JSONResponse({"error": str(error)}, 400)

    @application.exception_handler(RefusedError)
    def not_let_in(request: Request, error: RefusedError) -> Response:
        return JSONResponse({"error": error.reason}, error.status)


def needs(permission: str) -> Any:
    """Return a FastAPI dependency that refuses requests without a permission."""

    def check(request: Request) -> Who:
        who = request.app.state.door.who(request.headers, request.cookies)
        if permission not in who.may:
            raise RefusedError(403, f"{who.role} may not {permission}")
        return who

    return Depends(check)


def review_of(request: Request) -> Review:
    """Return the review that an application serves."""
    return request.app.state.review


ThisReview = Annotated[Review, Depends(review_of)]


def _add_page(application: FastAPI) -> None:
    @application.get("/")
    def page() -> Response:
        return _file("index.html")

    @application.get("/assets/{name:path}")
    def asset(name: str) -> Response:
        return _file(name)


def _file(name: str) -> Response:
    there = {path.relative_to(PAGE).as_posix(): path for path in PAGE.rglob("*") if path.suffix in TYPES}
    if name not in there:
        raise RefusedError(404, "there is no such file")
    return Response(there[name].read_bytes(), media_type=TYPES[there[name].suffix])


def _add_session(application: FastAPI) -> None:
    @application.post("/api/session")
    def sign_in(sent: SentToken, review: ThisReview, response: Response) -> dict[str, str]:
        secret = people.begin_session(review.database, sent.token)
        if secret is None:
            raise RefusedError(401, "this token is nobody's; ask your operator for another")
        seconds = people.SESSION_HOURS * 3600
        response.set_cookie(COOKIE, secret, max_age=seconds, httponly=True, samesite="strict")
        return {"state": "signed in"}

    @application.delete("/api/session")
    def sign_out(request: Request, review: ThisReview, response: Response) -> dict[str, str]:
        people.end_session(review.database, request.cookies.get(COOKIE, ""))
        response.delete_cookie(COOKIE)
        return {"state": "signed out"}


def _add_looking(application: FastAPI) -> None:
    @application.get("/api/review")
    def overview(review: ThisReview, who: Annotated[Who, needs(LOOK)]) -> dict[str, Any]:
        return {**review.overview(who.name), "who": {"name": who.name, "role": who.role, "may": sorted(who.may)}}

    @application.get("/api/screen", dependencies=[needs(LOOK)])
    def screen(review: ThisReview, item: str, columns: Columns = views.COLUMNS) -> dict[str, Any]:
        review.check_item(item)
        return review.signals.screen(item, columns)

    @application.get("/api/waveform", dependencies=[needs(LOOK)])
    def waveform(
        review: ThisReview, item: str, start: int, stop: int, columns: Columns = views.COLUMNS
    ) -> dict[str, Any]:
        review.check_item(item)
        return stretch(review.signals.find(item), start, stop, columns)

    @application.get("/api/spectrogram", dependencies=[needs(LOOK)])
    def spectrogram(review: ThisReview, item: str) -> dict[str, Any]:
        review.check_item(item)
        signal = review.signals.find(item)
        levels, rate_hz = views.spectrogram(signal.values), signal.sampling_rate_hz
        shape = {"n_times": levels.shape[0], "n_bins": levels.shape[1]}
        ends = {"seconds": len(signal.values) / rate_hz, "highest_hz": rate_hz / 2}
        return {**shape, **ends, "levels": views.packed(levels)}

    @application.get("/api/sound", dependencies=[needs(LOOK)])
    def play(review: ThisReview, item: str) -> Response:
        review.check_item(item)
        return Response(sound(review.signals.find(item)), media_type="audio/wav")

    @application.get("/api/motor", dependencies=[needs(LOOK)])
    def motor(review: ThisReview, item: str) -> dict[str, Any]:
        return review.of_motor(item)


def _add_deciding(application: FastAPI) -> None:
    @application.get("/api/next")
    def following(
        review: ThisReview,
        who: Annotated[Who, needs(DECIDE)],
        queue: str,
        count: Annotated[int, Query(ge=1, le=500)] = 4,
    ) -> list[dict[str, Any]]:
        review.check_queue(queue, ADJUDICATE in who.may)
        return review.next(queue, who.name, count)

    @application.post("/api/decisions")
    def decision(review: ThisReview, who: Annotated[Who, needs(DECIDE)], sent: SentDecision) -> dict[str, Any]:
        if sent.adjudicates and ADJUDICATE not in who.may:
            raise RefusedError(403, f"{who.role} may not {ADJUDICATE}")
        return decide(review.database, Decision(reviewer=who.name, **sent.model_dump()), review.classes)

    @application.get("/api/history")
    def history(review: ThisReview, who: Annotated[Who, needs(DECIDE)]) -> list[dict[str, Any]]:
        return review.history(who.name)


def _add_managing(application: FastAPI) -> None:
    @application.get("/api/people", dependencies=[needs(MANAGE)])
    def everybody(review: ThisReview) -> list[dict[str, Any]]:
        return people.people(review.database)

    @application.post("/api/people")
    def add(review: ThisReview, who: Annotated[Who, needs(MANAGE)], sent: SentPerson) -> dict[str, str]:
        return {"token": people.add_person(review.database, sent.name, sent.role, who.name)}

    @application.delete("/api/people")
    def close(review: ThisReview, who: Annotated[Who, needs(MANAGE)], name: str) -> dict[str, str]:
        people.close_person(review.database, name, who.name)
        return {"state": "closed"}

    @application.get("/api/trail", dependencies=[needs(MANAGE)])
    def trail(review: ThisReview) -> dict[str, Any]:
        return {"faults": verify(review.database)}
