"""Serve a review until it is stopped."""

from threading import Thread

import uvicorn

from motor.review.review import Review
from motor.review.server.application import make_application
from motor.review.server.signing_in import Door


def serve(review: Review, door: Door, port: int) -> None:
    """Serve until interrupted; no address that is asked for is logged, for none may hold a token.

    Decisions are taken at once; what draws signals is opened beside.
    """
    Thread(target=review.signals.open, daemon=True).start()
    uvicorn.run(make_application(review, door), host=door.host, port=port, access_log=False, log_level="warning")
