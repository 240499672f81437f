"""Brings what tests need beyond Python packages: compiled texts, a Chromium, fonts with Chinese characters, a Java for Spark,
an MQTT broker.

An installed one is used; else Playwright's own browser; else the system's package when root on Debian. What cannot be brought is
said, and the tests that need it skip with that reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from network.texts import CATALOGUES, is_stale
from tests.browser import chromium_path
from tests.mosquitto import mosquitto_path


def run(*command: str, seconds: int = 600) -> bool:
    """Run a command quietly; say what failed."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"prepare: {' '.join(command)}: {error}", file=sys.stderr)
        return False
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        print(f"prepare: {' '.join(command)} failed: {' '.join(last)}", file=sys.stderr)
    return done.returncode == 0


def install(*packages: str) -> bool:
    """Install system packages where that is possible: Debian, as root."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(f"prepare: cannot install {' '.join(packages)}: needs root on Debian or Ubuntu", file=sys.stderr)
        return False
    return run("apt-get", "update", "-qq") and run(
        "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages, seconds=1800
    )


def has_chinese_font() -> bool:
    """Return whether pictures will show Chinese characters."""
    if shutil.which("fc-list") is None:
        return sys.platform != "linux"
    listed = subprocess.run(["fc-list", ":lang=zh-cn"], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip())


def prepare_catalogue() -> None:
    """Compile the catalogue of texts where it was edited since."""
    for compiled in CATALOGUES.values():
        if is_stale(compiled):
            paths = ("--input-file", str(compiled.with_suffix(".po")), "--output-file", str(compiled))
            run(sys.executable, "-m", "babel.messages.frontend", "compile", *paths)


def prepare_browser() -> None:
    """Find or bring a Chromium, and a font for it."""
    if chromium_path() is None:
        run(sys.executable, "-m", "playwright", "install", "chromium")
    if chromium_path() is None:
        install("chromium", "fonts-noto-cjk")
    if chromium_path() is None:
        print("prepare: no Chromium: the tests in a browser will be skipped", file=sys.stderr)
    elif not has_chinese_font():
        install("fonts-noto-cjk", "fontconfig")


def prepare_java() -> None:
    """Find or bring a Java for Spark."""
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") or (home and (Path(home) / "bin" / "java").exists()):
        return
    if not install("openjdk-17-jre-headless"):
        print("prepare: no Java: the tests on Spark will be skipped", file=sys.stderr)


def prepare_broker() -> None:
    """Find or bring an MQTT broker."""
    if mosquitto_path() is None and not install("mosquitto"):
        print("prepare: no mosquitto: the tests with an MQTT broker will be skipped", file=sys.stderr)


if __name__ == "__main__":
    prepare_catalogue()
    prepare_browser()
    prepare_java()
    prepare_broker()
