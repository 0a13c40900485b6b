"""What the base install brings: everything that its distributions ask for, and nothing that an extra is for."""

import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
KEPT_OUT = ("lightning", "pytorch-lightning", "diffusers", "neuralforecast", "gluonts", "cleanlab", "captum")


def resolved(wanted: list[str]) -> set[str]:
    """Return the names of distributions that some requirements bring here, all the way down."""
    found: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(one) for one in wanted]
    while waiting:
        one = waiting.pop()
        name, extras = canonicalize_name(one.name), frozenset(one.extras)
        if (name, extras) not in found:
            found.add((name, extras))
            waiting += [below for below in asked_by(name) if applies(below, extras)]
    return {name for name, _ in found}


def asked_by(name: str) -> list[Requirement]:
    try:
        return [Requirement(one) for one in requires(name) or ()]
    except PackageNotFoundError:  # of another extra, or another system
        return []


def applies(one: Requirement, extras: frozenset[str]) -> bool:
    return one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in {"", *extras})


def test_base_install_brings_neither_lightning_nor_diffusers_nor_any_extra():
    brought = resolved(PROJECT["dependencies"])
    assert {"torch", "ray", "scikit-learn", "numpy", "transformers"} <= brought
    assert not brought & set(KEPT_OUT)


@pytest.mark.parametrize("extra", ["labels", "attribution"])
def test_walk_would_see_what_an_extra_brings(extra):
    assert resolved(PROJECT["optional-dependencies"][extra]) & set(KEPT_OUT)


@pytest.mark.parametrize(("extra", "package"), [("nixtla", "neuralforecast"), ("diffusion", "diffusers")])
def test_extra_of_forecasters_names_its_package_alone(extra, package):
    assert PROJECT["optional-dependencies"][extra] == [package]
