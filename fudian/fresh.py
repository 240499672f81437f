"""A workspace that is served for days: when its files change, they are read beside what is served, and take its place.

Whoever asks meanwhile is answered from the version that stands. Files that are worse than those before are not taken: the
version that stands stays, with a warning that says what is wrong.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fudian.prepared import State, prepare_apart, state_of, take, version_of
from fudian.utility import Utility, open_workspace
from network import FudianError, Text, text

LOOK_EVERY_S = 2.0
"""How often the files are looked at; they are read when they stayed the same for so long."""

_log = logging.getLogger("fudian")


@dataclass(frozen=True, eq=False)
class Standing:
    """A version of the data that is served.

    Attributes:
        utility: answers from it.
        version: its name.
        written: when the last of its files was written.
        read_at: when it was read.
        state: its files.
    """

    utility: Utility
    version: str
    written: datetime
    read_at: datetime
    state: State


class Fresh:
    """A workspace of which always the last good version is served.

    Attributes:
        standing: the version that is served.
        doing: what is being done meanwhile, or ``None``.
        warning: why the files as they are now are not served, or ``None``.
        renewed: whether it is another version than the first.
        follow: told of every new version that takes the place of the one before.
    """

    def __init__(
        self,
        folder: str | Path,
        language: str | None = None,
        warm: Callable[[Utility], object] = lambda _: None,
        make_way: Callable[[], object] = lambda: None,
        further: str | None = None,
    ) -> None:
        """Read a workspace.

        Args:
            folder: the workspace.
            language: of texts where a question names none.
            warm: asks beforehand what will be asked of a version, in the background.
            make_way: called by work in the background at each of its steps; returns when it may go on.
            further: module that makes more to be kept beside the workspace, told its folder and the language.

        Raises:
            FudianError: the folder is not there.
            WorkspaceError: it holds no table.
        """
        folder = Path(folder)
        self.folder, self._language, self._warm, self._make_way = folder, language, warm, make_way
        self._further = further
        self.doing: Text | None = None
        self.warning: Text | None = None
        self.renewed = False
        self.follow: Callable[[Utility], object] = lambda _: None
        self.standing = self._read(state_of(folder))
        self._seen = self._refused = self.standing.state
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="fresh", daemon=True)

    @property
    def utility(self) -> Utility:
        """The version that is served now; who asks several questions of one takes it once."""
        return self.standing.utility

    def begin(self) -> None:
        """Prepare what is asked most, and look for changes from now on, in a thread of its own."""
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._over.set()

    def _read(self, state: State) -> Standing:
        written = datetime.fromtimestamp(max((each[2] for each in state), default=0) / 1e9)
        utility = open_workspace(self.folder, self._language)
        utility.make_way = self._make_way
        return Standing(utility, version_of(state), written, datetime.now(), state)

    def _watch(self) -> None:
        self._prepare(self.standing)
        self._keep_more()
        while not self._over.wait(LOOK_EVERY_S):
            try:
                self.utility.leave_sums_on_disk()
                self.look()
            except Exception:  # noqa: BLE001 (the thread lives as long as the server; the log keeps what went wrong)
                _log.exception("The workspace could not be looked at")

    def _prepare(self, standing: Standing) -> None:
        """Make and take what is kept for a version, then ask what will be asked; figures are the same without."""
        self.doing = text("figures are being prepared")
        try:
            if not take(standing.utility, self.folder, standing.version):
                prepare_apart(self.folder, is_over=self._over.is_set)
                take(standing.utility, self.folder, standing.version)
            if not self._over.is_set():
                self._warm(standing.utility)
            standing.utility.leave_sums_on_disk()
        except Exception:  # noqa: BLE001 (what cannot be prepared is computed when it is asked for)
            _log.exception("Figures could not be prepared")
        finally:
            self.doing = None

    def _keep_more(self) -> None:
        """Make what else is kept of the version that stands, for as long as the files are the same."""
        if self._further is None or self._over.is_set():
            return

        def is_over() -> bool:
            self.utility.leave_sums_on_disk()
            return self._over.is_set() or state_of(self.folder) != self.standing.state

        self.doing = text("figures are being prepared")
        prepare_apart(self.folder, self._further, self.standing.utility.language, is_over=is_over)
        self.doing = None

    def look(self) -> bool:
        """Look at the files once, and take them where they changed and have stayed the same since the last look.

        Returns:
            Whether another version stands now.
        """
        state = state_of(self.folder)
        changed_again, self._seen = state != self._seen, state
        if state == self.standing.state:
            self.warning, self._refused = None, state
            return False
        if changed_again or state == self._refused:
            return False
        self.doing = text("new data is being read")
        try:
            return self._take(state)
        except FudianError as wrong:
            self._refuse(state, wrong.message)
        except Exception:  # noqa: BLE001 (whatever a new file does, the old version goes on)
            _log.exception("The new data could not be read")
            self._refuse(state, text("Something went wrong inside Fudian."))
        finally:
            self.doing = None
        return False

    def _refuse(self, state: State, reason: Text) -> None:
        self._refused = state
        self.warning = text(
            "The workspace has changed and cannot be used: {reason} What was read before is shown.", reason=reason
        )

    def _take(self, state: State) -> bool:
        new = self._read(state)
        _require_as_good(self.standing.utility, new.utility)
        self._prepare(new)
        before = self.standing.utility
        new.utility.carry_on(before)
        self.standing, self.warning, self.renewed = new, None, True
        self.follow(new.utility)
        new.utility.carry_on(before)
        before.let_go()
        self._keep_more()
        return True


def _require_as_good(old: Utility, new: Utility) -> None:
    """Make sure that no table that had rows is without any now.

    Raises:
        FudianError: one is; who means it so starts the server again.
    """
    before, now = old.workspace.tables, new.workspace.tables
    lost = [name for name, table in before.items() if table.height and not now[name].height]
    if lost:
        raise FudianError(
            text("No row of {tables} can be used any more.", tables=", ".join(lost)),
            text("Mend the files; if this is meant, start the server again."),
        )
