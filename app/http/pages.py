"""The pages for the browser: the files that `scripts/build-web` has made, from memory.

What is not among the files that were there at the start is not served, whatever its address looks like.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from app.http.answer import takes
from app.http.call import has_etag
from models.errors import NotFound

FOLDER = Path(__file__).parents[1] / "static" / "web"
"""Where the build puts them."""

INDEX = "index.html"

PAGES = (
    "/",
    "/sign-in",
    "/profile",
    "/register",
    "/register/{class_id}/{date}/{period}",
    "/schools/{school_id}",
    "/district",
    "/tasks",
    "/teams/{team_id}",
    "/admin",
)
"""The addresses of pages. All are the same file, whose script looks at the address."""

FILES = (
    "/assets/{path:.+}",
    "/icons/{path:.+}",
    "/favicon.svg",
    "/manifest.webmanifest",
    "/service-worker.js",
)
"""The addresses of what pages load."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""Also that of the service worker, which fetches under its own."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    # Without any referrer a form's origin would be null.
    "Referrer-Policy": "same-origin",
}

TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/vnd.microsoft.icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
OTHER_TYPE = "application/octet-stream"

ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""How files may lie there compressed too, the smaller first."""

HASHED = re.compile(r"/assets/.*-[A-Za-z0-9_-]{8,}\.[a-z0-9.]+\Z")
"""Files whose name changes with what is in them."""

FOR_EVER = "public, max-age=31536000, immutable"

NOT_BUILT = b"""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Rollcall</title>
<h1>Rollcall</h1>
<p>The server runs, but its pages are not built. Run <code>scripts/build-web</code>, then start the server
again.</p>
<p>The API is there: <a href="/api/docs">/api/docs</a>.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is sent: `bodies` by encoding, under the empty one as it is."""

    media_type: str
    etag: str
    cache: str
    bodies: dict[str, bytes]

    def answer(self, request: web.Request) -> web.Response:
        """The file, 304 without it where the client has it."""
        headers = {**HEADERS, "ETag": f'W/"{self.etag}"', "Cache-Control": self.cache}
        if len(self.bodies) > 1:
            headers["Vary"] = "Accept-Encoding"
        if has_etag(request, self.etag):
            raise web.HTTPNotModified(headers=headers)
        encoding = next((name for name in self.bodies if name and takes(request, name)), "")
        if encoding:
            headers["Content-Encoding"] = encoding
        charset = "utf-8" if self.media_type.startswith("text/") else None
        return web.Response(
            body=self.bodies[encoding], content_type=self.media_type, charset=charset, headers=headers
        )


def add_pages(app: web.Application, folder: Path = FOLDER) -> None:
    """Add the pages to an application that is not running yet. The files are read here, once."""
    files = read_files(folder)
    index = files.get(f"/{INDEX}")

    async def page(request: web.Request) -> web.StreamResponse:
        if index is None:
            return web.Response(body=NOT_BUILT, content_type="text/html", charset="utf-8", headers=HEADERS)
        return index.answer(request)

    async def file(request: web.Request) -> web.StreamResponse:
        found = files.get(request.path)
        if found is None:
            raise NotFound("There is no such file.")
        return found.answer(request)

    for addresses, handler in ((PAGES, page), (FILES, file)):
        for address in addresses:
            app.router.add_route("GET", address, handler)
            app.router.add_route("HEAD", address, handler)


def read_files(folder: Path) -> dict[str, StaticFile]:
    """The files below a folder by their addresses; none if it is not there. OSError."""
    found = {
        f"/{path.relative_to(folder).as_posix()}": path
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
    return {
        address: _file(address, path, found)
        for address, path in sorted(found.items())
        if not any(address.endswith(end) and address.removesuffix(end) in found for end in ENCODINGS.values())
    }


def _file(address: str, path: Path, found: dict[str, Path]) -> StaticFile:
    body = path.read_bytes()
    bodies = {
        name: found[address + end].read_bytes() for name, end in ENCODINGS.items() if address + end in found
    }
    return StaticFile(
        media_type=TYPES.get(path.suffix.lower(), OTHER_TYPE),
        etag=hashlib.blake2b(body, digest_size=12).hexdigest(),
        cache=FOR_EVER if HASHED.match(address) else "no-cache",
        bodies={**bodies, "": body},
    )
