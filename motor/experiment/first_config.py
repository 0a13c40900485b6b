"""A first config for files that nobody has described yet, with questions where they cannot be answered by looking."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from motor.features.classical import Classical, in_yaml
from motor.recordings.describing import RATES, SPEEDS, Group, Look
from motor.recordings.formats.base import Variable
from motor.recordings.listing import Listing

QUESTION = "FILL_IN"
HEAD = "# Written by looking into the files: correct what is wrong, and fill in each FILL_IN."
HEALTHY = re.compile(r"^(normal|healthy|health|good|ok|baseline|no_?fault|h|n)$", re.IGNORECASE)
MOST_CLASSES = 15
REST = """
split: {kind: ratio, train: 5, validation: 2, test: 3}
scaling: {by: item}
windows: {prediction_length: 64, per_series: 2, per_series_features: 4}
backbone: {kind: bolt, d_model: 64, d_kv: 16, d_ff: 128, num_layers: 2, num_decoder_layers: 1, input_patch_size: 32}
finetune: {num_steps: 150, learning_rate: 2e-3, batch_size: 32, validate_every: 50}
"""


def first_config(look: Look) -> str:
    """Return the text of a config for the largest group of files; ``FILL_IN`` stands where a person has to say it.

    The check of the config names each such line.
    """
    if look.listing:
        return listed_config(look, look.listing)
    group = look.groups[0]
    folders = [PurePosixPath(name).parts[:-1] for name in group.names]
    signals = group.signals()
    depth = min(map(len, folders))
    of_name, classes = _labels_in_names(group.names)
    is_sensor = depth == 1 and bool(of_name) and not _has_healthy(sorted({of[0] for of in folders}))
    has_channels = len(signals) != 1 or (depth < 2 and not is_sensor)
    channels = {_channel_name(one.name): one.name or "*" for one in signals} if has_channels else {}
    domains = list(channels) if has_channels else sorted({of[0] for of in folders})
    labels = _labels_of(folders, 0 if has_channels else 1)
    if labels and (_has_healthy(labels) or not classes):
        of_name, classes = "", labels
    labels = [] if of_name else labels
    lines = [
        HEAD,
        "dataset:",
        "  kind: tree",
        f"  path: {_quoted(str(look.path))}",
        f"  suffixes: [{_quoted(group.suffix)}]",
        *(["  format: table"] if group.is_text else []),
        *([f"  only: {_quoted(group.only)}"] if group.only else []),
        *([f"  skip_rows: {group.skip_rows}"] if group.skip_rows else []),
        *_channel_lines(channels, signals),
        *_field_lines(group),
        f"  pattern: {_pattern(group.names, of_name)}",
        f"  domains: {_list(domains)}",
        f"  classes: {_list(classes)} # what labels there are; {_source(labels, of_name)}",
        *_rest(classes, domains, group.rate_hz()),
    ]
    return "\n".join(lines) + "\n"


def listed_config(look: Look, listing: Listing) -> str:
    """Return the text of a config for files that a table lists; ``FILL_IN`` stands as in `first_config`."""
    group = next((one for one in look.groups if listing.table.name not in one.names), look.groups[0])
    signals = group.signals()
    channels = {_channel_name(one.name): one.name or "*" for one in signals} if len(signals) > 1 else {}
    of_sensor = listing.values.get("domain", [])
    if "variable" in listing.columns or of_sensor:
        channels = {}
    domains, classes = [*channels] or of_sensor, listing.values.get("label", [])
    asked = [name for name in ("motor", "label") if name not in listing.columns]
    named = [name for name in ("domain",) if name not in listing.columns and not channels]
    renamed = {field: name for field, name in listing.columns.items() if field != name}
    lines = [
        HEAD,
        "dataset:",
        "  kind: manifest",
        f"  path: {_quoted(str(listing.table))}",
        *(f"  # no column of it looks like the {name}: which one is it?" for name in asked),
        f"  columns: {{{_pairs({**renamed, **dict.fromkeys(asked, QUESTION)})}}}",
        *(["  constants: {domain: signal}"] if named else []),
        *_channel_lines(channels, signals),
        *(line for line in _field_lines(group) if "sampling_rate_hz" not in listing.columns or "{" in line),
        f"  domains: {_list(domains or ['signal'])}",
        f"  classes: {_list(classes)} # what labels there are",
        *_rest(classes, domains or ["signal"], group.rate_hz()),
    ]
    return "\n".join(lines) + "\n"


def _pairs(names: Mapping[str, str]) -> str:
    return ", ".join(f"{field}: {name if name == QUESTION else _quoted(name)}" for field, name in names.items())


def _rest(classes: Sequence[str], domains: Sequence[str], rate_hz: float | None) -> Iterator[str]:
    """Yield what does not hang on how the files lie."""
    yield from (_normal_line(classes), REST.strip(), *_feature_lines(rate_hz))
    yield from ("axes:", "  method: [A, B, C, classical]", f"  domain: {_list(domains)}")
    yield from ("  context_length: [512]", "  classifier: [lightgbm, lda]")


def _channel_lines(channels: dict[str, str], signals: Sequence[Variable]) -> Iterator[str]:
    if channels:
        yield "  channels: # take out what is no signal; each name is a domain"
        yield from (f"    {_quoted(name)}: {_quoted(of)}" for name, of in channels.items())
    elif len(signals) == 1 and signals[0].name and not signals[0].name.startswith("channel"):
        yield f"  variable: {_quoted(signals[0].name)}"


def _field_lines(group: Group) -> Iterator[str]:
    """Yield where rate and speed stand, or the question."""
    fields = {"sampling_rate_hz": group.named(RATES), "speed_rpm": group.named(SPEEDS)}
    known = {name: of for name, of in fields.items() if of}
    if known:
        yield "  fields: {" + ", ".join(f"{name}: {_quoted(of)}" for name, of in known.items()) + "} # one value a file"
    rate_hz = group.rate_hz()
    if "sampling_rate_hz" not in known and rate_hz is None:
        yield f"  sampling_rate_hz: {QUESTION} # samples a second: no file tells it"
    elif "sampling_rate_hz" not in known and group.is_table:
        yield f"  sampling_rate_hz: {rate_hz:g} # by the first column, if that is a time in seconds: is this right?"


def _feature_lines(rate_hz: float | None) -> Iterator[str]:
    """Yield what features may ask of the rate, where it is known and low."""
    if rate_hz and (fits := Classical().fitted_to(rate_hz)):
        yield f"features: {{classical: {in_yaml(fits)}}} # as far as {rate_hz:g} Hz tell"


def _labels_of(folders: Sequence[Sequence[str]], level: int) -> list[str]:
    """Return the names of folders that may be labels, of that level."""
    labels = sorted({of[level] for of in folders}) if min(map(len, folders)) > level else []
    return labels if 2 <= len(labels) <= MOST_CLASSES else []


def _has_healthy(names: Sequence[str]) -> bool:
    return any(HEALTHY.match(name) for name in names)


def _source(labels: Sequence[str], of_name: str) -> str:
    by_name = "the pattern tells it" if of_name else "let a group (?P<label>...) of the pattern tell it"
    return "a folder tells it" if labels else by_name


def _list(names: Sequence[str]) -> str:
    """Return names as a list; the question alone is none, so that the check refuses it."""
    return f"[{', '.join(map(_quoted, names))}]" if names else QUESTION


def _normal_line(classes: Sequence[str]) -> str:
    healthy = next((name for name in classes if HEALTHY.match(name)), None)
    return f"normal: {_quoted(healthy) if healthy else QUESTION} # the class of healthy series"


def _pattern(names: Sequence[str], of_name: str) -> str:
    """Return a pattern for the motor, and for the label where names tell it."""
    stems = [PurePosixPath(name).name for name in names]
    prefixes = sorted({found[1] for stem in stems for found in re.finditer(r"(?<![A-Za-z])([A-Za-z]+)\d+", stem)})
    for prefix in prefixes:
        motors = [re.search(rf"(?<![A-Za-z]){prefix}\d+", stem) for stem in stems]
        if all(motors) and len({found[0] for found in motors if found}) > 1:
            found = rf"(?<![A-Za-z])(?P<motor>{prefix}\d+)"
            return f"{f'(?=.*{of_name}).*' if of_name else ''}{found} # which machine: is this right?"
    label = f", beside {of_name} for the label" if of_name else ""
    example = r"(?P<motor>...), such as (?P<motor>M\d+)"
    return f"{QUESTION} # a regular expression with {example}{label}, searched in {stems[0]}"


def _labels_in_names(names: Sequence[str]) -> tuple[str, list[str]]:
    """Return a group for the words in names that may be labels, and those; both empty if there are none."""
    words = [re.findall(r"[A-Za-z]{2,}", PurePosixPath(name).stem) for name in names]
    for place in range(min(map(len, words), default=0)):
        found = sorted({of[place] for of in words})
        if 2 <= len(found) <= MOST_CLASSES and _has_healthy(found):
            return rf"(?<![A-Za-z])(?P<label>{'|'.join(map(re.escape, found))})(?![A-Za-z])", found
    return "", []


def _channel_name(name: str) -> str:
    """Return a variable's name as a domain's."""
    text = re.sub(r"\{stem\}|\*", "", name)
    return re.sub(r"\W+", "_", text).strip("_") or "signal"


def _quoted(text: str) -> str:
    """Return a text as YAML takes it."""
    is_plain = re.fullmatch(r"[A-Za-z_][\w-]*|/[\w./-]+|\.[A-Za-z]\w*", text)
    is_word = text.lower() in ("null", "true", "false", "yes", "no", "on", "off", "n", "y")
    return text if is_plain and not is_word else "'" + text.replace("'", "''") + "'"


def write_first_config(look: Look, file: Path) -> None:
    """Write a first config; one that stands is kept.

    Raises
    ------
    ValueError
        If there is such a file.
    """
    if file.exists():
        raise ValueError(f"{file}: stands already; name another file, or remove it")
    file.write_text(first_config(look), encoding="utf-8")
