"""The front door: the command line, one thin function per command.

Every command takes ``--json``: one JSON object on standard output and nothing else there; progress and messages go to standard
error. Exit status 0: done; 1: the data has errors that prevent the answer; 2: wrong usage.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import fudian
from fudian.cli import grid, plans, reliability, repair, tables
from fudian.cli.arguments import Json, WorkspaceArgument, opened
from fudian.cli.terminal import ERRORS, language, print_json, tell_problems, working
from fudian.language import unknown_choice
from network import FudianError, Problem, WorkspaceError, text, translate

app = typer.Typer(
    name="fudian",
    help="复电 Fudian: outage reliability and smart fault repair for electricity distribution.",
    epilog="FUDIAN_LANG=zh or FUDIAN_LANG=en in the environment chooses the language of texts and pages; otherwise the system's.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_WRONG_USAGE = 2


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


app.add_typer(reliability.app)
app.add_typer(grid.app)
app.add_typer(repair.app)
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
    as_json: Json = False,
) -> None:
    """Turn another source into a workspace of Parquet tables."""
    from network.readers.converting import convert_files

    with working("converting") as progress:
        source = convert_files(files, form, to, progress)
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


@app.command()
def serve(
    workspace: WorkspaceArgument,
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8050,
    host: Annotated[str, typer.Option(help="127.0.0.1 serves this machine only.")] = "127.0.0.1",
    open_browser: Annotated[bool, typer.Option("--open-browser")] = False,
) -> None:
    """Serve the dashboard and /api/v1 on a workspace."""
    from dashboard.app import serve as serve_dashboard

    serve_dashboard(workspace, host=host, port=port, open_browser=open_browser, language=language())


@app.command()
def demo(port: Annotated[int, typer.Option(min=0, max=65535)] = 8050) -> None:
    """Open the sample county in the dashboard."""
    from dashboard.app import serve as serve_dashboard
    from data_samples.generator.county import COUNTY

    serve_dashboard(COUNTY, host="127.0.0.1", port=port, open_browser=True, language=language())


# Errors -----------------------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; whatever goes wrong is one clear message and an exit status, never a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        _keep_answers_apart()
    try:
        app(given)
    except SystemExit as stop:
        if stop.code == _WRONG_USAGE and "--json" in given:
            print_json({"error": translate("The command was called wrongly; standard error says how.", language())})
        raise
    except WorkspaceError as error:
        _report(error, given, error.problems)
        raise SystemExit(1) from None
    except FudianError as error:
        _report(error, given)
        raise SystemExit(_WRONG_USAGE) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except Exception as error:  # the last door: whatever went wrong, a user never sees a traceback
        if os.environ.get("FUDIAN_DEBUG"):
            raise
        _report(
            FudianError(
                text("Something went wrong inside Fudian: {kind}: {error}.", kind=type(error).__name__, error=error),
                text("Please report it with the output of FUDIAN_DEBUG=1 before the command."),
            ),
            given,
        )
        raise SystemExit(1) from None


def _keep_answers_apart() -> None:
    """Send what libraries print by themselves, past Python, to standard error: standard output carries the answer alone."""
    out = sys.stdout
    if out is None or sys.stderr is None:  # started with a stream closed
        return
    out.flush()
    answers = os.dup(out.fileno())
    os.dup2(sys.stderr.fileno(), out.fileno())
    sys.stdout = os.fdopen(answers, "w", buffering=1 if out.isatty() else -1, encoding=out.encoding, errors=out.errors)


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
