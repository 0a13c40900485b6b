"""What other tools are given: a labelling configuration that fits the exported tasks."""

import json
import xml.etree.ElementTree as ET

from motor.looping import exchange
from motor.looping.loop import Facts, begin_loop
from motor.review.database.items import Item, add_items

CLASSES = ("normal", 'spark "A" & <B>')


def test_labelling_configuration_names_each_class_and_only_what_the_tasks_have(tmp_path):
    loop = begin_loop(tmp_path, "plant", "{}", Facts({}, CLASSES, "normal", ()))
    add_items(loop.database, [Item("i0", "m0", "sound", "train", "table")], "tests")
    exchange.export(loop, tmp_path / "tasks.json")
    loop.database.close()
    (task,) = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    root = ET.fromstring(exchange.labelling_config(CLASSES))
    assert tuple(one.get("value") for one in root.iter("Choice")) == CLASSES
    assert {one.get("value").removeprefix("$") for one in root.iter("Text")} == task["data"].keys()
    (choices,) = root.iter("Choices")
    assert choices.get("toName") in {one.get("name") for one in root.iter("Text")}
