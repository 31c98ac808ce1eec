"""The pages for the browser: what is served, with which headers, and nothing else."""

from __future__ import annotations

import asyncio
import gzip
import http.client
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from app.http.door import HttpDoor, add_routes
from app.http.pages import FOLDER, PAGES, POLICY, TYPES, add_pages
from tests.app.client import Door, Reply
from tests.app.identity import Identity
from tests.kit import CoreKit

INDEX = b"<!doctype html><title>Rollcall</title>"
SCRIPT = b"console.log('rollcall');" * 100
HASHED = "/assets/main-Bx_9-k2Q.js"
ADDRESSES = (
    "/",
    "/sign-in",
    "/profile",
    "/register",
    "/register/s1-c1/2026-03-02/1",
    "/schools/s1",
    "/district",
    "/tasks",
    "/teams/t1",
    "/admin",
)
FILES: dict[str, tuple[bytes, str]] = {
    HASHED: (SCRIPT, "text/javascript; charset=utf-8"),
    "/assets/main-0aZ9_-xY.css": (b"a{}", "text/css; charset=utf-8"),
    "/assets/fonts/inter-AAAAAAAA.woff2": (b"font", "font/woff2"),
    "/assets/plain.js": (b"plain", "text/javascript; charset=utf-8"),
    "/icons/icon-192.png": (b"\x89PNG", "image/png"),
    "/favicon.svg": (b"<svg/>", "image/svg+xml"),
    "/manifest.webmanifest": (b"{}", "application/manifest+json"),
    "/service-worker.js": (b"self", "text/javascript; charset=utf-8"),
}

OpenPages = Callable[[Path], AbstractAsyncContextManager[Door]]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """What a build leaves, and a secret beside it."""
    folder = tmp_path / "web"
    for address, (body, _) in {"/index.html": (INDEX, ""), **FILES}.items():
        file = folder / address[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    (folder / f"{HASHED[1:]}.br").write_bytes(b"by brotli")
    (folder / f"{HASHED[1:]}.gz").write_bytes(gzip.compress(SCRIPT, mtime=0))
    (folder / "service-worker.js.gz").write_bytes(gzip.compress(b"self"))
    (folder / "other.txt").write_bytes(b"not for the browser")
    (folder / ".vite").mkdir()
    (folder / ".vite" / "manifest.json").write_bytes(b"{}")
    (tmp_path / "secret.txt").write_bytes(b"a secret")
    (folder / "assets" / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
def open_pages(core: CoreKit, identity: Identity) -> OpenPages:
    """Opens a door with the pages of a folder."""

    @asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator[Door]:
        app = web.Application()
        more: dict[str, Any] = {"clock": core.clock, "ids": identity.ids, "sign_up": False, "version": "0"}
        add_routes(app, HttpDoor(core=core.core, auth=identity.auth, tokens=identity.tokens, **more))
        add_pages(app, folder)
        async with TestClient(TestServer(app), auto_decompress=False) as client:
            yield Door(identity, client)

    return opened


@pytest.fixture
async def pages(open_pages: OpenPages, built: Path) -> AsyncIterator[Door]:
    """A door with pages."""
    async with open_pages(built) as door:
        yield door


def guarded(reply: Reply) -> bool:
    """Whether an answer has every header that keeps a page from harm."""
    headers = reply.headers
    return (
        headers["Content-Security-Policy"],
        headers["X-Content-Type-Options"],
        headers["X-Frame-Options"],
        headers["Referrer-Policy"],
        headers["Cross-Origin-Opener-Policy"],
        headers["Cross-Origin-Resource-Policy"],
    ) == (POLICY, "nosniff", "DENY", "same-origin", "same-origin", "same-origin")


class TestPages:
    async def test_every_address_of_a_page_answers_the_one_file(self, pages: Door) -> None:
        assert len(ADDRESSES) == len(PAGES)
        for address in ADDRESSES:
            reply = await pages.get(address)
            assert (reply.status, reply.body) == (200, INDEX), address
            assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
            assert reply.headers["Cache-Control"] == "no-cache"
            assert guarded(reply)

    async def test_asked_again_it_is_not_sent_again(self, pages: Door) -> None:
        first = await pages.get("/sign-in")
        again = await pages.get("/admin", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert guarded(again)
        assert (await pages.get("/admin", headers={"If-None-Match": 'W/"other"'})).status == 200

    async def test_the_policy_lets_nothing_in_from_elsewhere_and_nothing_inline(self) -> None:
        allowed = dict(part.strip().split(" ", 1) for part in POLICY.split(";"))
        assert allowed == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' data:",
            "font-src": "'self'",
            "connect-src": "'self'",
            "manifest-src": "'self'",
            "worker-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
        }

    @pytest.mark.parametrize(
        "address", ["/nope", "/index.html", "/register/", "/register/c1", "/schools/", "/schools/s1/more"]
    )
    async def test_another_address_is_none(self, pages: Door, address: str) -> None:
        assert (await pages.get(address)).code == (404, "not_found")

    async def test_a_page_takes_nothing(self, pages: Door) -> None:
        for address in ("/", HASHED):
            assert (await pages.post(address, {})).code == (405, "invalid")


class TestFiles:
    async def test_have_their_types_and_headers(self, pages: Door) -> None:
        for address, (body, media_type) in FILES.items():
            reply = await pages.get(address, headers={"Accept-Encoding": "identity"})
            assert (reply.status, reply.body) == (200, body), address
            assert reply.headers["Content-Type"] == media_type
            assert guarded(reply)

    async def test_only_those_whose_name_changes_with_them_are_kept_for_ever(self, pages: Door) -> None:
        kept = {address: (await pages.get(address)).headers["Cache-Control"] for address in FILES}
        for address, cache in kept.items():
            hashed = address.startswith("/assets/") and address != "/assets/plain.js"
            assert cache == ("public, max-age=31536000, immutable" if hashed else "no-cache"), address

    @pytest.mark.parametrize(
        ("takes", "encoding"),
        [
            ("", None),
            ("identity", None),
            ("gzip", "gzip"),
            ("gzip, deflate, br, zstd", "br"),
            ("br;q=0, gzip;q=0.5", "gzip"),
            ("br;q=0.0, gzip;q=0", None),
            ("broken", None),
        ],
    )
    async def test_are_sent_as_the_client_takes_them(
        self, pages: Door, takes: str, encoding: str | None
    ) -> None:
        reply = await pages.get(HASHED, headers={"Accept-Encoding": takes})
        expected = {None: SCRIPT, "br": b"by brotli", "gzip": gzip.compress(SCRIPT, mtime=0)}[encoding]
        assert reply.headers.get("Content-Encoding") == encoding
        assert reply.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert reply.headers["Vary"] == "Accept-Encoding"
        assert reply.body == expected

    async def test_compressed_ones_are_used_where_they_are(self, pages: Door) -> None:
        takes = {"Accept-Encoding": "gzip, br"}
        worker = await pages.get("/service-worker.js", headers=takes)
        assert worker.headers["Content-Encoding"] == "gzip"
        plain = await pages.get("/favicon.svg", headers=takes)
        assert "Content-Encoding" not in plain.headers
        assert "Vary" not in plain.headers
        assert (await pages.get(f"{HASHED}.gz")).status == 404

    async def test_a_head_request_gets_the_headers_alone(self, pages: Door) -> None:
        for address in ("/", "/sign-in", HASHED, "/favicon.svg"):
            asked = {"Accept-Encoding": "br"}
            head = await pages.request("HEAD", address, headers=asked)
            whole = await pages.get(address, headers=asked)
            assert (head.status, head.body) == (200, b"")
            for name in ("Content-Length", "Content-Type", "ETag", "Cache-Control"):
                assert head.headers[name] == whole.headers[name], name

    async def test_asked_again_they_are_not_sent_again(self, pages: Door) -> None:
        first = await pages.get(HASHED)
        again = await pages.get(HASHED, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")

    @pytest.mark.parametrize(
        "target",
        [
            "/assets/../index.html",
            "/assets/../../secret.txt",
            "/assets/%2e%2e/%2e%2e/secret.txt",
            "/assets/..%2f..%2fsecret.txt",
            "/assets/..%5c..%5csecret.txt",
            "/assets//../../secret.txt",
            "/assets/../.vite/manifest.json",
            "/icons/../../secret.txt",
            "/icons/%00",
            "/assets/main-Bx_9-k2Q.js%00.png",
            "/assets/",
            "/assets/fonts",
            "//etc/passwd",
            "/assets//etc/passwd",
            "/assets/%252e%252e/other.txt",
            "/other.txt",
            "/.vite/manifest.json",
            "/assets/~root",
        ],
    )
    async def test_no_address_leads_out_of_the_folder(self, pages: Door, target: str) -> None:
        # As it stands: aiohttp's client would tidy it up.
        status, body = await pages_say(pages, target)
        assert status == 404
        assert b"secret" not in body
        assert b"not for the browser" not in body

    async def test_a_link_to_a_file_elsewhere_is_none(self, pages: Door) -> None:
        assert (await pages.get("/assets/link.txt")).code == (404, "not_found")

    def test_everything_that_the_real_build_has_is_of_a_known_type(self) -> None:
        kinds = {path.suffix for path in FOLDER.rglob("*") if path.is_file()} - {".br", ".gz"}
        assert kinds - set(TYPES) == set()


async def pages_say(door: Door, target: str) -> tuple[int, bytes]:
    """The answer to a request for exactly this."""

    def ask() -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(str(door.client.host), door.client.port or 0, timeout=10)
        try:
            connection.request("GET", target)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


class TestWithoutABuild:
    async def test_every_page_says_how_to_build_them(self, open_pages: OpenPages, tmp_path: Path) -> None:
        async with open_pages(tmp_path / "nothing") as door:
            for address in ADDRESSES:
                reply = await door.get(address)
                assert reply.status == 200
                assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
                assert reply.headers["Cache-Control"] == "no-store"
                assert b"scripts/build-web" in reply.body
                assert b'<a href="/api/docs">' in reply.body
                assert guarded(reply)
            assert (await door.request("HEAD", "/")).status == 200
            assert (await door.get(HASHED)).code == (404, "not_found")

    async def test_the_api_is_there(self, open_pages: OpenPages, tmp_path: Path) -> None:
        async with open_pages(tmp_path / "nothing") as door:
            assert (await door.get("/healthz")).json == {"status": "ok"}
            assert (await door.get("/api/docs")).status == 200
            assert (await door.get("/api/users/me")).status == 401

    async def test_half_a_build_is_none(self, open_pages: OpenPages, built: Path) -> None:
        (built / "index.html").unlink()
        async with open_pages(built) as door:
            assert b"scripts/build-web" in (await door.get("/")).body
