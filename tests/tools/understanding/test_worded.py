import pytest

from tools.understanding.worded import asks_for_robot, ending_of, is_vague


@pytest.mark.parametrize(
    "text",
    ["are you a robot?", "r u human", "你是机器人吗", "awak ni robot ke", "நீங்கள் ஒரு ரோபோவா"],
)
def test_who_answers_is_asked(text: str) -> None:
    assert asks_for_robot(text)


@pytest.mark.parametrize(
    "text", ["I dont want to talk to a bot", "不要机器人", "so polite this bot"]
)
def test_not_everybody_who_speaks_of_a_robot_asks_for_one(text: str) -> None:
    assert not asks_for_robot(text)


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("thanks, that's all for today. bye", "goodbye"),
        ("再见", "goodbye"),
        ("terima kasih banyak", "thanks"),
        ("நன்றி", "thanks"),
        ("how do you say thank you in Tamil?", None),
        ("hello there", None),
    ],
)
def test_how_a_conversation_ends(text: str, ending: str | None) -> None:
    assert ending_of(text) == ending


@pytest.mark.parametrize(
    "text", ["the thingy you know", "blue one yes no maybe", "那个东西你知道的", "benda tu"]
)
def test_what_only_points_is_vague(text: str) -> None:
    assert is_vague(text)


@pytest.mark.parametrize(
    "text", ["ok noted", "yes", "hello", "that box", "那个盒子", "the one for pizza"]
)
def test_what_names_something_is_not_vague(text: str) -> None:
    assert not is_vague(text)
