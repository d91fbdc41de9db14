"""Whether a message is nothing but a yes, or nothing but a no, in any of the four languages.

Whatever says more than that is asked about: a yes places an order.
"""

import re

CLEAR_YES = (
    r"yes|yeah|yep|yup|(?:i )?confirm(?:ed)?|correct|agreed|i agree|go ahead|proceed|please do"
    r"|do it|(?:that'?s|that is|all) (?:right|correct)"
    r"|place (?:it|the order|this order)|好的|可以|确认|是的|没问题|下单吧"
    r"|boleh|setuju|sah(?:kan)?|betul|teruskan|ஆம்|ஆமாம்|சரி|உறுதி"
)
YES = CLEAR_YES + r"|ya|ok|okay|sure|好|是|对|行"
NO = (
    r"do not place it|cancel it|not now|never ?mind|forget it|leave it|no need|don't|do not|dont"
    r"|nope|nah|no|stop|不用了|不要了|不要|不用|不了|不是|不|算了|取消"
    r"|tak jadi|tak nak|tidak|tak|jangan|batal(?:kan)?|இல்லை|வேண்டாம்"
)
POLITE = (
    r"please|pls|plz|lah|la|thanks|thank you|great|perfect|good|fine|al(?:l )?right"
    r"|谢谢|请|terima kasih|tolong|நன்றி"
)
POLITE_END = r"thanks|thank you|谢谢|terima kasih|நன்றி"
# Beside a no these take nothing back: "ok never mind", "no need already".
BESIDE_NO = r"ok|okay|oh|hm+|sorry|actually|well|al(?:l )?right|then|already|liao|anymore|for now"
REFUSED = re.compile(
    rf"^\W*(?:(?:{BESIDE_NO})\W+)*(?:no,? ?(?:thanks|thank you)|never ?mind|not now|no need"
    r"|forget it|leave it|(?:i |we )?(?:don'?t|do not) (?:want|need) (?:it|this|that)"
    r"|不用了|不要了|算了|tak jadi|tak nak|tidak perlu|வேண்டாம்)"
    r"(?=\s*(?:$|[,.;!，。！]|(?:because|cos|coz|cause|since|as|already|liao|lah|la|anymore|for now"
    r"|kerana|sebab)\b|因为))",
    re.IGNORECASE,
)
# A reason has no figures, asks nothing and wants nothing else.
NO_REASON = re.compile(
    r"[0-9?？]|\b(?:but|instead|make|change|add|only|just|want|send|order|rather|tapi|tukar|tambah)\b"
    r"|但|改|换|加",
    re.IGNORECASE,
)
# "no wait wrong, not yet transferred. cancel"
CALLED_OFF = re.compile(
    r"^\W*(?:no|nope|wait|stop|sorry|oops)\b.*"
    r"\b(?:cancel(?: (?:it|that|this))?|never ?mind|forget it)\W*$"
    r"|^\W*(?:不|等等|等一下|错了).*(?:取消|算了)\W*$|^\W*(?:tak|tidak|bukan|eh)\b.*\bbatal(?:kan)?\W*$",
    re.IGNORECASE | re.DOTALL,
)
UNDECIDED = re.compile(
    r"\b(?:(?:not|\w+n'?t|never|still) (?:yet )?(?:decid\w+|sure|made up|confirmed? .{0,12}yet)"
    r"|undecided|not yet|(?:hold|hang) on|wait (?:first|a |ah|for|until|till)"
    r"|(?:let|lemme|give) ?(?:me|us)? (?:think|check|ask|a (?:moment|minute|while|day))"
    r"|(?:still|must|need to|have to|will|want to) (?:think|thinking|decide|deciding|check|ask)"
    r"|belum (?:pasti|putus\w*|setuju)|tunggu (?:dulu|sekejap)|fikir dulu)\b"
    r"|还没(?:有)?(?:决定|想好|确定)|再(?:想想|考虑)|等(?:一下|等)|இன்னும் முடிவு|யோசித்து|காத்திரு",
    re.IGNORECASE,
)
MARKS = " \t\n,.!;👍🙏，。！"


def says_yes(text: str) -> bool:
    """A plain yes. "ok thanks" alone may as well end a conversation and is none."""
    return _says_only(text, YES) and (_has(text, CLEAR_YES) or not _has(text, POLITE_END))


def says_no(text: str) -> bool:
    """A plain no."""
    return _says_only(text, NO, f"{POLITE}|{BESIDE_NO}")


def refuses(text: str) -> bool:
    """A no with its reason: "no thanks, too late for us"."""
    if CALLED_OFF.search(text) and not NO_REASON.search(text):
        return True
    said = REFUSED.search(text)
    return said is not None and not NO_REASON.search(text[said.end() :])


def leaves_open(text: str) -> bool:
    """Neither yes nor no: who has not decided yet, whatever others have said."""
    return bool(UNDECIDED.search(text)) and not re.search(r"[0-9?？]", text)


def _says_only(text: str, answers: str, beside: str = POLITE) -> bool:
    """Whether a message consists of these answers and of what says nothing beside them."""
    rest = re.sub(rf"(?<!\w)(?:{answers}|{beside})(?!\w)", " ", text, flags=re.IGNORECASE)
    return _has(text, answers) and not rest.strip(MARKS)


def _has(text: str, words: str) -> bool:
    return bool(re.search(rf"(?<!\w)(?:{words})(?!\w)", text, re.IGNORECASE))
