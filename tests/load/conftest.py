from collections.abc import Iterator

import pytest

from tools.sandbox.company import company, demo_customers


@pytest.fixture(autouse=True, scope="module")
def the_demo_company_as_it_was() -> Iterator[None]:
    """The crowd joins it for a whole process, which other tests share."""
    yield
    company.cache_clear()
    demo_customers.cache_clear()
