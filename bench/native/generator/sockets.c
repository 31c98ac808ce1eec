/* The connections: opening, reading, closing. */

#include "generator.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ = 1 << 18, AT_ONCE = 1024, MOST_REST = 1 << 26 };

static uint8_t *buffer;
static size_t buffer_size;

static void watch(struct connection *connection, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = connection - g.connections};
    if (epoll_ctl(g.epoll, operation, connection->fd, &event)) fail("epoll: %s", strerror(errno));
}

void open_connection(void)
{
    int server = g.server_count - 1, on = 1;
    if (server < 0) fail("no server");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(g.servers[server].port)};
    if (g.connected == MAX_CONNECTIONS) fail("more than %d connections", MAX_CONNECTIONS);
    struct connection *connection = &g.connections[g.connected];
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0) fail("connection %d: %s", g.connected + 1, strerror(errno));
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        fail("connection %d: %s", g.connected + 1, strerror(errno));
    connection->state = OPENING;
    connection->server = server;
    g.connected++;
    g.unready++;
    watch(connection, EPOLL_CTL_ADD, EPOLLOUT);
}

static void opened(struct connection *connection)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) fail("connection %d: %s", (int)(connection - g.connections) + 1, strerror(error));
    watch(connection, EPOLL_CTL_MOD, EPOLLIN);
    if (!g.protocol.path.size) {
        connection->state = READY;
        g.unready--;
        return;
    }
    char request[MAX_TEXT];
    int length = snprintf(
        request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: cm9sbGNhbGwgYmVuY2ghIQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        g.protocol.path.at, g.servers[connection->server].port);
    connection->state = UPGRADING;
    send_frame(connection, (uint8_t *)request, length);
}

void close_connection(struct connection *connection)
{
    close(connection->fd);
    free(connection->rest);
    connection->rest = NULL;
    connection->rest_size = 0;
    connection->state = CLOSED;
}

static void keep_rest(struct connection *connection, const uint8_t *data, size_t size)
{
    if (size > MOST_REST) fail("a message is longer than %d bytes", MOST_REST);
    if (size) {
        uint8_t *rest = malloc(size);
        if (!rest) fail("no memory is left");
        memcpy(rest, data, size);
        free(connection->rest);
        connection->rest = rest;
    } else {
        free(connection->rest);
        connection->rest = NULL;
    }
    connection->rest_size = size;
}

static void take(struct connection *connection)
{
    size_t before = connection->rest_size;
    if (buffer_size < before + READ) {
        buffer_size = before + READ;
        buffer = realloc(buffer, buffer_size);
        if (!buffer) fail("no memory is left");
    }
    ssize_t got = recv(connection->fd, buffer + before, READ, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        if (connection->state == STOPPING)
            g.counts.reset += got < 0;
        else if (connection->state != CLOSING)
            fail("the server ended a connection: %s", got ? strerror(errno) : "without a word");
        close_connection(connection);
        return;
    }
    if (connection->state == CLOSING) return;
    if (before) memcpy(buffer, connection->rest, before);
    size_t size = before + got, taken = take_frames(connection, buffer, size);
    if (before || taken < size) keep_rest(connection, buffer + taken, size - taken);
}

/* Looks at the sockets once, after a nap, and no later than `until`. With `blocking_stdin` it returns only
 * when there is something on standard input. */
void look(double until, int blocking_stdin)
{
    struct epoll_event events[AT_ONCE];
    int count;
    if (!blocking_stdin) {
        double nap = until - now();
        if (nap > NAP) nap = NAP;
        if (nap > 0) {
            struct timespec time = {.tv_nsec = nap * 1e9};
            nanosleep(&time, NULL);
        }
    }
    do {
        count = epoll_wait(g.epoll, events, AT_ONCE, blocking_stdin ? -1 : 0);
        if (count < 0 && errno != EINTR) fail("epoll: %s", strerror(errno));
        for (int i = 0; i < count; i++) {
            if (events[i].data.u32 == MAX_CONNECTIONS) {
                if (blocking_stdin) return;
                continue;
            }
            struct connection *connection = &g.connections[events[i].data.u32];
            if (connection->state == OPENING)
                opened(connection);
            else
                take(connection);
        }
    } while (count == AT_ONCE || blocking_stdin);
}
