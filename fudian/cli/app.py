"""The front door: the command line, one thin function per command.

Every command takes ``--json``: one JSON object on standard output and nothing else there; progress and messages go to standard
error. Exit status 0: done; 1: the data has errors that prevent the answer; 2: wrong usage.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import fudian
from fudian import Utility
from fudian.cli import access, crews, desk, grid, plans, reliability, repair, serving, steering, tables
from fudian.cli.arguments import Json, Level, Limit, WorkspaceArgument, opened
from fudian.cli.spoken import spoken
from fudian.cli.terminal import ERRORS, begin_answer, language, print_json, print_rows, tell, tell_problems, working
from fudian.cli.usage import UsageError, wrong_usage
from fudian.language import unknown_choice
from fudian.versions import version
from network import FudianError, Problem, WorkspaceError, text

app = typer.Typer(
    name="fudian",
    help="复电 Fudian: outage reliability and smart fault repair for electricity distribution.",
    epilog="FUDIAN_LANG=zh or FUDIAN_LANG=en in the environment chooses the language of texts and pages; otherwise the system's.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_WRONG_USAGE = 2
_INTERRUPTED = 130
_UNWRITTEN = (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EBADF, errno.EPIPE, errno.EDQUOT)
"""Faults of the place to which an answer is written."""


def _print_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"fudian {fudian.__version__}\n")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that stand before every command."""
    del version
    if unknown := unknown_choice():
        ERRORS.print(unknown.in_language(language()), style="yellow")


# Commands ---------------------------------------------------------------------------------------------------------------


@app.command()
def check(workspace: WorkspaceArgument, as_json: Json = False) -> None:
    """List what is wrong with the tables, with place, value and remedy."""
    answer = opened(workspace).check()
    if as_json:
        print_json(answer.as_dict(language()))
        return
    for line in (*answer.lines(language()), answer.summary(language())):
        sys.stdout.write(f"{line}\n")
    asked = [each.as_dict(language()) for each in answer.answers]
    rows = [
        {"question": each["says"], "answerable": each["answerable"], "missing": "; ".join(each["missing"])}
        for each in asked
    ]
    print_rows(rows, ["question", "answerable", "missing"])


@app.command()
def diff(
    old: Annotated[
        Path, typer.Argument(metavar="OLD", help="Workspace, or file of a table, as read before.", show_default=False)
    ],
    new: Annotated[
        Path, typer.Argument(metavar="NEW", help="Workspace, or file of a table, to be taken.", show_default=False)
    ],
    table: Annotated[
        str | None, typer.Option(help="Table that the files hold, where their names do not say it.")
    ] = None,
    level: Level = "mv",
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Tell what a new version adds, deletes and changes: in rows, in customer-hours, and in which figures."""
    utility = Utility(version(old, table), language())
    with working("comparing the versions") as progress:
        answer = utility.diff(new if new.is_dir() or old.is_dir() else version(new, table), table, level, progress)
    result = answer.as_dict(language())
    if as_json:
        print_json(result)
        return
    rows = [{"table": name} | each for name, each in result.items()]
    print_rows(rows, ["table", "added", "deleted", "changed", "customer_hours"])
    for name, each in result.items():
        if each["rows"]:
            listed = [row | {"columns": ", ".join(row["columns"])} for row in each["rows"]]
            print_rows(listed, ["change", "id", "row", "columns"], title=f"\n{name}", limit=limit)
        if each["figures"]:
            figures = [figure | {"closed_period": figure["closed"]} for figure in each["figures"]]
            print_rows(figures, ["period", "figure", "old", "new", "closed_period"], title=f"\n{name}", limit=limit)
    if answer.closed:
        months = ", ".join(sorted({figure.period for figure in answer.closed}))
        tell("Figures of periods that were over change: {periods}.", style="red", periods=months)


app.add_typer(reliability.app)
app.add_typer(grid.app)
app.add_typer(steering.app)
app.add_typer(repair.app)
app.add_typer(crews.app)
app.add_typer(plans.app)
app.add_typer(tables.app)


@app.command()
def convert(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FROM…", help="Files or a folder to convert, or a SimBench code.", show_default=False),
    ],
    to: Annotated[Path, typer.Option(help="Workspace to write.")],
    form: Annotated[
        str,
        typer.Option("--format", help="table (of any headers and encoding), pandapower, opendss, cim-xml or cim-e."),
    ] = "table",
    idle: Annotated[
        str,
        typer.Option(
            help="Branches out of service: out leaves them out, open takes them as normally open, as ties are."
        ),
    ] = "out",
    as_json: Json = False,
) -> None:
    """Turn another source into a workspace of Parquet tables."""
    from network.readers.converting import convert_files

    if idle not in {"out", "open"}:
        raise FudianError(text("--idle is out or open, not {given!r}.", given=idle))
    with working("converting") as progress:
        source = convert_files(files, form, to, progress, idle_is_open=idle == "open")
    tell_problems(source.problems)
    result = source.check(language())
    if as_json:
        print_json(result)
        return
    for table, rows in result["counts"].items():
        sys.stdout.write(f"{table}: {rows}\n")


@app.command()
def sample(
    to: Annotated[Path, typer.Option(help="Folder to write.")],
    customers: Annotated[int, typer.Option(min=1_000, help="About how many customers.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same county.")] = 2022,
    as_json: Json = False,
) -> None:
    """Make a synthetic county of any size."""
    from data_samples.generator.county import generate

    with working("making the county") as progress:
        generate(customers, to, seed, progress)
    if as_json:
        print_json({"folder": str(to), "counts": dict(fudian.open(to).check().counts)})
        return
    sys.stdout.write(f"{to}\n")


app.add_typer(serving.app)
app.add_typer(desk.app)
app.add_typer(access.users)
app.add_typer(access.tokens)
app.add_typer(access.looks)


# Errors -----------------------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; whatever goes wrong is one clear message and an exit status, never a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        _keep_answers_apart()
    begin_answer()
    try:
        _run(given)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except OSError as error:
        _tell_unwritten(error.strerror or str(error))
        sys.stdout = None  # nothing may try again when the program ends
        raise SystemExit(1) from None


def _tell_unwritten(reason: str) -> None:
    ERRORS.print(text("The answer cannot be written: {reason}.", reason=reason).in_language(language()), style="red")


def _run(given: Sequence[str]) -> None:
    """Run a command, write its whole answer, and end with its exit status.

    Raises:
        SystemExit: always.
        OSError: the answer cannot be written.
    """
    try:
        status = spoken(app, language())(given, prog_name="fudian", standalone_mode=False)
        sys.stdout.flush()
        raise SystemExit(status if isinstance(status, int) else 0)
    except UsageError as error:
        if str(error):  # without any word the help was asked for, and stands there already
            _report(wrong_usage(error), given)
        raise SystemExit(_WRONG_USAGE) from None
    except WorkspaceError as error:
        _report(error, given, error.problems)
        raise SystemExit(1) from None
    except FudianError as error:
        _report(error, given)
        raise SystemExit(_WRONG_USAGE) from None
    except (KeyboardInterrupt, typer.Abort):
        raise SystemExit(_INTERRUPTED) from None
    except SystemExit:
        sys.stdout.flush()
        raise
    except BaseException as error:  # the last door: also what is no Exception, such as a panic of compiled code
        if os.environ.get("FUDIAN_DEBUG") or (isinstance(error, OSError) and error.errno in _UNWRITTEN):
            raise
        if isinstance(error, OSError) and error.filename is not None and error.strerror:
            _report(_not_at_hand(error), given)
            raise SystemExit(1) from None
        _report(
            FudianError(
                text("Something went wrong inside Fudian: {kind}: {error}.", kind=type(error).__name__, error=error),
                text("Please report it with the output of FUDIAN_DEBUG=1 before the command."),
            ),
            given,
        )
        raise SystemExit(1) from None


def _not_at_hand(error: OSError) -> FudianError:
    """Say of a file or folder that the system refuses why it does."""
    return FudianError(
        text("{path} cannot be read or written: {reason}.", path=str(error.filename), reason=error.strerror),
        text("Choose another place, or let this user read and write there."),
    )


def _keep_answers_apart() -> None:
    """Send what libraries print by themselves, past Python, to standard error: standard output carries the answer alone.

    Raises:
        SystemExit: standard output is closed, so that no answer can be given.
    """
    os.environ.setdefault("RUST_BACKTRACE", "0")  # what compiled code says of its own faults is nothing to a user
    if sys.stderr is None:  # started with the stream closed
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  # open for as long as the program runs
    out = sys.stdout
    if out is None:
        _tell_unwritten("standard output is closed")
        raise SystemExit(1)
    out.flush()
    answers = os.dup(out.fileno())
    os.dup2(sys.stderr.fileno(), out.fileno())
    errors = "replace" if out.errors == "strict" else out.errors  # a sign that GBK lacks is no reason to say nothing
    sys.stdout = os.fdopen(answers, "w", buffering=1 if out.isatty() else -1, encoding=out.encoding, errors=errors)


def _report(error: FudianError, given: Sequence[str], problems: Sequence[Problem] = ()) -> None:
    ERRORS.print(error.in_language(language()), style="red")
    tell_problems(problems)
    if "--json" in given:
        hint = error.hint.in_language(language()) if error.hint else None
        print_json({
            "error": error.message.in_language(language()),
            "hint": hint,
            "errors": [problem.as_dict(language()) for problem in problems],
        })  # fmt: skip


if __name__ == "__main__":
    main()
