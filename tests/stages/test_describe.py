"""Features of recordings alone: described once, whatever the fold; a fault names the recording."""

import pandas as pd
import pytest

from grid.config.document import ConfigError
from grid.stage import InputError
from motor.stages.described import KNOWN


@pytest.fixture(scope="module")
def described(make_tiny, tmp_path_factory):
    """The tiny experiment with the plain method `orders`, built for both regimes that share the describing."""
    speed = "dataset.constants={speed_rpm: 12000.0}"  # 0.125 s of recording then holds 25 revolutions
    orders = "features.orders={highest_order: 3, n_harmonics: 1, revolutions: 4}"
    methods = ("axes.method=[orders]", "axes.domain=[ZhenDong, Joint]")
    tiny = make_tiny(tmp_path_factory.mktemp("described"), *methods, speed, orders)
    return tiny.build("orders/ZhenDong/-/lda", "orders/Joint/-/lda")


def fold_of(tiny, regime):
    return tiny.cell(f"orders/{regime}/-/lda").features[0]


def test_describe_is_shared_by_all_regimes(described):
    assert fold_of(described, "ZhenDong").described.key == fold_of(described, "Joint").described.key


def test_describe_fold_has_a_row_for_each_recording_of_its_domains(described):
    table = pd.read_parquet(described.folder(fold_of(described, "Joint")) / "features.parquet")
    assert table.columns[: len(KNOWN)].tolist() == KNOWN
    assert (len(table), table["item"].nunique()) == (48, 48)
    assert {"domain_is_ShengYing", "domain_is_ZhenDong"} <= set(table)


def test_describe_fold_of_one_domain_has_its_recordings_alone(described):
    table = pd.read_parquet(described.folder(fold_of(described, "ZhenDong")) / "features.parquet")
    assert set(table["domain"]) == {"ZhenDong"}
    assert not table.isna().any().any()


def test_describe_without_a_speed_names_the_recording_and_the_next_step(make_tiny, tmp_path):
    tiny = make_tiny(tmp_path, "axes.method=[orders]", "axes.domain=[ZhenDong]")
    with pytest.raises(InputError, match=r"motor_0\d+-\d.*speed"):
        tiny.build("orders/ZhenDong/-/lda")


@pytest.fixture(scope="module")
def settled(make_tiny, tmp_path_factory):
    """The tiny experiment with features that the data decides something of: its rate is low, its speed unknown."""
    return make_tiny(tmp_path_factory.mktemp("settled"), "axes.method=[physics]", "axes.domain=[ZhenDong]").build(
        "physics/ZhenDong/-/lda"
    )


def test_describe_stores_what_the_data_decides_of_its_features(settled):
    described = settled.cell("physics/ZhenDong/-/lda").features[0].described
    lines, octaves, moments = described.settled(settled.folder(described))
    assert lines.order_of == "hertz"
    assert max(high for _, high in (*lines.bands_hz, *moments.bands_hz)) <= 2048
    assert octaves.highest_hz <= 2048
    assert [feature.kind for feature in described.features] == [lines.kind, octaves.kind, moments.kind]


def test_describe_opens_with_what_the_data_decided(settled):
    from motor.stages.describer import InStorage

    fold = settled.cell("physics/ZhenDong/-/lda").features[0]
    describer = fold.open(InStorage(settled.context(fold), fold.parts), "cpu")
    assert describer.features == fold.described.settled(settled.folder(fold.described))


def test_describe_of_features_that_the_data_decides_nothing_of_stores_no_more(described):
    folder = described.folder(fold_of(described, "ZhenDong").described)
    assert not (folder / "settled.json").exists()
    assert fold_of(described, "ZhenDong").parts == ()


def test_describe_lines_of_the_machine_that_is_told(make_tiny, tmp_path):
    told = 'dataset.machines={"*": {bearing: 6205-2RS JEM SKF}, motor_000: {blades: 4}}'
    speed = "dataset.constants={speed_rpm: 12000.0}"
    tiny = make_tiny(tmp_path, "axes.method=[lines]", "axes.domain=[ZhenDong]", speed, told)
    fold = tiny.build("lines/ZhenDong/-/lda").cell("lines/ZhenDong/-/lda").features[0]
    table = pd.read_parquet(tiny.folder(fold) / "features.parquet").set_index("motor")
    assert (table.loc["motor_000", "blade_pass_envelope"] > 0).any()
    assert (table.loc["motor_000", "outer_race_envelope"] == 0).all()
    assert (table.drop("motor_000")["blade_pass_envelope"] == 0).all()
    assert (table.drop("motor_000")["outer_race_envelope"] > 0).any()


def test_lines_without_a_machine_are_a_fault_of_the_config(make_tiny, tmp_path):
    with pytest.raises(ConfigError, match=r"no machine is given; add, say, machines"):
        make_tiny(tmp_path, "axes.method=[lines]")


def test_machines_are_in_no_key_but_that_of_lines(make_tiny, tmp_path):
    told = 'dataset.machines={"*": {blades: 4}}'
    with_them, without = (
        make_tiny(tmp_path, "axes.method=[physics]", *overrides).cell("physics/ZhenDong/-/lda").key
        for overrides in ((told,), ())
    )
    assert with_them == without


@pytest.mark.parametrize(
    ("method", "speed_rpm", "message"),
    [
        (
            "orders",
            1440,
            r"orders needs 8 revolutions.*holds 3\.00.*features\.orders\.revolutions to 3, or take method ph",
        ),
        ("physics", 480, r"order_lines needs 2 revolutions.*holds 1\.00"),
    ],
)
def test_recordings_of_few_revolutions_are_a_fault_before_anything_is_described(
    make_tiny, tmp_path, method, speed_rpm, message
):
    speed = f"dataset.constants={{speed_rpm: {speed_rpm}}}"
    tiny = make_tiny(tmp_path, f"axes.method=[{method}]", "axes.domain=[ZhenDong]", speed)
    with pytest.raises(InputError, match=message):
        tiny.build_stages("cleared")
    assert not [stage for stage in tiny.stages("describe") if tiny.store.holds(stage)]
