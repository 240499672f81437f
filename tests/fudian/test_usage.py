"""A command that was called wrongly says what is wrong and how to go on, in the language of its user."""

import json
import re

import pytest

from fudian.cli.app import main

COUNTY = "data_samples/county"

WRONG = [
    (["forecast", COUNTY], ("--plan", "jinhua-2022", "fudian forecast --help")),
    (["levers", COUNTY], ("--plan", "jinhua-2022", "fudian levers --help")),
    (["why", COUNTY], ("--from", "fudian why --help")),
    (["forecast", "--plan", "jinhua-2022"], ("WORKSPACE", "fudian forecast --help")),
    (["forecast", COUNTY, "--plan"], ("--plan",)),
    (["forecast", COUNTY, "more", "--plan", "jinhua-2022"], ("more", "fudian forecast --help")),
    (["process", COUNTY, "--yeer", "2022"], ("--yeer", "--year")),
    (["process", COUNTY, "--year", "soon"], ("--year", "fudian process --help")),
    (["process", COUNTY, "--year", "99"], ("--year", "1900")),
    (["process", COUNTY, "--year", "9999"], ("--year", "2199")),
    (["levers", COUNTY, "--plan", "jinhua-2022", "--faster-min", "-3"], ("--faster-min", "0")),
    (["levers", COUNTY, "--plan", "jinhua-2022", "--faster-min", "few"], ("--faster-min",)),
    (["process", COUNTY, "--as-of", "soon"], ("--as-of", "soon", "2022-10-09")),
    (["forcast", COUNTY], ("forcast", "forecast")),
    (["xqzw"], ("xqzw", "fudian --help")),
    (["report", COUNTY, "--month", "2022-07", "--quarter", "2022Q3"], ("2022-07", "2022Q3", "--month")),
]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("words", "named"), WRONG, ids=lambda each: " ".join(each[:3]))
def test_a_wrong_call_is_told_with_its_remedy(
    words: list[str],
    named: tuple[str, ...],
    language: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FUDIAN_LANG", language)
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert [each for each in named if each not in written.err] == []
    if language == "zh":
        said = re.sub(
            r"--[\w-]+|[\w/.]*" + re.escape(COUNTY) + r"|[A-Za-z]+-\d{4}|fudian( [a-z-]+)?|WORKSPACE", "", written.err
        )
        assert not re.search(r"[A-Za-z]{3,} [A-Za-z]{2,}", said), written.err
        assert re.search(r"[\u4e00-\u9fff]", said), written.err


def test_programs_read_the_same_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FUDIAN_LANG", "en")
    with pytest.raises(SystemExit):
        main(["forecast", COUNTY, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert "--plan" in told["error"]
    assert told["hint"] == "fudian forecast --help tells how it is called."


@pytest.mark.parametrize(("words", "status"), [([], 2), (["users"], 2), (["--version"], 0), (["process", "--help"], 0)])
def test_help_and_version_still_answer(words: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == status
    assert "fudian" in capsys.readouterr().out.lower()
