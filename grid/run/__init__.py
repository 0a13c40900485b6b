"""One launch: queue, retries, limits, Ray, and what the dead left."""
