"""Whether a message is nothing but a yes, or nothing but a no, in any of the four languages.

Whatever says more than that is asked about: a yes places an order.
"""

import re

CLEAR_YES = (
    r"yes|yeah|yep|yup|confirm(?:ed)?|correct|go ahead|proceed|please do|do it"
    r"|place (?:it|the order|this order)|好的|可以|确认|是的|没问题|下单吧"
    r"|boleh|setuju|sah(?:kan)?|betul|teruskan|ஆம்|ஆமாம்|சரி|உறுதி"
)
YES = CLEAR_YES + r"|ya|ok|okay|sure|好|是|对|行"
NO = (
    r"do not place it|cancel it|not now|never ?mind|don't|do not|dont|nope|nah|no|stop"
    r"|不用了|不要了|不要|不用|不了|不是|不|算了|取消"
    r"|tak jadi|tak nak|tidak|tak|jangan|batal(?:kan)?|இல்லை|வேண்டாம்"
)
POLITE = r"please|pls|plz|lah|la|thanks|thank you|谢谢|请|terima kasih|tolong|நன்றி"
POLITE_END = r"thanks|thank you|谢谢|terima kasih|நன்றி"
MARKS = " \t\n,.!;👍🙏，。！"


def says_yes(text: str) -> bool:
    """A plain yes. "ok thanks" alone may as well end a conversation and is none."""
    return _says_only(text, YES) and (_has(text, CLEAR_YES) or not _has(text, POLITE_END))


def says_no(text: str) -> bool:
    """A plain no."""
    return _says_only(text, NO)


def _says_only(text: str, answers: str) -> bool:
    """Whether a message consists of these answers and politeness alone."""
    rest = re.sub(rf"(?<!\w)(?:{answers}|{POLITE})(?!\w)", " ", text, flags=re.IGNORECASE)
    return _has(text, answers) and not rest.strip(MARKS)


def _has(text: str, words: str) -> bool:
    return bool(re.search(rf"(?<!\w)(?:{words})(?!\w)", text, re.IGNORECASE))
