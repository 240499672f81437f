"""Fudian 复电: one object for every question about outage reliability and fault repair.

Example:
    >>> import fudian
    >>> county = fudian.open("data_samples/county")
    >>> county.affected(open="F03-K02").customer_count
    832
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from fudian.rooms import require_own_rooms

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fudian.utility import Utility
    from network import Workspace

__all__ = ["Utility", "__version__", "open"]
__version__ = version("fudian")


def open(  # noqa: A001 (a workspace is opened)
    folder: str | Path | Workspace, language: str | None = None, progress: Callable[[str], None] = lambda _: None
) -> Utility:
    """Open a workspace: a folder with the tables of a utility, or one that has been read already.

    Args:
        folder: the folder.
        language: ``en`` or ``zh``: of texts where a question names none; by default ``FUDIAN_LANG``, else the system's.
        progress: told which table is being read.

    Raises:
        FudianError: the folder is not there, or another distribution has replaced a package of Fudian.
        WorkspaceError: the folder holds no table.
    """
    require_own_rooms()
    from fudian.utility import open_workspace

    return open_workspace(folder, language, progress)


def __getattr__(name: str) -> Any:
    """Give :class:`Utility` when it is asked for: the packages below are looked at before they are imported."""
    if name == "Utility":
        require_own_rooms()
        from fudian.utility import Utility

        return Utility
    raise AttributeError(name)


def __dir__() -> list[str]:
    """Name what is meant to be used from outside."""
    return __all__
