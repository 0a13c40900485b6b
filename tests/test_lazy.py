import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest
from ray import cloudpickle

from motor.lazy import Lazy


def test_package_is_imported_when_it_is_first_used() -> None:
    code = (
        "import sys; from motor.lazy import yaml; from motor.lazy_ray import ray; print('yaml' in sys.modules); "
        "print(yaml.safe_load('1')); print('ray' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["False", "1", "False"]


def test_submodule_that_its_package_does_not_import_is_imported() -> None:
    code = "from motor.lazy import pyarrow; print(pyarrow.parquet.read_table.__module__)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "pyarrow.parquet.core"


def test_attribute_that_there_is_not_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'json' has no attribute 'nothing'"):
        _ = Lazy("json").nothing
    assert not hasattr(Lazy("json"), "__wrapped__")


def test_package_that_is_replaced_or_missing_is_so_at_its_next_use(monkeypatch) -> None:
    package = Lazy("json")
    assert package.loads("1") == 1
    replaced = ModuleType("json")
    replaced.loads = float
    monkeypatch.setitem(sys.modules, "json", replaced)
    assert package.loads is float
    monkeypatch.setitem(sys.modules, "json", None)
    with pytest.raises(ModuleNotFoundError, match="json"):
        _ = package.loads


def test_threads_that_ask_at_once_wait_for_the_import(tmp_path, monkeypatch) -> None:
    (tmp_path / "slow_to_import.py").write_text("import time; time.sleep(0.2)\nvalue = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    package = Lazy("slow_to_import")
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: package.value, range(4))) == [1] * 4


@pytest.mark.parametrize("module", [pickle, cloudpickle])
def test_package_survives_pickling(module) -> None:
    assert pickle.loads(module.dumps(Lazy("json"))).loads("2") == 2
