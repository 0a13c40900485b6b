"""One launch: queue, retries, limits, Ray, and the clean-up after launches that were killed."""
