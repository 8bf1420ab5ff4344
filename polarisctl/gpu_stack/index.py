"""Where the wheels are: a package index, or a directory.  Pure but for `Index.get`'s opener.

Speaks the simple API in JSON (PEP 691) and, for a mirror that has no other, in HTML (PEP 503).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

from polarisctl.failures import failed, usage

ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
# PyPI's largest page of a project that we use is 2 MB.
PAGE_CAP_BYTES = 64 << 20

# `get(url, accept, cap)` gives the final URL, the content type and the body.
Get = Callable[[str, str, int], "tuple[str, str, bytes]"]


def check_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise usage(f"cannot use the index {url}: give an http or https URL")
    if parts.username or parts.password:
        raise usage(
            "cannot use the index: a name or password in its URL is not supported",
            "download the wheels where you can, and give their directory with --from",
        )
    return url.rstrip("/")


def links(url: str, content_type: str, body: bytes) -> dict[str, str]:
    """filename -> URL of each file on a project's page; nothing on a page of another kind."""
    if "json" in content_type:
        return _json_links(url, body)
    parser = _Anchors()
    parser.feed(body.decode("utf-8", "replace"))
    found = {}
    for reference in parser.references:
        target = urljoin(url, reference)
        found[unquote(urlsplit(target).path.rpartition("/")[2])] = target.partition("#")[0]
    return found


def _json_links(url: str, body: bytes) -> dict[str, str]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    files = document.get("files") if isinstance(document, dict) else None
    return {
        str(file["filename"]): urljoin(url, str(file["url"]))
        for file in (files if isinstance(files, list) else [])
        if isinstance(file, dict) and "filename" in file and "url" in file
    }


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.references += [value for name, value in attrs if name == "href" and value]


class Index:
    """An index, its pages fetched once each."""

    def __init__(self, url: str, get: Get) -> None:
        self.url = check_url(url)
        self._get = get
        self._pages: dict[str, dict[str, str]] = {}

    def url_of(self, project: str, filename: str) -> str:
        """Error handling: fails where the index does not have the file."""
        if project not in self._pages:
            self._pages[project] = links(
                *self._get(f"{self.url}/{project}/", ACCEPT, PAGE_CAP_BYTES)
            )
        found = self._pages[project].get(filename)
        if found is None or urlsplit(found).scheme not in ("https", "http"):
            raise failed(
                f"cannot download {filename}: {self.url} does not have it",
                "try another index with --index-url, or wheels in a directory with --from",
            )
        return found
