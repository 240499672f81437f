"""The command line tells what it can in the language of its user, and cuts nothing off."""

from __future__ import annotations

import pytest

from docs.generate import commands_of
from fudian.cli.app import app, main
from fudian.cli.spoken import spoken

DRAWN = dict.fromkeys((*range(0x2500, 0x2580), ord(" "), ord("\n")))
"""Lines of boxes and blanks, which stand between the parts of a sentence that is folded."""


def helped(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], language: str, *words: str) -> str:
    monkeypatch.setenv("FUDIAN_LANG", language)
    monkeypatch.setenv("COLUMNS", "160")
    with pytest.raises(SystemExit) as stop:
        main([*words, "--help"])
    assert stop.value.code == 0
    return capsys.readouterr().out.translate(DRAWN)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_command_tells_its_options_whole_in_the_language_of_the_user(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    for name, command in commands_of(spoken(app, language)):
        said = helped(monkeypatch, capsys, language, *name.split())
        told = [command.help, *(parameter.help for parameter in command.params if parameter.help)]
        assert [sentence for sentence in told if sentence.translate(DRAWN) not in said] == [], name


def test_the_first_page_names_every_command_in_chinese(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = helped(monkeypatch, capsys, "zh")
    program = spoken(app, "zh")
    assert all(f"{name}{command.help}".translate(DRAWN) in said for name, command in program.commands.items())
    assert "选项" in said
    assert "Options" in helped(monkeypatch, capsys, "en"), "and English again where English is asked for"
