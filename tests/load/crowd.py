"""More customers than the demo company has: copies of its own, each with books and outlets."""

from typing import Any

from tools.sandbox.company import DemoCustomer, company, demo_customers

BASES = (
    *("forno-rosso", "kopi-collective", "slice-yard-north"),
    *("green-bowl-orchard", "metro-meals"),
)
ORDERS_A_MONTH = 1.5
EXTRAS = ("further_quotes", "has_old_credit", "pays_in_part", "overpayment", "prepayment")
Json = dict[str, Any]


def crowd(count: int) -> list[DemoCustomer]:
    """Let so many join the demo company, as this process knows it; the same in every process.

    Whoever serves the books has to call it before they are filled.
    """
    known = {entry["id"] for entry in company()["customers"]}
    for number in range(count):
        slug = _slug(number)
        if slug not in known:
            _join(slug, base_of(slug), number)
    demo_customers.cache_clear()
    wanted = {_slug(number) for number in range(count)}
    return [each for each in demo_customers() if each.customer_id in wanted]


def base_of(customer_id: str) -> str:
    """Whose copy it is."""
    return customer_id.rpartition("-")[0]


def _slug(number: int) -> str:
    return f"{BASES[number % len(BASES)]}-{number:03}"


def _join(slug: str, base: str, number: int) -> None:
    known = company()
    [customer] = [entry for entry in known["customers"] if entry["id"] == base]
    [payer] = customer["contacts"]
    [contact] = [entry for entry in known["contacts"] if entry["slug"] == payer]
    own: Json = {"slug": slug, "name": f"{contact['name']} {number:03}", "orders": ORDERS_A_MONTH}
    plain = {name: value for name, value in contact.items() if name not in EXTRAS}
    known["contacts"].append(plain | own | {"credit": "", "quotes": []})
    for outlet in [entry for entry in known["outlets"] if entry["contact"] == payer]:
        copy = outlet | {"slug": f"{outlet['slug']}-{number:03}", "contact": slug}
        known["outlets"].append(copy)
    known["customers"].append(customer | {"id": slug, "contacts": [slug]})
