/* What the kernel allows: one thread that sends the same bytes to every member, and does nothing else.
 *
 * limit PORT. After connecting there is no handshake; both sides send WebSocket frames. A client says `join ROOM`
 * to become a member of a room, and `send ROOM COUNT NUMBER` to have COUNT updates of 200 bytes, which hold the
 * number, sent to every member of it in one write. Both are answered with `a`.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { UPDATE = 200, HEADER = 4, DIGITS = 9, MOST_JOINED = 16, ROOMS = 1024, READ = 65536 };

struct room {
    int *members, count, space;
};

static struct room rooms[ROOMS];
static int epoll;

static void check(int result, const char *what)
{
    if (result >= 0) return;
    perror(what);
    exit(1);
}

/* Waits for a member that has not taken what was sent before. */
static void send_all(int socket, const uint8_t *data, size_t size)
{
    while (size) {
        ssize_t sent = send(socket, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            struct pollfd writable = {.fd = socket, .events = POLLOUT};
            poll(&writable, 1, -1);
        } else if (sent < 0) {
            return; /* it is gone */
        } else {
            data += sent;
            size -= sent;
        }
    }
}

static void join(struct room *room, int socket)
{
    if (room->count == room->space) {
        room->space = room->space ? 2 * room->space : 16;
        room->members = realloc(room->members, room->space * sizeof *room->members);
        if (!room->members) exit(1);
    }
    room->members[room->count++] = socket;
}

static void leave_all(int socket)
{
    for (struct room *room = rooms; room < rooms + ROOMS; room++)
        for (int i = 0; i < room->count; i++)
            if (room->members[i] == socket) room->members[i--] = room->members[--room->count];
}

static void send_to_members(const struct room *room, int count, const char *number)
{
    uint8_t frames[MOST_JOINED * (HEADER + UPDATE)], *frame = frames;
    for (int i = 0; i < count; i++, frame += HEADER + UPDATE) {
        frame[0] = 0x81;
        frame[1] = 126;
        frame[2] = UPDATE >> 8;
        frame[3] = UPDATE & 0xff;
        memset(frame + HEADER, '.', UPDATE);
        frame[HEADER] = 'u';
        memcpy(frame + HEADER + 1, number, DIGITS);
    }
    for (int i = 0; i < room->count; i++) send_all(room->members[i], frames, frame - frames);
}

static void obey(int socket, const char *command, size_t size)
{
    static const uint8_t answer[] = {0x81, 1, 'a'};
    int room = -1, count, used = 0;
    char text[64];
    if (size >= sizeof text) exit(1);
    memcpy(text, command, size);
    text[size] = 0;
    if (sscanf(text, "%*s %d", &room) != 1 || room < 0 || room >= ROOMS) exit(1);
    if (!strncmp(text, "join ", 5))
        join(&rooms[room], socket);
    else if (sscanf(text, "send %*d %d %n", &count, &used) == 1 && count > 0 && count <= MOST_JOINED
             && size == used + (size_t)DIGITS)
        send_to_members(&rooms[room], count, text + used);
    else
        exit(1);
    send_all(socket, answer, sizeof answer);
}

/* Clients here send short frames whole, masked with zeros. */
static void take(int socket)
{
    static uint8_t data[READ];
    ssize_t size = recv(socket, data, sizeof data, 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) {
        leave_all(socket);
        close(socket);
        return;
    }
    for (ssize_t at = 0; at + 6 <= size; at += 6 + (data[at + 1] & 0x7f))
        obey(socket, (char *)data + at + 6, data[at + 1] & 0x7f);
}

int main(int count, char **arguments)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event events[1024], listening = {.events = EPOLLIN};
    struct rlimit files;
    int on = 1;
    if (count != 2) return 1;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    address.sin_port = htons(atoi(arguments[1]));
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    check(bind(listener, (struct sockaddr *)&address, sizeof address), "bind");
    check(listen(listener, 4096), "listen");
    check(epoll = epoll_create1(0), "epoll");
    listening.data.fd = listener;
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &listening), "epoll");
    puts("listening");
    fflush(stdout);
    for (;;) {
        int ready = epoll_wait(epoll, events, 1024, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd != listener) {
                take(events[i].data.fd);
                continue;
            }
            int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
            if (client < 0) continue;
            struct epoll_event event = {.events = EPOLLIN, .data.fd = client};
            setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            check(epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event), "epoll");
        }
    }
}
