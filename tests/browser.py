"""A browser for the tests of the pages: the system's Chromium, or the one that Playwright keeps."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""Nothing on the screen, and nothing over the network but the page itself."""

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium_path() -> str | None:
    """Return the path of a Chromium: ``CHROMIUM``, one on the path, or Playwright's own; ``None`` if there is none."""
    named = os.environ.get("CHROMIUM")
    if named and Path(named).is_file():
        return named
    for name in _NAMES:
        if found := shutil.which(name):
            return found
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).is_file() else None
