"""What the site has beyond docs/: the pages of the root, and links out of docs/ that lead somewhere."""

from __future__ import annotations

import logging
import os
import posixpath
import re
from typing import Any

from mkdocs.structure.files import File

log = logging.getLogger("mkdocs.hooks")

ROOT_PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
_LINK = re.compile(r"\[((?:[^][]|\[[^]]*\])*)\]\(([^()\s]+)\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages of the root."""
    for source, page in ROOT_PAGES.items():
        with open(source, encoding="utf-8") as text:
            files.append(File.generated(config, page, content=_rewrite(text.read(), source, page, config)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:  # noqa: ARG001
    """Lead links that leave docs/ to where the site, or the repository, has what they mean."""
    if page.file.src_uri in ROOT_PAGES.values():
        return markdown
    return _rewrite(markdown, f"docs/{page.file.src_uri}", page.file.src_uri, config)


def _rewrite(markdown: str, source: str, page: str, config: Any) -> str:
    """The text of `source` (a path in the repository), as the site has it at `page`."""

    def rewrite(found: re.Match[str]) -> str:
        text, target = found[1], found[2]
        if re.match(r"[a-z]+:|#", target):
            return found[0]
        path, _, anchor = target.partition("#")
        anchor = f"#{anchor}" if anchor else ""
        meant = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if not os.path.exists(meant):
            log.warning("%s links to %s, which is not there", source, target)
            return found[0]
        place = ROOT_PAGES.get(meant) or (meant.removeprefix("docs/") if meant.startswith("docs/") else None)
        if place is not None:
            return f"[{text}]({posixpath.relpath(place, posixpath.dirname(page) or '.')}{anchor})"
        if config.repo_url:
            kind = "tree" if os.path.isdir(meant) else "blob"
            return f"[{text}]({config.repo_url.rstrip('/')}/{kind}/main/{meant}{anchor})"
        return text if meant in text else f"{text} (`{meant}`)"

    # a fence or code in a line holds no links
    parts = re.split(r"(^```.*?^```|`[^`\n]+`)", markdown, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if part.startswith("`") else _LINK.sub(rewrite, part) for part in parts)
