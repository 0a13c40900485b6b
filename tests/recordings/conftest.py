"""Small seeded recordings, and the settings that every reader needs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from motor.recordings.recording import Recording


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """Return a function that makes seeded float32 noise."""

    def make(seed: int = 0, n_samples: int = 50) -> np.ndarray:
        return np.random.default_rng(seed).normal(size=n_samples).astype(np.float32)

    return make


@pytest.fixture
def known() -> dict[str, Any]:
    return {"classes": ("normal", "spark"), "domains": ("east", "west"), "sampling_rate_hz": 1000.0}


@pytest.fixture
def recordings(noise: Callable[..., np.ndarray]) -> list[Recording]:
    """Return recordings of three motors by two sensors, of different lengths."""
    pairs = [(motor, domain) for motor in ("M1", "M2", "M3") for domain in ("east", "west")]
    return [
        Recording(
            item=f"{domain}/{motor}",
            motor=motor,
            domain=domain,
            label="spark" if motor == "M3" else "normal",
            sampling_rate_hz=1000.0,
            signal=noise(seed, 40 + seed),
            speed_rpm=1500.0 if domain == "east" else None,
            moment=f"{motor}-1",
        )
        for seed, (motor, domain) in enumerate(pairs)
    ]
