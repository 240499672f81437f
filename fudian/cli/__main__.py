"""Where the command line starts: once Fudian's packages are found to be its own, the commands are loaded."""

from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # who stops the program while it loads need not read where it was

import gc
import json
import sys
from collections.abc import Sequence

from fudian.rooms import Trouble, troubles

_BROKEN_INSTALLATION = 2
NEW_OBJECTS = 50_000
"""So many objects are made between two looks for circles: rows and problems come by the hundred thousand, circles seldom."""


def main() -> None:
    """Run a command, or say why no answer could be trusted: in one sentence and an exit status, never a traceback."""
    found = troubles()
    _tell(found)
    if any(trouble.is_breaking for trouble in found):
        raise SystemExit(_BROKEN_INSTALLATION)
    gc.disable()  # nothing that loading makes is garbage
    try:
        from fudian.cli.app import main as run
    except Exception:
        if found:  # what was changed cannot be loaded either, and was said
            raise SystemExit(_BROKEN_INSTALLATION) from None
        raise
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
    gc.enable()
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


def _tell(found: Sequence[Trouble]) -> None:
    for sentence in (said := _sentences(found)):
        sys.stderr.write(f"{sentence}\n")
    if "--json" in sys.argv and any(trouble.is_breaking for trouble in found):
        json.dump({"error": " ".join(said), "hint": None, "errors": []}, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")


def _sentences(found: Sequence[Trouble]) -> list[str]:
    """Return what is said, in the language of the user where the catalogue itself is Fudian's own."""
    if not found or any(trouble.room == "network" for trouble in found):
        return [str(trouble) for trouble in found]
    from fudian.language import default_language
    from fudian.rooms import SENTENCES
    from network.texts import translate

    return [translate(SENTENCES[trouble.kind], default_language(), **trouble.values()) for trouble in found]


if __name__ == "__main__":
    main()
