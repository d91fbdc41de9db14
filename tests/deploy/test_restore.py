"""Everything is destroyed and restored: what stays, and that nothing is written to Xero twice."""

from evals.bench.restore import destroyed, dropped, is_whole
from evals.bench.restore_site import standing_site

ARCHIVE_SECONDS = 3


def test_all_of_it_comes_back_and_a_confirmed_card_is_not_written_again() -> None:
    with standing_site(ARCHIVE_SECONDS) as site:
        figures = destroyed(site, 2, ARCHIVE_SECONDS) | dropped(site, 1)
    assert is_whole(figures, ARCHIVE_SECONDS), figures
    assert figures["confirmed"] == figures["confirmed_again"] == "committed"
    assert figures["acknowledged"] > figures["lost"]
