"""Commands for the tables themselves: what an unknown sheet means, and an empty workbook to fill in."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from fudian.cli.arguments import Json, file_given
from fudian.cli.terminal import language, print_json, print_rows, tell
from network.problems import FudianError
from network.tables.folder import part_of_table, stem_of
from network.tables.mapping import CERTAIN, HeaderProposal, SheetProposal, ids_in, propose, remember, with_choice
from network.tables.schema import TABLES
from network.tables.template import template as empty_workbook
from network.tables.words import columns_of, words_of
from network.tables.workspace import read_settings
from network.texts import text, translate

app = typer.Typer()


@app.command(name="map")
def map_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A table of any headers.", show_default=False)],
    table: Annotated[str | None, typer.Option(help="The table it holds; by default the likeliest.")] = None,
    workspace: Annotated[
        Path | None, typer.Option(help="Folder whose fudian.toml remembers; by default that of the file.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Agree to every proposal and remember it.")] = False,
    as_json: Json = False,
) -> None:
    """Propose what the headers of an unknown sheet mean, and remember it in fudian.toml."""
    file_given(file)
    folder = workspace or file.parent
    settings, _ = read_settings(folder)
    words = words_of(settings)[0]
    proposal = propose(file, _known_table(table), words, ids_in(folder, words, file))
    asks = not yes and not as_json and sys.stdin.isatty()
    if not as_json:
        _show(proposal)
    if asks:
        proposal = _agreed(proposal)
    written = remember(proposal, folder) if yes or asks else None
    if as_json:
        headers = [asdict(header) | {"how_sure": header.how_sure} for header in proposal.headers]
        codes = [asdict(code) | {"how_sure": code.how_sure} for code in proposal.codes]
        print_json(
            asdict(proposal)
            | {"headers": headers, "codes": codes, "written": None if written is None else str(written)}
        )
    elif written is not None:
        tell("Remembered in {path}.", path=written)
    else:
        tell("Nothing was written; --yes remembers it in fudian.toml.")


@app.command()
def template(
    to: Annotated[
        Path, typer.Option(help="Workbook to write, .xlsx; its name says which table where --table does not.")
    ],
    table: Annotated[
        str | None, typer.Option(help="The table; by default that of the file's name, else outages.")
    ] = None,
    headers: Annotated[
        str | None, typer.Option("--language", help="zh or en; by default that of the messages.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write an empty workbook for a table: headers, kinds, an example, and lists of codes to choose from."""
    chosen = _known_table(table) or part_of_table(stem_of(to))[0] or "outages"
    spoken = headers or language()
    if spoken not in {"zh", "en"} or to.suffix.lower() != ".xlsx":
        raise typer.BadParameter(translate("The workbook ends with .xlsx, and its language is zh or en.", language()))
    try:
        to.write_bytes(empty_workbook(chosen, spoken))
    except OSError as reason:
        raise FudianError(
            text("{path} cannot be written: {reason}.", path=to, reason=reason.strerror or reason),
            text("Choose another place, or close the program that holds the file."),
        ) from reason
    if as_json:
        print_json({"file": str(to), "table": chosen, "columns": TABLES[chosen].names})
    else:
        tell("{path}: empty table {table}.", path=to, table=chosen)


def _known_table(name: str | None) -> str | None:
    if name is not None and name not in TABLES:
        raise typer.BadParameter(
            translate("There is no table {name}; there are {names}.", language(), name=name, names=", ".join(TABLES))
        )
    return name


def _show(proposal: SheetProposal) -> None:
    """Print a proposal as people read it: a line for each header."""
    title = translate("{file} as the table {table}", language(), file=proposal.file, table=proposal.table)
    rows = [_row(header) for header in proposal.headers]
    print_rows(rows, ["header", "column", "sure", "examples"], title)
    for code in proposal.codes:
        tell(
            "{column}: the word {word} stands in {rows} rows and is not known; proposed: {code} ({sure})",
            column=code.column, word=repr(code.word), rows=code.rows, code=code.code or "—",
            sure=translate(code.how_sure, language()),
        )  # fmt: skip
    if proposal.missing:
        tell("No header means the required columns {columns}.", style="yellow", columns=", ".join(proposal.missing))


def _row(header: HeaderProposal) -> dict[str, object]:
    return {
        "header": header.header,
        "column": header.column,
        "sure": translate(header.how_sure, language()),
        "examples": " | ".join(header.examples),
    }


def _agreed(proposal: SheetProposal) -> SheetProposal:
    """Ask about all that is not certain: Enter agrees, a dash says that it is not needed, a name says another."""
    known = columns_of(TABLES[proposal.table])
    for header in proposal.headers:
        if header.sure < CERTAIN:
            question = translate("{header} means (a column, - for none)", language(), header=header.header)
            proposal = with_choice(proposal, header.header, _answer(question, header.column, known) or "")
    codes = []
    for code in proposal.codes:
        question = translate(
            "{word} in {column} means (a code, - for none)", language(), word=code.word, column=code.column
        )
        meanings = list(TABLES[proposal.table][code.column].codes or ("true", "false"))
        codes.append(replace(code, code=_answer(question, code.code, meanings)))
    return replace(proposal, codes=tuple(codes))


def _answer(question: str, proposed: str | None, known: list[str]) -> str | None:
    while True:
        answer = str(typer.prompt(question, default=proposed or "-", err=True)).strip()
        if answer == "-":
            return None
        if answer in known:
            return answer
        tell("Use one of {names}.", names=", ".join(known))
