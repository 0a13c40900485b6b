"""The page in a real browser; `opened` fails on any console error, page error or network request."""

from urllib.parse import unquote

import pytest

FIRST_METHODS = (
    "[...document.querySelectorAll('#cells tbody tr')].map(row => row.cells[0].innerText.trim()[0]).join('')"
)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
PLACE_OF_SCORE = "[...document.querySelectorAll('#cells thead th')].findIndex(e => e.innerText.startsWith('Macro-F1'))"
VALUES = "place => [...document.querySelectorAll('#cells tbody tr')].map(row => Number(row.cells[place].dataset.order))"
CONTRAST = """() => {
    const parts = (text) => text.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    const light = (text) => parts(text).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const back = (e) => { for (; e; e = e.parentElement) {
        const colour = getComputedStyle(e).backgroundColor;
        if (colour !== 'rgba(0, 0, 0, 0)' && !e.matches('[data-share]')) return colour; } return 'rgb(255,255,255)'; };
    const found = [];
    const SHOWN = 'p, li, td, th, caption, dt, dd, a, summary, label, h1, h2, h3, option, svg text, .name';
    for (const e of document.querySelectorAll(SHOWN))
        if (e.getClientRects().length) {
            const style = getComputedStyle(e);
            const colour = e.matches('svg text') ? style.fill : style.color;
            const value = ratio(light(colour), light(back(e)));
            if (value < 4.5) found.push(`${e.tagName} ${e.textContent.slice(0, 30)}: ${value.toFixed(2)}`);
        }
    return found;
}"""


def plotted(page, selector):
    """Scroll to a figure and wait until it is drawn."""
    page.locator(selector).first.scroll_into_view_if_needed()
    page.wait_for_selector(f"{selector}[data-drawn] svg.main-svg")
    return page.locator(selector).first


def choose(page, name):
    """Go to a cell by its address, and wait until it is shown."""
    page.evaluate("name => { location.hash = 'cell=' + encodeURIComponent(name); }", name)
    page.wait_for_selector(f"html[data-cell='{name}']", state="attached")


FIRST_SCREEN = (".lead", "#figure-overview", ".tiles", ".links.warning")
SCREENS = pytest.mark.parametrize(("width", "height"), [(1300, 900), (390, 844)])
THEMES = pytest.mark.parametrize("theme", ["light", "dark"])
CUT = """() => [...document.querySelectorAll('#part-opening *')].filter((e) => e.scrollWidth > e.clientWidth + 1
    && e.clientWidth > 0 && !e.closest('svg')).map((e) => e.className + ': ' + e.textContent.slice(0, 40))"""
BESIDE = """() => {
    const boxes = [...document.querySelectorAll('#part-opening .track text')].map((e) => e.getBoundingClientRect());
    return boxes.filter((box) => box.left < 0 || box.right > innerWidth).length; }"""


def test_page_opens_in_time(visit):
    desktop = visit("desktop")
    assert desktop.seconds < 20  # benchmarks/report_page.py holds the limit, on a quiet machine


@pytest.mark.parametrize("name", ["desktop", "chinese"])
@THEMES
@SCREENS
def test_first_screen_holds_sentence_picture_numbers_and_warnings(opened, name, theme, width, height):
    page = opened(name, width=width, theme=theme, height=height, is_unfolded=False)
    page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    for selector in FIRST_SCREEN:
        box = page.locator(selector).first.bounding_box()
        assert box["x"] >= 0, selector
        assert box["y"] >= 0, selector
        assert box["x"] + box["width"] <= width, selector
        assert box["y"] + box["height"] <= height, selector
    assert page.evaluate(OVERFLOW) == 0
    assert page.evaluate(CUT) == []
    assert page.evaluate(BESIDE) == 0


def test_first_picture_needs_no_script(opened):
    page = opened("desktop", is_unfolded=False)
    dots = page.locator("#figure-overview .track g")
    assert dots.count() > 4
    assert all(dots.nth(place).bounding_box()["width"] > 0 for place in range(dots.count()))


def test_link_to_a_folded_part_unfolds_it(opened):
    page = opened("desktop", is_unfolded=False)
    link = page.locator(".links.warning a").first
    target = link.get_attribute("href")
    assert page.locator(target).get_attribute("open") is None
    link.click()
    page.wait_for_selector(f"{target}[open]")


def test_every_figure_is_drawn_when_it_is_looked_at(opened):
    page = opened("desktop")
    for canvas in page.locator(".canvas").all():
        canvas.scroll_into_view_if_needed()
        canvas.locator("svg.main-svg").first.wait_for(state="attached")
    assert page.locator(".canvas").count() > 10


def test_heading_sorts_by_keyboard_and_says_so(opened):
    page = opened("desktop")
    heading = page.locator("#cells thead th").first
    heading.locator("button").focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert page.evaluate(FIRST_METHODS) == "A" * 6 + "C" * 6
    page.keyboard.press("Space")
    assert heading.get_attribute("aria-sort") == "descending"
    assert page.evaluate(FIRST_METHODS) == "C" * 6 + "A" * 6


def test_heading_of_numbers_sorts_them_as_numbers(opened):
    page = opened("desktop")
    place = page.evaluate(PLACE_OF_SCORE)
    page.locator("#cells thead th").nth(place).locator("button").click()
    values = page.evaluate(VALUES, place)
    assert values == sorted(values, reverse=True)


def test_filter_shows_the_rows_that_match(opened):
    page = opened("desktop")
    page.fill("#filter", "joint")
    page.select_option(".filters select[data-axis=classifier]", "svm")
    assert page.locator("#cells tbody tr:visible").count() == 2
    assert page.inner_text("#shown") == "2 of 12 cells"
    page.fill("#filter", "")
    page.select_option(".filters select[data-axis=classifier]", "")
    assert page.locator("#cells tbody tr:visible").count() == 12


def test_cell_is_chosen_by_the_keyboard_from_its_row(opened):
    page = opened("desktop")
    page.locator("#cells tr[data-name='A/ZhenDong/512/svm'] a").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("html[data-cell='A/ZhenDong/512/svm']", state="attached")
    assert page.inner_text("#chosen") == "A/ZhenDong/512/svm"
    assert page.evaluate("document.activeElement.id") == "chosen"
    assert page.locator("#cells tr[aria-current]").get_attribute("data-name") == "A/ZhenDong/512/svm"


def test_cell_is_chosen_from_the_list_and_by_the_address(opened):
    page = opened("desktop")
    choose(page, "C/Joint/512/svm")
    assert page.input_value("#choice") == "C/Joint/512/svm"
    page.select_option("#choice", "A/Joint/512/lda")
    page.wait_for_selector("html[data-cell='A/Joint/512/lda']", state="attached")
    assert page.evaluate("decodeURIComponent(location.hash)") == "#cell=A/Joint/512/lda"


def test_chosen_cell_shows_its_own_counts(opened, grid):
    page = opened("desktop")
    choose(page, "A/Joint/512/svm")
    (cell,) = [one for one in grid if "/".join(map(str, one.axes.values())) == "A/Joint/512/svm"]
    counts = cell.metrics["confusion"]["spark"]
    shown = page.locator("#panel .matrix").first.locator("tbody tr").nth(1).locator("td").all_inner_texts()
    assert [int(text.split()[0]) for text in shown] == [*counts.values(), sum(counts.values())]


def test_dot_of_the_overview_opens_its_cell(opened):
    page = opened("desktop")
    dot = page.locator("#figure-cells-0 .track a").nth(1)
    name = unquote(dot.get_attribute("href").removeprefix("#cell="))
    dot.locator("svg").click()
    page.wait_for_selector(f"html[data-cell='{name}']", state="attached")


def test_first_tab_is_the_skip_link_and_focus_shows(opened):
    page = opened("chinese")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_every_box_that_scrolls_can_be_reached_by_keyboard(opened):
    boxes = opened("desktop").locator(".scroll")
    assert boxes.evaluate_all("boxes => boxes.every(box => box.tabIndex === 0 && box.ariaLabel)")


def test_phone_has_no_sideways_scroll(opened):
    page = opened("desktop", width=360)
    for selector in ("[data-figure=roc]", "[data-figure=calibration]"):
        plotted(page, selector)
    assert page.evaluate(OVERFLOW) == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_in_each_theme(opened, theme):
    page = opened("desktop", theme=theme)
    plotted(page, "[data-figure=roc]")
    assert page.evaluate(CONTRAST) == []


def test_figures_follow_a_change_of_theme(opened):
    colours = []
    for theme in ("dark", "light", "dark"):
        page = opened("desktop", theme=theme)
        tick = plotted(page, "[data-figure=roc]").locator(".xtick text").first
        colours.append(tick.evaluate("text => getComputedStyle(text).fill"))
    assert colours[0] == colours[2] != colours[1]


def test_print_has_every_figure_in_light_colours(opened):
    page = opened("desktop", theme="dark")
    plotted(page, "[data-figure=roc]")
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = false; })")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.wait_for_function("!document.querySelector('.canvas:not(:has(svg.main-svg))')")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"


def test_names_that_are_markup_are_shown_as_they_are(opened):
    page = opened("evil")
    for selector in ("[data-figure=roc]", "[data-figure=tsne-motor]"):
        plotted(page, selector)
    assert page.locator("img").count() == 0
    assert page.title() != "1"
    assert "<img src=x" in page.inner_text("#chosen")
    assert "<img src=x" in page.locator("[data-figure=roc] .legend").text_content()


def test_worst_recordings_are_drawn(opened):
    page = opened("evil")
    assert "m/s²" in plotted(page, "#panel [data-figure$='/waveform']").text_content()
    assert page.locator("#panel [data-figure*='/']").count() == 3


def test_chinese_page_says_so_and_draws_chinese(opened):
    page = opened("chinese")
    assert page.get_attribute("html", "lang") == "zh-CN"
    assert page.inner_text("#part-verdict > summary") == "完整结论"
    assert "假阳性率" in plotted(page, "[data-figure=roc]").text_content()


def test_page_without_script_still_has_verdict_and_tables(browser, report):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(report.as_uri())
    assert page.locator("#cells tbody tr").count() == 12
    assert page.locator("#figure-overview .track g").count() > 4
    assert "JavaScript" in page.inner_text("noscript")
    page.context.close()
