"""The pages of docs/examples, each run as it is written, in an empty folder."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
PAGES = sorted(page.stem for page in EXAMPLES.glob("*.md"))
BLOCK = re.compile(r"(?:^`(?P<file>[^`\n]+)`:\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
TIMEOUT_S = 300
LAUNCH = r"launch(\.py)? mine\.yaml --storage storage$"


@dataclass
class Example:
    """A page at work in a folder."""

    page: str
    folder: Path
    said: str = ""

    def run(self, but: str = "no such command") -> "Example":
        """Save each block under its name and run each command, in the order of the page."""
        for block in BLOCK.finditer((EXAMPLES / f"{self.page}.md").read_text(encoding="utf-8")):
            if block["language"] == "sh":
                for line in block["text"].splitlines():
                    if not re.search(but, line):
                        self._type(line)
            else:
                file = self.folder / block["file"]  # a block without a name would be of no use
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block["text"], encoding="utf-8")
        return self

    def _type(self, line: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        typed = subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S
        )
        assert typed.returncode == 0, f"{line}\n{typed.stdout}\n{typed.stderr}"
        self.said += typed.stdout


@pytest.fixture
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Example:
    return Example(request.param, tmp_path)


@pytest.mark.parametrize("example", ["csv", "wav-and-mat"], indirect=True)
def test_example_up_to_its_launch_finds_the_recordings(example: Example) -> None:
    example.run(but=LAUNCH)
    assert re.search(r"12 motors|motors\D+12", example.said), example.said


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("example", PAGES, indirect=True)
def test_example_runs_to_its_end(example: Example) -> None:
    example.run()
    result = example.folder / "storage" / "results" / "mine"
    assert (result / "result.md").exists()
    assert "cells stand.\nThe report is" in example.said
    assert list(result.glob("**/metrics.json"))


def test_examples_show_own_recordings_an_own_classifier_an_own_forecaster_and_own_tables() -> None:
    assert set(PAGES) == {"csv", "wav-and-mat", "classifier", "forecaster", "pandas"}
