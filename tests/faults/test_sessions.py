"""What ends a session reaches its sockets on every node: within a second with Redis, within five without."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest
import socketio

from tests.faults.nodes import Person, becomes, two_nodes
from tests.parts.serve import Serve
from tests.realtime.kit import Client

LIMITS = {"with redis": 1.0, "without redis": 5.0}


@pytest.mark.parametrize("limit", LIMITS.values(), ids=list(LIMITS))
async def test_the_end_of_a_session_reaches_sockets_on_every_node(
    limit: float, serve: Serve, mongodb_database_url: str, request: pytest.FixtureRequest
) -> None:
    redis_url = request.getfixturevalue("redis_url") if limit == LIMITS["with redis"] else ""
    async with two_nodes(serve, mongodb_database_url, redis_url) as (one, two, http):
        await becomes(http, "ok", one, two)
        admin = await Person("admin@demo.test", http).sign_in(one)
        teacher, viewer, office, lead, member = [
            await Person(f"{name}.demo.test", http).sign_in(node)
            for name, node in (
                ("teacher1@s1", one),
                ("viewer@s1", two),
                ("office@s1", one),
                ("lead@t1", one),
                ("member1@t1", two),
            )
        ]
        sockets = {
            person: [await person.connect(two), await person.connect(one)]
            for person in (teacher, viewer, office, lead, member)
        }

        async def ends(person: Person, code: str) -> None:
            begin = monotonic()
            for socket in sockets[person]:
                (closing,) = await socket.wait_for("closing")
                assert closing == {"code": code}
                assert monotonic() - begin <= limit
                await socket.gone()

        await teacher.post(one, "/api/users/logout")
        await ends(teacher, "signed_out")
        await viewer.post(one, "/api/users/logout?all=true")
        await ends(viewer, "signed_out")
        roles = [{"role": "viewer", "scope": "school:s1"}]
        await admin.act(one, "user.set_roles", "op-1", user_id=office.id, roles=roles)
        await ends(office, "roles_changed")
        await admin.act(one, "user.disable", "op-2", user_id=lead.id)
        await ends(lead, "disabled")
        assert [socket.all("closing") for socket in sockets[member]] == [[], []]
        await member.post(two, "/api/users/logout")
        await ends(member, "signed_out")
        await asyncio.gather(*(socket.close() for both in sockets.values() for socket in both))


async def test_a_session_that_another_node_has_ended_lets_nobody_in(
    serve: Serve, mongodb_database_url: str
) -> None:
    async with two_nodes(serve, mongodb_database_url) as (one, two, http):
        for _ in range(3):
            viewer = await Person("viewer@s1.demo.test", http).sign_in(one)
            # The other node has just seen the session open.
            assert (await viewer.get(two, "/api/users/me"))["id"] == viewer.id
            await viewer.post(one, "/api/users/logout")
            client = Client(two.url)
            with pytest.raises(socketio.exceptions.ConnectionError):
                await client.connect(viewer.token)
            assert [refusal["message"] for refusal in client.all("connect_error")] == ["unauthenticated"]
            await client.close()
