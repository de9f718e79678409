"""Check a built site: every link inside it leads somewhere, nothing is fetched.

    python docs/check_links.py docs/_build/html

A page may link to other sites, but must not load scripts, styles, images or fonts from
them. Exit status 1 if anything is found.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

# Element -> attribute of what a browser fetches by itself.
_LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "link": "href",
}
# Relations of <link> that are fetched; the others are only told.
_FETCHED = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "manifest"}
_IN_STYLES = re.compile(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)")


class _Page(HTMLParser):
    """What a page links to, what it loads, and which anchors it has."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loads, self.anchors = [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        """Collect what one element says."""
        attributes = dict(attributes)
        self.anchors |= {attributes.get("id"), attributes.get("name")}
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        target = attributes.get(_LOADED.get(tag))
        relations = set((attributes.get("rel") or "").split())
        if target and (tag != "link" or relations & _FETCHED):
            self.loads.append(target)


def check_site(folder):
    """Return the numbers of pages and links, and a list of what is wrong."""
    folder = Path(folder).resolve()
    # The theme's own templates lie among the static files.
    paths = [p for p in sorted(folder.rglob("*.html")) if "_static" not in p.parts]
    pages = {path: _Page(path) for path in paths}
    n_links, faults = 0, []
    for path, page in pages.items():
        name = path.relative_to(folder)
        outside = [target for target in page.loads if _is_outside(target)]
        faults += [f"{name} loads {target}" for target in outside]
        for target in page.links + page.loads:
            if not _is_outside(target):
                n_links += 1
                if not _exists(target, path, pages):
                    faults.append(f"{name} links to {target}")
    for path in sorted(folder.rglob("*.css")):
        for target in _IN_STYLES.findall(path.read_text(encoding="utf-8")):
            faults.append(f"{path.relative_to(folder)} loads {target}")
    return len(pages), n_links, faults


def _is_outside(target):
    """Tell whether a link leaves the site."""
    parts = urlsplit(target)
    return bool(parts.netloc) or parts.scheme not in ("", "file")


def _exists(target, path, pages):
    """Tell whether a link within the site leads to a file and, if named, an anchor."""
    target, anchor = urldefrag(target)
    target = target.partition("?")[0]
    file = (path.parent / unquote(target)).resolve() if target else path
    if not anchor:
        return file.exists()
    return file in pages and unquote(anchor) in pages[file].anchors


def main(folder="docs/_build/html"):
    """Check a site and print what is wrong."""
    n_pages, n_links, faults = check_site(folder)
    print("\n".join(dict.fromkeys(faults)))
    print(f"{n_pages} pages, {n_links} links within the site, {len(faults)} faults.")
    return 1 if faults or not n_pages else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
