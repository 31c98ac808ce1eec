"""The door and identity over the core of a test: the real routes on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from app.http.door import HttpDoor, add_routes
from models.actor import Actor
from tests.app.client import Door
from tests.app.identity import Identity
from tests.app.world import World, make_world
from tests.kit import CoreKit


@pytest.fixture
def identity(core: CoreKit) -> Identity:
    """Identity over the core."""
    return Identity(core)


@pytest.fixture
def sign_up() -> bool:
    """Whether anybody may make an account."""
    return False


@pytest.fixture
async def door(core: CoreKit, identity: Identity, sign_up: bool) -> AsyncIterator[Door]:
    """A client of the door."""
    app = web.Application()
    add_routes(
        app,
        HttpDoor(
            core=core.core,
            auth=identity.auth,
            tokens=identity.tokens,
            clock=core.clock,
            ids=identity.ids,
            sign_up=sign_up,
            version="1.2.3",
        ),
    )
    async with TestClient(TestServer(app)) as client:
        yield Door(identity, client)


@pytest.fixture
async def world(identity: Identity) -> World:
    """Schools and teams to ask about."""
    return await make_world(identity)


@pytest.fixture
async def admin(identity: Identity) -> Actor:
    """An administrator, where nothing else is needed."""
    return await identity.account("admin", roles=[("admin", "org")])
