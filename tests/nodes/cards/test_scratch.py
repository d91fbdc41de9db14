from typing import cast
from uuid import uuid4

import pytest

from graph.focus import focus_of
from nodes.state import State, Turn


@pytest.mark.parametrize(("who","msgs"),[
 ("forno-rosso",["3000 12 inch boxes for tampines pls","yes","cancel that please","200 12 inch boxes for tampines pls","cancel my order","200 12 inch boxes for tampines pls","yes","move my order to next Saturday afternoon","yes","add 130 XL to my order","change my order"]),
 ("forno-rosso",["please apply my credit to INV-1678","yes","please cancel that request","change the delivery address of my order to pasir ris","I have paid INV-1678 yesterday","yes","I've paid INV-1678", "Saya sudah bayar INV-1678", "email me my invoice", "我接受报价 QU-1001，送到Tampines"]),
 ("green-bowl-orchard",["please apply my credit","200 bagasse bowls pls","what do I owe"]),
 ("golden-crust",["I want to cancel INV-1634","cancel order TRIA-009999", "quote for 20000 10 inch boxes", "quote for 20000 10 inch boxes for simei","yes"]),
])
async def test_x(clients, context_of, office, who, msgs):
    ctx = context_of(who)
    tid = str(uuid4())
    await clients.conversations.create(tid, who, {})
    focus = {}
    hist = []
    for m in msgs:
        if m == "SEND":
            n = [
                q["QuoteNumber"]
                for q in office.documents("quote", ctx)
                if q["QuoteNumber"].startswith("TRIA")
            ][-1]
            office.send(n)
            await clients.xero.forget(*ctx.caller.contact_ids)
            continue
        card = await ctx.actions.open_of(tid, who)
        turn = Turn(
            run_id=str(uuid4()),
            thread_id=tid,
            text=m,
            received_at=ctx.now().isoformat(),
            history=hist[-10:],
            focus=focus,
            open_card=card and {"action_id": str(card["action_id"]), "hash": card["hash"]},
            decision=None,
        )
        r = await clients.graph.ainvoke(
            State(turn=turn), {"configurable": {"thread_id": f"x:{turn['run_id']}"}}, context=ctx
        )
        focus = focus_of(cast(State, r))
        print(
            "\n>>>",
            m,
            "\n   ",
            [(i["name"], i["confidence"]) for i in r["understanding"]["intents"]],
            r["understanding"].get("wants"),
            [f["kind"] for f in r.get("facts", [])],
            [f["data"] for f in r.get("facts", []) if f["kind"] == "needs_person"],
            r["verdict"]["problems"],
        )
        print(r["reply"]["text"])
        hist += [
            {"role": "user", "content": m},
            {"role": "assistant", "content": r["reply"]["text"]},
        ]
    assert 0
