"""The review over HTTP: one process, one database, a page without a build step."""
