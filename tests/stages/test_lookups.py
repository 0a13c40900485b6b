"""What is looked up in training series is checked before anything is trained: one message, with the setting."""

import pytest

from grid.stage import InputError

SMALL = ("axes.domain=[ZhenDong]", "axes.method=[A]")
GRAM = ("axes.modules=[none, gram]", "modules.gram.key_length=16")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            (*GRAM, "modules.gram.top_k=100000"),
            r"modules\.gram\.top_k is 100000, but.*holds \d+ windows of other motors",
        ),
        ((*GRAM, "modules.gram.top_k=30", "modules.gram.stride=200"), r"set modules\.gram\.top_k to at most \d+"),
        (("axes.backbone=[retrieval]", "by_backbone.retrieval.backbone.top_k=90000"), r"backbone\.top_k is 90000"),
        (("axes.method=[neighbours]", "split={kind: ratio, train: 1, validation: 1, test: 2}"), "one training motor"),
        (
            (*GRAM, "split={kind: ratio, train: 1, validation: 1, test: 2}"),
            r"windows of 1 training motor of \d+ samples",
        ),
    ],
)
def test_too_few_training_windows_are_told_before_anything_is_trained(make_tiny, tmp_path, asked, message):
    tiny = make_tiny(tmp_path, *SMALL, *asked)
    with pytest.raises(InputError, match=message):
        tiny.build_stages("cleared")
    assert not any(tiny.store.holds(stage) for stage in tiny.stages("finetune"))


def test_as_many_as_there_are_are_looked_up(make_tiny, tmp_path):
    tiny = make_tiny(tmp_path, *SMALL, *GRAM, "modules.gram.top_k=5")
    tiny.build_stages("cleared")
    assert [one.top_k for one in tiny.stages("cleared")[0].lookups] == [5]


def test_grids_that_look_nothing_up_have_no_word_of_it(make_tiny, tmp_path):
    assert "lookups" not in make_tiny(tmp_path, *SMALL).stages("cleared")[0].record
