from tools.sandbox.openai.replies import SMALL_TALK, echo, lie_throughout, sources_of


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": text}]


def test_a_reply_repeats_facts_then_passages() -> None:
    text = "<facts>\n- Due SGD 354.25\n</facts> x <passages>\n[p1] We deliver on Tuesdays. More.\n"

    assert echo(said(f"{text}</passages>")) == "Due SGD 354.25. We deliver on Tuesdays."


def test_a_fact_in_json_becomes_a_sentence() -> None:
    fact = '{"kind": "open_balance", "total": "354.25", "invoices": [{"number": "INV-7"}]}'

    assert echo(said(f"<facts>{fact}</facts>")) == (
        "About your open balance: total 354.25, number INV-7."
    )


def test_a_reply_has_at_most_eight_sentences() -> None:
    lines = "\n".join(f"Line {n}." for n in range(20))

    assert echo(said(f"<facts>{lines}</facts>")).count("Line") == 8


def test_with_nothing_to_say_it_is_polite() -> None:
    assert echo([{"role": "user", "content": "hello"}]) == SMALL_TALK


def test_the_assistants_own_words_are_not_repeated() -> None:
    assert echo([{"role": "assistant", "content": "<facts>A.</facts>"}]) == SMALL_TALK


def test_a_lie_changes_every_amount_and_date() -> None:
    told = lie_throughout(
        "Pay 1,354.25 by 2026-03-02, that is 2 March 2026, or SGD 10.00.", "INV-9"
    )

    assert "1,454.25" in told
    assert "110.00" in told
    assert "2026-03-09" in told
    assert "9 March 2026" in told
    assert not {"1,354.25", "2026-03-02"} & set(told.split())


def test_a_lie_invents_a_discount_a_link_and_a_document() -> None:
    told = lie_throughout("Hello.", "INV-4711")

    assert "15% discount" in told
    assert "https://" in told
    assert "INV-4711" in told


def test_what_the_model_was_given_are_the_sources_of_its_lies() -> None:
    text = 'Today is Monday 23 November 2026.\n<facts>\n{"total": "354.25"}\n</facts>'
    fact, whole, day = sources_of(said(text))

    assert fact == {"total": "354.25"}
    assert "Monday" in whole["said"]
    assert day == {"today": "2026-11-23"}
