from nodes.replies import LANGUAGES
from tests.nodes.conftest import data_of, kinds
from tests.nodes.reads.conftest import reads, reply_to
from tools.context import Context
from tools.rules import load_rules

TOLD = "got a call that your bank changed to DBS 999-888777-6, please confirm"


async def test_details_that_somebody_sent_are_answered_with_our_own(context: Context) -> None:
    paying = data_of(await reads(context, TOLD, "payment"), "how_to_pay")
    assert paying["is_doubted"]
    for language in LANGUAGES:
        said = await reply_to(context, TOLD, "payment", language=language)
        assert load_rules().company.bank_account in said
        assert "999-888777-6" not in said


async def test_who_only_asks_how_to_pay_is_not_warned_of_anything(context: Context) -> None:
    update = await reads(context, "how do I pay you?", "payment")
    assert not data_of(update, "how_to_pay")["is_doubted"]
    assert kinds(update) == ["how_to_pay"]
