"""What a prompt engineer does with the report of a run, in a real browser, from the file itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from evals.comparing.compare import compare
from evals.outcome import BookDocument, Outcome, Row, Verdict
from evals.reports.page import write_report
from evals.running.rows import load_run
from tests.browser.test_chat_page import browser, chromium
from tests.evals.test_report import HOSTILE, a_folder, a_row, a_run, a_turn, hostile_row

__all__ = ["browser", "chromium"]

DRAFT = BookDocument(
    kind="invoice",
    id="1",
    number="TRIA-000001",
    before={"Status": "DRAFT", "Total": 90.0},
    after={"Status": "AUTHORISED", "Total": 90.0},
)


def rows() -> list[Row]:
    said = Verdict(scorer="facts", passed=False, reason="does not state SGD 91.00", turn=2)
    turns = [a_turn(), a_turn("and when?", "On Friday.", kind="user")]
    failing = a_row(
        "owes-later",
        failed="tools",
        reason="expected read_statement at least once",
        outcome=Outcome(turns=turns, books=[DRAFT], log=["one line"]),
    )
    failing.verdicts.append(said)
    return [
        failing,
        hostile_row(),
        a_row("order-zh", suite="orders", owner="orders"),
        *(a_row("sometimes", trial=n, failed="says" if n == 2 else "") for n in (1, 2)),
        *(a_row(f"passes-{n}") for n in range(20)),
    ]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parent = tmp_path_factory.mktemp("runs")
    before = a_folder(parent, [a_row("owes-later"), a_row("order-zh")], a_run("run-1"))
    after = a_folder(parent, rows())
    (after / "cases.jsonl").write_text(
        '{"id": "owes-later", "customer": "forno-rosso", "clock": "2026-09-02T10:15:00+08:00",'
        ' "turns": [{"expect": {"tools": [{"name": "read_statement"}, {"name": "read_balance"}]}}]}'
    )
    comparison = compare(load_run(before), load_run(after))
    return write_report(after, [load_run(before)[0]], comparison, [HOSTILE], [HOSTILE])


@pytest.fixture
async def page(browser: Browser, report: Path) -> AsyncIterator[Page]:
    """The report. Any error, any refused content and any request on the way fail the test."""
    context = await browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = await context.new_page()
    errors: list[str] = []
    requests: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text))
    page.on("request", lambda request: requests.append(request.url))
    await page.goto(report.as_uri())
    yield page
    assert not await page.evaluate("'hacked' in window")
    await context.close()
    assert errors == []
    assert {url.split("#")[0] for url in requests if not url.startswith("data:")} == {
        report.as_uri()
    }


def cases(page: Page) -> Locator:
    return page.locator(".cases .case:visible")


def case(page: Page, name: str) -> Locator:
    return page.locator(f"[id='case-{name}']")


async def opened(page: Page, name: str) -> Locator:
    item = case(page, name)
    await item.locator(".opener").click()
    await expect(item.locator(".turn").first).to_be_visible()
    return item


async def test_a_failing_case_shows_which_turn_is_wrong_and_why(page: Page) -> None:
    item = await opened(page, "owes-later")
    first, second = (item.locator(".turn").nth(n) for n in (0, 1))
    await expect(first.locator(".customer")).to_contain_text("what do I owe?")
    await expect(first.locator(".tria")).to_contain_text("You owe SGD 90.00.")
    await expect(first.locator(".verdicts .failed")).to_contain_text("read_statement")
    await expect(second.locator(".verdicts .failed")).to_have_text("factsdoes not state SGD 91.00")
    color = await second.locator(".verdicts .failed").evaluate("e => getComputedStyle(e).color")
    assert color == "rgb(163, 45, 28)"


async def test_calls_that_are_missing_are_marked(page: Page) -> None:
    calls = (await opened(page, "owes-later")).locator(".turn").first.locator(".calls li")
    await expect(calls.filter(has_text="read_statement")).to_contain_text("missing")
    await expect(calls.filter(has_text="read_balance")).to_contain_text("expected")


async def test_books_show_only_the_fields_that_changed(page: Page) -> None:
    rows = (await opened(page, "owes-later")).locator(".book tbody tr")
    await expect(rows).to_have_count(1)
    await expect(rows.first.locator("td")).to_have_text(["DRAFT", "AUTHORISED"])


async def test_the_waterfall_has_a_bar_for_each_node(page: Page) -> None:
    bar = (await opened(page, "owes-later")).locator(".trace .bar").first
    box = await bar.bounding_box()
    assert box
    assert box["width"] > 20


async def test_words_and_choices_narrow_the_list(page: Page) -> None:
    everything = await cases(page).count()
    await page.keyboard.press("/")
    await page.keyboard.type("sgd 91.00 OWES")
    await expect(cases(page)).to_have_count(1)
    await expect(page.locator("#shown")).to_have_text(f"1 of {everything} cases")
    await page.keyboard.press("Escape")
    await page.get_by_label("Suite").select_option("orders")
    await expect(cases(page)).to_have_count(1)
    await page.get_by_role("radio", name="Failed").check(force=True)
    await expect(page.locator("#none")).to_be_visible()
    await page.get_by_role("button", name="Show all").click()
    await expect(cases(page)).to_have_count(everything)
    await page.get_by_label("Failed scorer").select_option("facts")
    await expect(cases(page)).to_have_count(1)


async def test_a_suite_of_the_table_filters_the_list(page: Page) -> None:
    await page.get_by_text("Suites", exact=True).click()
    await page.get_by_role("button", name="orders", exact=True).click()
    await expect(cases(page)).to_have_count(1)
    await expect(page.get_by_label("Suite")).to_have_value("orders")


async def test_the_keyboard_walks_through_the_list(page: Page) -> None:
    await page.locator("#cases").focus()
    openers = page.locator(".case .opener:visible")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    await expect(openers.first).to_be_focused()
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(openers.nth(1)).to_have_attribute("aria-expanded", "true")
    await page.keyboard.press("Enter")
    await expect(openers.nth(1)).to_have_attribute("aria-expanded", "false")


async def test_the_first_failing_trial_is_shown_and_each_can_be_chosen(page: Page) -> None:
    item = await opened(page, "sometimes")
    await expect(item.get_by_role("button", name="Trial 2")).to_have_attribute(
        "aria-pressed", "true"
    )
    await expect(item.locator(".verdicts .failed")).to_have_count(1)
    await item.get_by_role("button", name="Trial 1").click()
    await expect(item.locator(".verdicts .failed")).to_have_count(0)


async def test_the_command_is_copied(page: Page) -> None:
    item = await opened(page, "owes-later")
    await item.get_by_role("button", name="Copy").click()
    await expect(item.get_by_role("button", name="Copied")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == "python -m evals run --case owes-later"


async def test_what_people_wrote_is_shown_and_never_run(page: Page) -> None:
    item = page.locator(".cases .case").filter(has_text="window.hacked")
    await item.locator(".opener").click()
    await expect(item.locator(".customer")).to_contain_text("<img src=x")
    for summary in await item.locator("summary").all():
        await summary.click()
    await expect(page.locator(".gate.bad li")).to_have_text(HOSTILE)
    assert await page.locator("img, iframe, a[href^=javascript]").count() == 0


async def test_a_case_that_became_worse_is_shown_in_both_runs(page: Page) -> None:
    pair = page.locator(".pair.worse").filter(has_text="owes-later")
    await pair.locator(".opener").click()
    await expect(pair.locator(".sides").first.locator(".side")).to_have_count(2)
    await expect(pair.locator(".verdicts .failed").first).to_contain_text("not judged → failed")


async def test_a_link_to_a_case_opens_it(page: Page, report: Path) -> None:
    await page.evaluate("location.hash = '#case-owes-later'")
    await expect(case(page, "owes-later").locator(".turn").first).to_be_visible()


@pytest.mark.parametrize("width", [320, 360, 768])
async def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 640})
    await page.reload()
    for name in ("owes-later", "sometimes"):
        item = await opened(page, name)
        for summary in await item.locator("summary").all():
            await summary.click()
    await page.locator(".pair .opener").first.click()
    hostile = page.locator(".cases .case").filter(has_text="window.hacked")
    await hostile.locator(".opener").click()
    await expect(hostile.locator(".customer")).to_be_visible()
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(overflow) == 0
