"""A written Korean sentence is shown in training with other endings that are right."""

import importlib
from pathlib import Path

import pytest

SERVICE = Path(__file__).parents[3] / "services" / "classify"


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("화면이 자꾸 꺼졌어요", "화면이 자꾸 꺼졌음"),
        ("답이 없음", "답이 없습니다"),
        ("하나 더 주문해요", "하나 더 주문함"),
        ("야근이 당연함", "야근이 당연합니다"),
        ("로그인이 안 됩니다", "로그인이 안 됨"),
        ("배송이 느립니다", "배송이 느림"),
        ("다니기 좋습니다", "다니기 좋음"),
        ("그대로예요", "그대로임"),
    ],
)
def test_an_ending_has_others(text: str, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SERVICE)
    endings = importlib.import_module("training.endings")

    assert other in endings.others(text)


@pytest.mark.parametrize("text", ["마음에 들어요", "고쳐 주세요", "완전 굿", "품질이 나아요", "the food was cold", ""])
def test_what_is_not_surely_right_has_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SERVICE)
    endings = importlib.import_module("training.endings")

    assert not endings.others(text)
