"""The documentation as a site in both languages, built without any network: ``python -m docs.site [FOLDER]``.

Pages stand in `docs`, those in Chinese in `docs/zh`; the front pages of the project are among them. A page that is not written in
Chinese stands there in English and says so. Links are turned to where pages stand in the site.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mkdocs.commands.build import build
from mkdocs.config import load_config

from docs.generate import FOLDER, PROJECT

LANGUAGES = ("en", "zh")
SOURCES = "https://github.com/fudian/fudian/blob/main/"
"""Where a link leads whose file is no page of the site."""

FRONT = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "data_samples/README.md": "sample_county.md",
}
"""Pages of the project outside this folder, by where they stand in the site."""

SECTIONS: tuple[tuple[Mapping[str, str], tuple[str, ...]], ...] = (
    ({"en": "Data", "zh": "数据"}, ("clerks.md", "formats.md", "tables.md", "settings.md", "sample_county.md")),
    ({"en": "Reliability", "zh": "供电可靠性"}, ("rules.md", "steering.md", "planned_outages.md", "spark.md")),
    ({"en": "Repair", "zh": "故障抢修"}, ("inference.md", "restoration.md", "desk.md")),
    ({"en": "Service", "zh": "服务"}, ("serving.md", "http.md")),
    ({"en": "Reference", "zh": "参考"}, ("commands.md", "questions.md", "api.md", "field_reference.md")),
    ({"en": "Project", "zh": "项目"}, ("architecture.md", "benchmarks.md", "contributing.md", "changelog.md")),
)
"""The pages in the order in which they are listed."""

ONLY_ENGLISH = '!!! note "本页目前只有英文"\n\n'


def sources(language: str) -> dict[str, Path]:
    """Return the file of each page by its name in the site."""
    found = {page.name: page for page in FOLDER.glob("*.md")} | {name: PROJECT / file for file, name in FRONT.items()}
    if language == "zh":
        found |= {page.name: page for page in (FOLDER / "zh").glob("*.md")}
        found["index.md"] = PROJECT / "README.zh-CN.md"
    return found


def turned(text: str, source: Path) -> str:
    """Return a page with its links turned to where pages stand in the site.

    Args:
        text: of the page.
        source: its file.
    """
    pages = {FOLDER / name: name for name in sources("en")} | {FOLDER / "zh" / name: name for name in sources("en")}
    pages |= {PROJECT / file: name for file, name in FRONT.items()} | {PROJECT / "README.zh-CN.md": "index.md"}
    text = text.replace("[中文](README.zh-CN.md)", '<a href="zh/index.html">中文</a>')  # a page of the other site
    text = text.replace("[English](README.md)", '<a href="../index.html">English</a>')

    def place(link: re.Match[str]) -> str:
        path, anchor = link[1], link[2] or ""
        if re.match(r"[a-z]+:", path):
            return link[0]
        target = Path(os.path.normpath(source.parent / path))
        if target in pages:
            return f"]({pages[target]}{anchor})"
        if target.parent == FOLDER / "images":
            return f"](images/{target.name})"
        return f"]({SOURCES}{target.relative_to(PROJECT).as_posix()}{anchor})"

    return re.sub(r"\]\(([^)#\s]+)(#[^)\s]*)?\)", place, text)


def stage(language: str, folder: Path) -> None:
    """Write the pages of a language, and their pictures, as the site has them."""
    shutil.copytree(FOLDER / "images", folder / "images")
    for name, source in sources(language).items():
        text = turned(source.read_text("utf-8"), source)
        is_chinese = source.parent.name == "zh" or source.name == "README.zh-CN.md"
        if language == "zh" and not is_chinese:
            heading, _, rest = text.partition("\n")
            text = f"{heading}\n\n{ONLY_ENGLISH}{rest}"
        (folder / name).write_text(text, "utf-8")


def build_site(to: Path) -> None:
    """Build the site in both languages: English in a folder, Chinese in ``zh`` within it."""
    for language in LANGUAGES:
        with TemporaryDirectory() as staged:
            stage(language, Path(staged))
            build(_config(language, Path(staged), to if language == "en" else to / "zh"))


def _config(language: str, staged: Path, to: Path) -> Any:
    nav: list[Any] = ["index.md", *({names[language]: list(pages)} for names, pages in SECTIONS)]
    home = (
        {"en": "index.html", "zh": "../index.html"} if language == "zh" else {"en": "index.html", "zh": "zh/index.html"}
    )
    config = load_config(str(FOLDER / "mkdocs.yml"), docs_dir=str(staged), site_dir=str(to), strict=True, nav=nav)
    config.theme["language"] = language
    config.extra["alternate"] = [
        {"name": "English", "link": home["en"], "lang": "en"},
        {"name": "中文", "link": home["zh"], "lang": "zh"},
    ]
    config.plugins.on_startup(command="build", dirty=False)
    return config


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    build_site(Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT / "build" / "site")
