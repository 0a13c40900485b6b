"""The page in a real browser: keys alone, the outbox through a cut network, two people, both languages."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import text

from motor.registry import plugins
from motor.review import server
from motor.review.database.decisions import Decision, decide
from motor.review.database.items import Item, add_items
from motor.review.database.people import add_person
from motor.review.database.queues import Question, ask

WORDS = Path(server.__file__).parents[1] / "page" / "words"
CLASSES = ("normal", "spark", "vibrate")
SURE_OF = {
    False: {"normal": 0.01, "spark": 0.98, "vibrate": 0.01},
    True: {"normal": 0.02, "spark": 0.0, "vibrate": 0.98},
}


def test_both_languages_have_every_word_that_the_page_says():
    catalogues = [json.loads((WORDS / f"{name}.json").read_text(encoding="utf-8")) for name in ("en", "zh")]
    assert catalogues[0].keys() == catalogues[1].keys()
    for key, value in catalogues[0].items():
        assert set(re.findall(r"\{\w+\}", value)) == set(re.findall(r"\{\w+\}", catalogues[1][key])), key
    sources = "".join(path.read_text(encoding="utf-8") for path in WORDS.parent.glob("*.*"))
    said = set(re.findall(r"""(?:say\(|data-(?:word|title)=|isOffline \? )["'](\w+)["']""", sources))
    assert said - catalogues[0].keys() == set()
    asked_because = {"random", "suspected", "sure", "disagreements", *plugins("motor.asking")}
    assert {f"reason_{name}" for name in asked_because} - catalogues[0].keys() == set()


def opened(browser, address, **options):
    page = browser.new_context(**options).new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on(
        "request",
        lambda request: request.url.startswith((address, "data:", "blob:")) or page.faults.append(request.url),
    )
    page.goto(address)
    return page


def shown(page, item):
    page.wait_for_selector(f"body[data-drawn='{item}']")


def quiet(page):
    """Wait until all that is fetched ahead is there."""
    page.wait_for_selector("body[data-ahead]")
    page.wait_for_selector("#recordings li:not(.empty)", state="attached")


def settled(page):
    """Wait until the outbox is empty."""
    page.wait_for_selector("#outbox:empty", state="attached")


def labels(review):
    with review.database.reading() as connection:
        rows = connection.execute(text("SELECT name, coalesce(label, action) FROM answer JOIN item ON id=item_id"))
        return {name: answer for name, answer in rows if answer}


def test_keys_alone_decide_undo_and_go_on(browser, review, served):
    with served(review) as address:
        page = opened(browser, address)
        for item, key in (("i0", "2"), ("i1", "1"), ("i2", "0"), ("i3", "x"), ("i4", "3")):
            shown(page, item)
            page.keyboard.press(key)
        shown(page, "i5")
        page.keyboard.press("z")
        shown(page, "i4")
        settled(page)
        assert labels(review) == {"i0": "spark", "i1": "normal", "i2": "unsure", "i3": "bad"}
        assert page.faults == []


def test_decisions_without_a_network_arrive_in_order_once(browser, review, served):
    with served(review) as address:
        page = opened(browser, address)
        shown(page, "i0")
        quiet(page)
        page.context.set_offline(True)
        for item, key in (("i0", "2"), ("i1", "1"), ("i2", "3")):
            shown(page, item)
            page.keyboard.press(key)
        page.locator("#outbox", has_text="3").wait_for()
        assert labels(review) == {}
        page.context.set_offline(False)
        settled(page)
        with review.database.reading() as connection:
            assert list(connection.scalars(text("SELECT label FROM decision ORDER BY id"))) == [
                "spark",
                "normal",
                "vibrate",
            ]


def test_decisions_outlive_the_tab_and_an_expired_session(browser, review, served):
    token = add_person(review.database, "ann", "annotator", "tests")
    with served(review) as address:
        page = opened(browser, address)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.locator("#token").fill(token)
        page.locator("#token").press("Enter")
        shown(page, "i0")
        quiet(page)
        assert asked
        assert not any(token in address for address in asked)
        with review.database.writing() as connection:
            connection.execute(text("DELETE FROM session"))
        page.keyboard.press("2")
        page.locator("#sign-in").wait_for()
        assert labels(review) == {}
        again = page.context.new_page()
        page.close()
        again.goto(address)
        again.locator("#token").fill(token)
        again.locator("#token").press("Enter")
        shown(again, "i1")
        settled(again)
        assert labels(review) == {"i0": "spark"}


def test_other_persons_answer_is_shown_and_the_item_comes_back(browser, review, served):
    with served(review) as address:
        page = opened(browser, address)
        shown(page, "i0")
        decide(review.database, Decision("r0", "i0", 0, "label", "bob", "normal"), CLASSES)
        page.keyboard.press("2")
        page.locator("#message", has_text="bob").wait_for()
        shown(page, "i0")
        page.keyboard.press("2")
        shown(page, "i1")
        settled(page)
        assert labels(review) == {"i0": "spark"}


def test_same_for_the_motor_answers_its_other_recordings(browser, review, served):
    with served(review) as address:
        page = opened(browser, address)
        shown(page, "i0")
        page.keyboard.press("3")
        shown(page, "i1")
        page.keyboard.press("b")
        shown(page, "i5")
        settled(page)
        assert labels(review) == {f"i{n}": "vibrate" for n in range(5)}


def test_sure_ones_are_accepted_by_the_page_and_what_is_taken_out_is_shown_by_itself(browser, review, served):
    asked = [Question(f"i{n}", "sure", suggestion={"probabilities": SURE_OF[n > 3]}) for n in range(6)]
    ask(review.database, "sure", 1, asked, "tests")
    with served(review) as address:
        page = opened(browser, address)
        shown(page, "i0")
        page.locator("#queue").select_option("sure")
        page.locator("#sure-tiles button[data-drawn='i3']").wait_for()
        assert page.locator("#sure-tiles button").count() == 4
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
        page.locator("#sure-accept", has_text="3").wait_for()
        page.keyboard.press("Enter")
        shown(page, "i1")
        page.keyboard.press("1")
        page.locator("#sure-tiles button[data-drawn='i5']").wait_for()
        page.locator("#sure-accept").click()
        page.locator("#queue option:checked", has_text="(0)").wait_for(state="attached")
        settled(page)
        expected = {"i0": "spark", "i1": "normal", "i2": "spark", "i3": "spark", "i4": "vibrate", "i5": "vibrate"}
        assert labels(review) == expected
        page.keyboard.press("z")
        shown(page, "i5")
        settled(page)
        assert labels(review) == {item: label for item, label in expected.items() if item != "i5"}
        assert page.faults == []


@pytest.mark.parametrize("width", [390, 1300])
def test_page_speaks_chinese_is_dark_and_fits(browser, review, served, width):
    with served(review) as address:
        options = {"locale": "zh-CN", "color_scheme": "dark", "viewport": {"width": width, "height": 844}}
        page = opened(browser, address, **options)
        shown(page, "i0")
        assert page.locator("#answers").inner_text().count("不确定") == 1
        assert page.locator("html").get_attribute("data-theme") == "dark"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator("#language").click()
        page.locator("#answers", has_text="unsure").wait_for()
        assert page.faults == []


def test_other_sensor_of_the_moment_is_drawn_below(browser, review, served):
    with review.database.writing() as connection:
        connection.execute(text("UPDATE item SET moment='7' WHERE name IN ('i0', 'i1')"))
        connection.execute(text("UPDATE item SET domain='vibration' WHERE name='i1'"))
    with served(review) as address:
        page = opened(browser, address)
        shown(page, "i0")
        page.locator("#partner-item", has_text="i1 · vibration").wait_for()
        ink = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
        assert page.locator("#partner-envelope").evaluate(ink)
        page.keyboard.press("n")
        page.locator("#partner-item", has_text="i0 · sound").wait_for()
        page.keyboard.press("n")
        shown(page, "i2")
        assert page.locator("#partner").is_hidden()
        assert page.faults == []


@pytest.mark.slow
def test_ten_minutes_without_a_network_and_a_session_that_ended_lose_nothing(browser, review, served):
    token = add_person(review.database, "ann", "annotator", "tests")

    def decided():
        with review.database.reading() as connection:
            return list(connection.execute(text("SELECT name, label FROM decision JOIN item ON item.id=item_id "
                                                "ORDER BY decision.id")))  # fmt: skip

    with served(review) as address:
        page = browser.new_context().new_page()
        page.clock.install()
        page.goto(address)
        page.locator("#token").fill(token)
        page.locator("#token").press("Enter")
        shown(page, "i0")
        quiet(page)
        page.keyboard.press("1")
        shown(page, "i1")
        settled(page)
        page.context.set_offline(True)
        for item, key in (("i1", "2"), ("i2", "3"), ("i3", "1"), ("i4", "2")):
            shown(page, item)
            page.keyboard.press(key)
            for _ in range(5):
                page.clock.fast_forward("00:30")
        page.locator("#outbox", has_text="4").wait_for()
        assert decided() == [("i0", "normal")]
        with review.database.writing() as connection:
            connection.execute(text("DELETE FROM session"))
        page.context.set_offline(False)
        page.locator("#sign-in").wait_for()
        assert decided() == [("i0", "normal")]
        page.locator("#token").fill(token)
        page.locator("#token").press("Enter")
        settled(page)
        shown(page, "i5")
        page.keyboard.press("3")
        shown(page, "i6")
        settled(page)
        said = [
            ("i0", "normal"),
            ("i1", "spark"),
            ("i2", "vibrate"),
            ("i3", "normal"),
            ("i4", "spark"),
            ("i5", "vibrate"),
        ]
        assert decided() == said
        page.context.close()


def test_page_that_runs_out_without_a_network_goes_on_when_it_is_back(browser, review, served):
    with served(review) as address:
        page = opened(browser, address)
        shown(page, "i0")
        quiet(page)
        page.context.set_offline(True)
        for _ in range(6):
            page.keyboard.press("2")
        page.locator("#item", has_text="No more recordings could be fetched").wait_for()
        page.context.set_offline(False)
        shown(page, "i6")
        settled(page)
        assert set(labels(review)) == {f"i{n}" for n in range(6)}


def test_decisions_that_are_slow_to_be_sent_do_not_end_the_queue(browser, review, served):
    items = [Item(f"k{n}", "k", "sound", "train", "source") for n in range(80)]
    add_items(review.database, items, "tests")
    ask(review.database, "suspected", 1, [Question(one.name, "suspected") for one in items], "tests")
    with served(review) as address:
        page = opened(browser, address)
        shown(page, "i0")
        page.route("**/api/decisions", lambda route: route.abort())
        page.locator("#queue").select_option("suspected")
        for n in range(70):
            page.locator("#item", has_text=re.compile(f"^k{n}$")).wait_for()
            page.keyboard.press("2")
        page.locator("#item", has_text=re.compile("^k70$")).wait_for()
        page.locator("#outbox", has_text="70").wait_for()
        page.unroute("**/api/decisions")
        page.wait_for_selector("#outbox:empty", state="attached", timeout=120_000)
        assert len(labels(review)) == 70


def test_what_is_passed_over_does_not_end_the_queue(browser, review, served):
    with served(review) as address:
        page = opened(browser, address)
        for n in range(14):
            shown(page, f"i{n}")
            page.keyboard.press("n")
        shown(page, "i14")
        page.keyboard.press("n")
        page.locator("#item", has_text="Nothing is left").wait_for()


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_spectrogram_has_seconds_and_hertz_at_its_axes(browser, review, served, language):
    with served(review) as address:
        page = opened(browser, address, locale=language)
        page.add_init_script(WRITTEN)
        page.reload()
        shown(page, "i0")
        page.keyboard.press("g")
        page.wait_for_selector("#spectrogram-figure:not([hidden])")
        page.wait_for_function("window.written.length > 0")
        written = page.evaluate("window.written")
        assert {"0 s", "0.1 s", "0 Hz", "2 kHz", "4 kHz"} <= set(written)
        caption = page.locator("#spectrogram-figure figcaption").inner_text()
        assert {"en-GB": "frequency upwards", "zh-CN": "纵轴为频率"}[language] in caption
        assert page.faults == []


WRITTEN = """
window.written = [];
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
  if (this.canvas.id === "spectrogram") window.written.push(text);
  return write.call(this, text, ...place);
};
"""
