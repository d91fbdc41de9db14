from tests.tools.sandbox.conftest import Json, Xero, a_number, an_invoice


def put(xero: Xero, key: str, body: Json) -> tuple[int, bytes]:
    answer = xero.send("PUT", "/Invoices", body, headers={"Idempotency-Key": key})
    return answer.status_code, answer.content


def count_of(xero: Xero, number: str) -> int:
    return len(xero.get("/Invoices", InvoiceNumbers=number).json()["Invoices"])


def test_the_same_request_gets_the_same_answer_once_written(xero: Xero) -> None:
    number = a_number()
    answers = {put(xero, number, an_invoice(InvoiceNumber=number)) for _ in range(3)}

    assert len(answers) == 1
    assert count_of(xero, number) == 1


def test_a_refusal_is_replayed_too(xero: Xero) -> None:
    key, number = a_number(), a_number()
    refused = put(xero, key, an_invoice(InvoiceNumber=number, Type="BOGUS"))
    again = put(xero, key, an_invoice(InvoiceNumber=number, Type="BOGUS"))

    assert refused[0] == 400
    assert again == refused


def test_a_key_serves_one_body_method_and_address(xero: Xero) -> None:
    key, body = a_number(), an_invoice()
    assert put(xero, key, body)[0] == 200

    headers = {"Idempotency-Key": key}
    others = [
        xero.send("PUT", "/Invoices", an_invoice(Reference="other"), headers=headers),
        xero.send("POST", "/Invoices", body, headers=headers),
        xero.send("PUT", "/Invoices", body, headers=headers, params={"unitdp": "4"}),
    ]
    assert [o.status_code for o in others] == [400, 400, 400]
    assert all("idempotency key" in o.json()["Message"] for o in others)


def test_a_key_is_forgotten_after_six_minutes(xero: Xero) -> None:
    key = a_number()
    first = put(xero, key, an_invoice())
    xero.control("/clock", advance_seconds=359)
    assert put(xero, key, an_invoice()) == first

    xero.control("/clock", advance_seconds=2)
    status, content = put(xero, key, an_invoice())
    assert status == 200
    assert content != first[1]


def test_a_key_has_at_most_128_signs(xero: Xero) -> None:
    assert put(xero, "k" * 129, an_invoice())[0] == 400
    assert put(xero, "k" * 128, an_invoice())[0] == 200


def test_a_key_belongs_to_the_app_and_not_to_a_sign_in(xero: Xero, office: Xero) -> None:
    key, body = a_number(), an_invoice()

    assert put(xero, key, body) == put(office, key, body)
    assert put(office, key, an_invoice(Reference="other"))[0] == 400


def test_a_lookup_by_a_key_that_is_kept_does_not_keep_it_longer(xero: Xero) -> None:
    key = a_number()
    first = put(xero, key, an_invoice())
    for _ in range(2):
        xero.control("/clock", advance_seconds=170)
        assert put(xero, key, an_invoice()) == first

    xero.control("/clock", advance_seconds=30)
    assert put(xero, key, an_invoice())[1] != first[1]


def test_without_a_key_the_write_happens_again(xero: Xero) -> None:
    assert xero.create()["InvoiceID"] != xero.create()["InvoiceID"]
