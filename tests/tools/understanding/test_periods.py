from datetime import date

import pytest

from tools.understanding.periods import Period, period_of

TODAY = date(2026, 11, 24)
NAMED = {
    "en": [
        ("statement for October", "2026-10-01", "2026-10-31"),
        ("invoice of 15 Nov 2023", "2023-11-15", "2023-11-15"),
        ("from 3 Aug 2025 to 5 Sep 2025", "2025-08-03", "2025-09-05"),
        ("Oct statement pls", "2026-10-01", "2026-10-31"),
        ("soa for sept", "2026-09-01", "2026-09-30"),
        ("statement of last month", "2026-10-01", "2026-10-31"),
        ("the previous month please", "2026-10-01", "2026-10-31"),
        ("this month so far", "2026-11-01", "2026-11-24"),
        ("December statement", "2025-12-01", "2025-12-31"),
        ("1 Oct to 15 Nov", "2026-10-01", "2026-11-15"),
        ("from 1 October until 15 November 2026", "2026-10-01", "2026-11-15"),
        ("account activity 1-15 Oct", "2026-10-01", "2026-10-15"),
        ("Oct 1-15 please", "2026-10-01", "2026-10-15"),
        ("2026-10", "2026-10-01", "2026-10-31"),
        ("statement 10/2026", "2026-10-01", "2026-10-31"),
        ("2026-10-01 to 2026-11-15", "2026-10-01", "2026-11-15"),
        ("1/10 - 15/11", "2026-10-01", "2026-11-15"),
        ("this quarter", "2026-10-01", "2026-11-24"),
        ("last quarter", "2026-07-01", "2026-09-30"),
        ("Q3 2025 statement", "2025-07-01", "2025-09-30"),
        ("the second quarter", "2026-04-01", "2026-06-30"),
        ("H1 2026", "2026-01-01", "2026-06-30"),
        ("since September", "2026-09-01", "2026-11-24"),
        ("all payments since 5 October", "2026-10-05", "2026-11-24"),
        ("from Sept onwards", "2026-09-01", "2026-11-24"),
        ("full ledger for our account from Jan to now", "2026-01-01", "2026-11-24"),
        ("October and November", "2026-10-01", "2026-11-24"),
        ("Dec to Feb", "2025-12-01", "2026-02-28"),
        ("Oct to Dec", "2026-10-01", "2026-11-24"),
        ("the last 3 months", "2026-08-01", "2026-11-24"),
        ("past two weeks", "2026-11-11", "2026-11-24"),
        ("last 30 days", "2026-10-26", "2026-11-24"),
        ("this year to date", "2026-01-01", "2026-11-24"),
        ("last year", "2025-01-01", "2025-12-31"),
        ("statement for 2025", "2025-01-01", "2025-12-31"),
        ("statement for May", "2026-05-01", "2026-05-31"),
        ("may statement pls", "2026-05-01", "2026-05-31"),
        ("stmnt june july", "2026-06-01", "2026-06-30"),
        ("last week", "2026-11-16", "2026-11-22"),
        ("statement as at 30 September", "2026-09-01", "2026-09-30"),
        ("soa dated 30 sep", "2026-09-01", "2026-09-30"),
        ("October 2025", "2025-10-01", "2025-10-31"),
        ("closing accounts this week, need it as at 31 Oct", "2026-10-01", "2026-10-31"),
        ("email me my statement from last month", "2026-10-01", "2026-10-31"),
        ("statement for the last 90 days", "2026-08-27", "2026-11-24"),
        ("the second half of last year", "2025-07-01", "2025-12-31"),
        ("statement for the year ended 31 March", "2025-04-01", "2026-03-31"),
        ("statement for the quarter ending June", "2026-04-01", "2026-06-30"),
        ("everything from 2025 to today", "2025-01-01", "2026-11-24"),
        ("a fresh statement, Jan to today", "2026-01-01", "2026-11-24"),
        ("account extract for Feb", "2026-02-01", "2026-02-28"),
    ],
    "zh": [
        ("八月一号到十五号的对账单", "2026-08-01", "2026-08-15"),
        ("十月廿一号到十一月二号", "2026-10-21", "2026-11-02"),
        ("十月的对账单", "2026-10-01", "2026-10-31"),
        ("10月份对账单", "2026-10-01", "2026-10-31"),
        ("2026年9月的账单明细", "2026-09-01", "2026-09-30"),
        ("上个月的对账单", "2026-10-01", "2026-10-31"),
        ("上月", "2026-10-01", "2026-10-31"),
        ("本月到现在", "2026-11-01", "2026-11-24"),
        ("这个月", "2026-11-01", "2026-11-24"),
        ("10月1日到11月15日", "2026-10-01", "2026-11-15"),
        ("10月1日至15日", "2026-10-01", "2026-10-15"),
        ("本季度", "2026-10-01", "2026-11-24"),
        ("上季度", "2026-07-01", "2026-09-30"),
        ("第三季度", "2026-07-01", "2026-09-30"),
        ("九月以来的付款", "2026-09-01", "2026-11-24"),
        ("从九月到十月", "2026-09-01", "2026-10-31"),
        ("自九月起", "2026-09-01", "2026-11-24"),
        ("最近三个月", "2026-08-01", "2026-11-24"),
        ("最近30天", "2026-10-26", "2026-11-24"),
        ("今年", "2026-01-01", "2026-11-24"),
        ("去年", "2025-01-01", "2025-12-31"),
        ("上半年", "2026-01-01", "2026-06-30"),
        ("上周", "2026-11-16", "2026-11-22"),
        ("截至9月30日的对账单", "2026-09-01", "2026-09-30"),
    ],
    "ms": [
        ("penyata bulan lepas", "2026-10-01", "2026-10-31"),
        ("penyata Oktober", "2026-10-01", "2026-10-31"),
        ("penyata bulan Okt", "2026-10-01", "2026-10-31"),
        ("penyata bulan Mei", "2026-05-01", "2026-05-31"),
        ("bulan ini", "2026-11-01", "2026-11-24"),
        ("1 Okt hingga 15 Nov", "2026-10-01", "2026-11-15"),
        ("dari 1 Oktober sampai 15 November", "2026-10-01", "2026-11-15"),
        ("1-15 Okt", "2026-10-01", "2026-10-15"),
        ("suku ini", "2026-10-01", "2026-11-24"),
        ("suku tahun lepas", "2026-07-01", "2026-09-30"),
        ("suku ketiga 2026", "2026-07-01", "2026-09-30"),
        ("sejak September", "2026-09-01", "2026-11-24"),
        ("dari September hingga sekarang", "2026-09-01", "2026-11-24"),
        ("mac hingga jun", "2026-03-01", "2026-06-30"),
        ("tiga bulan lepas", "2026-08-01", "2026-11-24"),
        ("3 bulan yang lalu", "2026-08-01", "2026-11-24"),
        ("tahun ini", "2026-01-01", "2026-11-24"),
        ("tahun lepas", "2025-01-01", "2025-12-31"),
        ("minggu lepas", "2026-11-16", "2026-11-22"),
        ("penyata setakat 30 September", "2026-09-01", "2026-09-30"),
    ],
    "ta": [
        ("கடந்த மாதம் கணக்கு அறிக்கை", "2026-10-01", "2026-10-31"),
        ("கடந்த மாதத்தின் அறிக்கை", "2026-10-01", "2026-10-31"),
        ("அக்டோபர் மாத அறிக்கை", "2026-10-01", "2026-10-31"),
        ("மே மாத அறிக்கை", "2026-05-01", "2026-05-31"),
        ("இந்த மாதம்", "2026-11-01", "2026-11-24"),
        ("அக்டோபர் 1 முதல் நவம்பர் 15 வரை", "2026-10-01", "2026-11-15"),
        ("அக்டோபர் 1 முதல் 15 வரை", "2026-10-01", "2026-10-15"),
        ("இந்த காலாண்டு", "2026-10-01", "2026-11-24"),
        ("கடந்த காலாண்டு", "2026-07-01", "2026-09-30"),
        ("செப்டம்பர் முதல்", "2026-09-01", "2026-11-24"),
        ("செப்டம்பரிலிருந்து", "2026-09-01", "2026-11-24"),
        ("கடந்த மூன்று மாதங்கள்", "2026-08-01", "2026-11-24"),
        ("கடந்த 3 மாதங்களுக்கான அறிக்கை", "2026-08-01", "2026-11-24"),
        ("இந்த ஆண்டு", "2026-01-01", "2026-11-24"),
        ("கடந்த ஆண்டு", "2025-01-01", "2025-12-31"),
        ("கடந்த வாரம்", "2026-11-16", "2026-11-22"),
        ("செப்டம்பர் 30 வரை", "2026-09-01", "2026-09-30"),
    ],
}
NONE = [
    "send me the statement",
    "may I have the statement",
    "Hi, Mei here, statement please",
    "march me to the right person",
    "statement as of today please",
    "pls send statement today",
    "对账单发给我",
    "minta penyata akaun",
    "கணக்கு அறிக்கை வேண்டும்",
    "INV-2026",
    "500 boxes of 12 inch",
    "we paid 740.00",
    "statement for January 2027",
]


@pytest.mark.parametrize(
    ("text", "since", "until"), [case for cases in NAMED.values() for case in cases]
)
def test_the_period_that_is_named(text: str, since: str, until: str) -> None:
    expected = Period(date.fromisoformat(since), date.fromisoformat(until))
    assert period_of(text, TODAY) == expected


@pytest.mark.parametrize("text", NONE)
def test_no_period_is_named(text: str) -> None:
    assert period_of(text, TODAY) is None


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2026, 3, 31), date(2028, 2, 29)])
@pytest.mark.parametrize(
    "text", [text for cases in NAMED.values() for text, *_ in cases if "20" not in text]
)
def test_no_period_ends_in_the_future(text: str, today: date) -> None:
    found = period_of(text, today)
    assert found is None or found.since <= found.until <= today
