/* Messages in WebSocket frames (RFC 6455, section 5). */

#include "generator.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* An answer with an error has it at its beginning. */
#define ERROR "\"error\":"

enum { LOOKED_AT = 512, FINAL_TEXT = 0x81, OPCODE = 0x0f, CLOSE = 8, MASKED = 0x80, SHORT = 126, MEDIUM = 65536 };

/* Masked with zeros: a mask like any other to the server, and no work. */
size_t frame_of(uint8_t *frame, const char *text, size_t size)
{
    size_t at = 0;
    if (size >= MEDIUM) fail("a message of %zu bytes is too long", size);
    frame[at++] = FINAL_TEXT;
    if (size < SHORT) {
        frame[at++] = MASKED | size;
    } else {
        frame[at++] = MASKED | SHORT;
        frame[at++] = size >> 8;
        frame[at++] = size & 0xff;
    }
    memset(frame + at, 0, 4);
    memcpy(frame + at + 4, text, size);
    return at + 4 + size;
}

void send_frame(struct connection *connection, const uint8_t *frame, size_t size)
{
    ssize_t sent = send(connection->fd, frame, size, MSG_NOSIGNAL);
    if (sent < 0) fail("a message could not be sent: %s", strerror(errno));
    if ((size_t)sent != size) fail("the server does not take what is sent to it");
}

void send_text(struct connection *connection, const char *text, size_t size)
{
    uint8_t frame[MAX_TEXT + 16];
    if (size > MAX_TEXT) fail("a message of %zu bytes is too long", size);
    send_frame(connection, frame, frame_of(frame, text, size));
}

static bool begins(const uint8_t *message, size_t size, const struct text *text)
{
    return text->size && size >= text->size && !memcmp(message, text->at, text->size);
}

static void say_hello(struct connection *connection)
{
    const struct text *hello = &g.protocol.hello;
    const char *place = memchr(hello->at, '$', hello->size);
    char text[MAX_TEXT];
    if (!hello->size) return;
    if (!place || !g.token_count) {
        send_text(connection, hello->at, hello->size);
        return;
    }
    const char *token = g.tokens[(connection - g.connections) % g.token_count];
    size_t before = place - hello->at, length = strlen(token), after = hello->size - before - 1;
    if (before + length + after > sizeof text) fail("a token is too long");
    memcpy(text, hello->at, before);
    memcpy(text + before, token, length);
    memcpy(text + before + length, place + 1, after);
    send_text(connection, text, before + length + after);
}

static const struct text PRESENCE = {"42[\"presence\"", 13}, CLOSING_SOON = {"42[\"closing\"", 12};

static void take_message(struct connection *connection, const uint8_t *message, size_t size)
{
    const struct protocol *p = &g.protocol;
    if (begins(message, size, &p->update)) {
        if (p->derived && !memmem(message, size, p->needle.at, p->needle.size)) return;
        g.counts.delivered++;
        g.counts.of_server[connection->server]++;
        g.counts.bytes += size;
        if (g.timing) note_receipt(message, size);
    } else if (connection->state != READY && begins(message, size, &p->greeting)) {
        connection->state = READY;
        g.unready--;
    } else if (begins(message, size, &p->ack)) {
        g.counts.acked++;
        if (memmem(message, size < LOOKED_AT ? size : LOOKED_AT, ERROR, sizeof ERROR - 1))
            fail("the server answered: %.*s", (int)(size < 300 ? size : 300), message);
    } else if (size == p->ping.size && begins(message, size, &p->ping)) {
        send_text(connection, p->pong.at, p->pong.size);
    } else if (connection->state == GREETING && begins(message, size, &p->open)) {
        say_hello(connection);
    } else if (begins(message, size, &p->refusal)) {
        fail("the server refused: %.*s", (int)(size < 300 ? size : 300), message);
    } else if (begins(message, size, &PRESENCE)) {
        g.counts.presence++; /* told about once a second, whatever the load is; nobody waits for it */
    } else if (begins(message, size, &CLOSING_SOON)) {
        g.counts.closing++;
    } else if (connection->state == READY && !g.counts.other++) {
        size_t shown = size < sizeof g.other - 1 ? size : sizeof g.other - 1;
        memcpy(g.other, message, shown);
        g.other[shown] = 0;
    }
}

static void take_payload(struct connection *connection, const uint8_t *payload, size_t size)
{
    if (!g.protocol.lines) {
        take_message(connection, payload, size);
        return;
    }
    while (size) {
        const uint8_t *end = memchr(payload, '\n', size);
        size_t length = end ? (size_t)(end - payload) : size;
        if (length) take_message(connection, payload, length);
        if (!end) return;
        payload += length + 1;
        size -= length + 1;
    }
}

static size_t take_upgrade(struct connection *connection, const uint8_t *data, size_t size)
{
    const uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end) return 0;
    if (size < 12 || memcmp(data + 9, "101", 3)) fail("the server does not upgrade: %.64s", data);
    connection->state = GREETING;
    if (!g.protocol.open.size) say_hello(connection);
    return end + 4 - data;
}

size_t take_frames(struct connection *connection, const uint8_t *data, size_t size)
{
    size_t at = 0;
    if (connection->state == UPGRADING) {
        at = take_upgrade(connection, data, size);
        if (!at) return 0;
    }
    while (size - at >= 2) {
        size_t start = at + 2, length = data[at + 1];
        if (length == SHORT) {
            start += 2;
            if (size < start) break;
            length = (size_t)data[at + 2] << 8 | data[at + 3];
        } else if (length > SHORT) {
            start += 8;
            if (size < start) break;
            length = 0;
            for (int i = 0; i < 8; i++) length = length << 8 | data[at + 2 + i];
        }
        if (size - start < length) break;
        if ((data[at] & OPCODE) == CLOSE) {
            if (connection->state == STOPPING)
                shutdown(connection->fd, SHUT_WR);
            else if (connection->state != CLOSING)
                fail("the server closed a connection: %.*s", (int)(length > 2 ? length - 2 : 0), data + start + 2);
            return size;
        }
        take_payload(connection, data + start, length);
        at = start + length;
    }
    return at;
}
