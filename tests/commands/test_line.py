"""The grammar of the command line: commands by name, today's flags as their aliases, help of each."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from motor.commands.line import COMMANDS, command_of, main


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["grid.yaml", "seed=1"], ("run", ["grid.yaml", "seed=1"])),
        (["run", "grid.yaml"], ("run", ["grid.yaml"])),
        (["status", "grid.yaml"], ("status", ["grid.yaml"])),
        (["grid.yaml", "--status"], ("status", ["grid.yaml"])),
        (["grid.yaml", "--only", "method=A", "--dry-run"], ("dry-run", ["grid.yaml", "--only", "method=A"])),
        (["grid.yaml", "--check-data"], ("check-data", ["grid.yaml"])),
        (["--verify"], ("verify", [])),
        (["--prune", "a.yaml", "--yes"], ("prune", ["a.yaml", "--yes"])),
        (["predict", "--cell", "best", "a.wav"], ("predict", ["--cell", "best", "a.wav"])),
    ],
)
def test_command_of_names_flags_and_none(argv, expected):
    assert command_of(argv) == expected


def test_command_of_two_flags_ends_with_2(capsys):
    with pytest.raises(SystemExit, match="2"):
        command_of(["--verify", "--prune", "x.yaml"])
    assert "--verify and --prune do not go together" in capsys.readouterr().err


def test_help_lists_every_command(capsys):
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines() if line.startswith("  ")] == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_says_what_it_does(name, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    printed = capsys.readouterr().out
    assert printed.startswith(f"usage: launch.py {name} ")
    module = import_module(f"motor.commands.{name.replace('-', '_')}")
    assert " ".join(module.__doc__.split()) in " ".join(printed.split())


def test_run_without_a_config_names_those_there_are(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["run"])
    printed = capsys.readouterr().err
    assert "name a config: a path, or one of " in printed
    assert "grid.yaml, hit-sm-all.yaml" in printed


ROOT = Path(__file__).parents[2]
SLOW_TO_IMPORT = ("torch", "scipy", "sklearn", "pandas", "matplotlib", "ray", "chronos", "transformers")


def test_reading_a_line_and_its_config_imports_nothing_that_takes_seconds() -> None:
    program = "import sys; from motor.commands import line; module, asked = line.read(['run', 'quickstart.yaml']);"
    program += "from motor.commands.words import config_in; from motor.experiment.reading import read_experiment;"
    program += "read_experiment(config_in(asked), [], {});"
    program += f"print(*(set({SLOW_TO_IMPORT}) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
