"""Serve a review until it is stopped."""

import uvicorn

from motor.review.review import Review
from motor.review.server.application import make_application
from motor.review.server.signing_in import Door


def serve(review: Review, door: Door, port: int) -> None:
    """Serve until interrupted; no address that is asked for is logged, for none may hold a token."""
    uvicorn.run(make_application(review, door), host=door.host, port=port, access_log=False, log_level="warning")
