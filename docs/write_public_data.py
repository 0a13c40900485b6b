"""Write public-data.md: the public data sets, out of configs/data/*.yaml.

python docs/write_public_data.py [--check]
"""

import sys
from pathlib import Path

from motor.experiment.public_sets import names, public_set

PAGE = Path(__file__).with_name("public-data.md")
HEAD = """# Public data sets

Each is one file of `configs/data/`, used by its name; it tells the files' layout, what a motor is, and the clean split:

```yaml
# part of a config
dataset: {use: cwru, path: where/you/unpacked/it}
```

What the config says itself counts before what the set says: `domains: [DE]` takes one channel alone, and `split`
replaces the one below. `python launch.py data list` prints the sets; `check-data` imports one and says what is in
it, or what its layout should be. The readers were tried on generated trees of these layouts (names, variables,
shapes, rates), not on the sets themselves, but for HIT-SM.

"""


def page() -> str:
    """Return the page."""
    return HEAD + "\n".join(_section(name) for name in names())


def _section(name: str) -> str:
    found = public_set(name)
    about, dataset = found.about, found.document.data["dataset"]
    layout = "".join(f"\n- {line}" for line in about["layout"].strip().splitlines())
    confounders = "".join(f"\n- {one}" for one in about["confounders"])
    return (
        f"## {name}\n\n{about['title']}.\n\n"
        f"| | |\n|---|---|\n| Where | {about['where']} |\n| Licence | {about['licence']} |\n"
        f"| Citation | {about['citation']} |\n| A motor is | {about['motor']} |\n| Split | {about['split_advice']} |\n"
        f"| Classes | {', '.join(dataset['classes'])} |\n| Domains | {', '.join(dataset['domains'])} |\n\n"
        f"Layout:\n{layout}\n\nKnown confounders:\n{confounders}\n"
    )


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit(0 if PAGE.read_text(encoding="utf-8") == page() else f"{PAGE}: write it anew")
    PAGE.write_text(page(), encoding="utf-8")
