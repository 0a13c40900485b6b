"""Ray for the time of a launch: an embedded one, or a cluster that is already there."""

import logging
import os
import socket
from pathlib import Path

KNOCK_S = 10  # for a cluster's address to answer
OBJECT_STORE_BYTES = 1 << 30  # embedded only: the windows in flight; recordings are memory-mapped
STATE_TRACKING = "RAY_TRAIN_ENABLE_STATE_TRACKING"  # runs of Ray Train then stand in the dashboard
# What Ray prints and checks by itself, turned down; read by Ray when it is first imported.
SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # `Interrupt` does it, without Tune's wait for stages to end
    "TUNE_MAX_PENDING_TRIALS_PG": "1000",  # `Queue` hands out what fits and no more; Tune's 1 starts actors in turn
    STATE_TRACKING: "0",  # an embedded Ray has no dashboard
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


def start_ray(address: str | None, code: Path | None) -> str | None:
    """Connect to a cluster, or start an embedded Ray.

    Parameters
    ----------
    address : str, optional
        Of the cluster; by default that of the environment (`RAY_ADDRESS`), else an embedded one.
    code : Path, optional
        The project's folder, sent to the nodes of a cluster.

    Returns
    -------
    str or None
        Where the cluster's dashboard is, say ``127.0.0.1:8265``; None where it has none.

    Raises
    ------
    ConnectionError
        If no cluster answers there.
    """
    import ray

    address = address or os.environ.get("RAY_ADDRESS")
    if address is None or address == "local":
        ray.init(
            address="local",
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            object_store_memory=OBJECT_STORE_BYTES,
        )
        return None
    _knock(address)
    in_job = "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ  # `ray job submit` has sent the code already
    sent = {} if in_job or code is None else {"working_dir": str(code), "excludes": ["/storage", "/.git", "/.venv"]}
    try:
        connected = ray.init(address=address, runtime_env=sent, log_to_driver=False, logging_level=logging.ERROR)
    except ConnectionError as error:
        raise ConnectionError(f"{error}{_about_the_token(error)}") from error
    return connected.dashboard_url or None


def stop_ray() -> None:
    """Let the cluster go; an embedded one ends."""
    import ray

    ray.shutdown()


def _about_the_token(error: ConnectionError) -> str:
    """Return what to do where the cluster refused this process; Ray sends its token only where it is told to."""
    if "InvalidAuthToken" not in str(error.__cause__):
        return ""
    return "; it asks for a token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH (by default ~/.ray/auth_token)"


def _knock(address: str) -> None:
    """Raise ConnectionError at once where nothing listens; Ray itself would try for minutes."""
    host, colon, port = address.rpartition("/")[2].rpartition(":")
    if not (colon and port.isdecimal()):
        return  # "auto", say
    try:
        socket.create_connection((host, int(port)), timeout=KNOCK_S).close()
    except OSError as error:
        raise ConnectionError(f"nothing listens there ({error})") from error
