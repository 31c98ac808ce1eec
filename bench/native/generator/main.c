/* Commands, one on each line of standard input. Those with an arrow answer with one line of JSON.
 *
 *   server PORT PID                       one more; connections from now on are to it
 *   path|open|hello|greeting|refusal|update|ack|ping|pong|needle TEXT    see struct protocol · lines 1 · derived 1
 *   token TEXT                            one more; connections take them in turns
 *   connect COUNT AT_ONCE LIMIT        →  open so many more; all are ready, or the program ends
 *   subscribe FIRST COUNT TEXT         →  these connections send a text, and all are acknowledged
 *   room DELIVERIES TEMPLATE              one more to write to; ######### stands for an update's number
 *   norooms
 *   single SECONDS                     →  one update at a time
 *   flood WARM_UP SECONDS WRITERS WINDOW →  as many as the server takes
 *   paced RATE WARM_UP SECONDS WRITERS →  so many updates a second
 *   idle SECONDS                       →  only answer pings, and count what is said about presence
 *   close COUNT                        →  end the last so many connections, one after the other
 *   stopped LIMIT                      →  the server, which is told to stop meanwhile, has ended them all
 *
 * The first connections are the writers; where there are more rooms than writers, each has several and writes
 * to them in turns. The program ends with its input; an error is {"error": TEXT}.
 */

#include "generator.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SUBSCRIBE_LIMIT 60.0
#define SUBSCRIBE_AT_ONCE 64
#define CLOSE_LIMIT 5.0

struct generator g;

static double seconds_of(clockid_t clock)
{
    struct timespec time;
    if (clock_gettime(clock, &time)) fail("clock: %s", strerror(errno));
    return time.tv_sec + time.tv_nsec * 1e-9;
}

double now(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double cpu_of_generator(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

double cpu_of_server(int server)
{
    clockid_t clock;
    if (clock_getcpuclockid(g.servers[server].pid, &clock)) fail("the server is gone");
    return seconds_of(clock);
}

double cpu_of_servers(void)
{
    double sum = 0;
    for (int i = 0; i < g.server_count; i++) sum += cpu_of_server(i);
    return sum;
}

static void add_server(int port, pid_t pid)
{
    if (g.server_count == MAX_SERVERS) fail("more than %d servers", MAX_SERVERS);
    g.servers[g.server_count++] = (struct server){port, pid};
}

void fail(const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *at = text; *at; at++)
        if (*at == '"' || *at == '\\' || iscntrl((unsigned char)*at) || (unsigned char)*at > 126) *at = '\'';
    printf("{\"error\":\"%s\"}\n", text);
    fflush(stdout);
    exit(1);
}

static void connect_more(int count, int at_once, double limit)
{
    double begin = now(), server = cpu_of_servers(), generator = cpu_of_generator();
    int wanted = g.connected + count;
    while (g.connected < wanted || g.unready) {
        while (g.connected < wanted && g.unready < at_once) open_connection();
        if (now() > begin + limit) fail("%d of %d connections are not ready", g.unready, g.connected);
        look(begin + limit + NAP, 0);
    }
    printf("{\"seconds\":%.6f,\"server_cpu\":%.6f,\"generator_cpu\":%.6f}\n", now() - begin,
           cpu_of_servers() - server, cpu_of_generator() - generator);
}

static void subscribe(int first, int count, const char *text)
{
    double limit = now() + SUBSCRIBE_LIMIT;
    uint64_t before = g.counts.acked;
    int sent = 0;
    if (first < 0 || first + count > g.connected) fail("no such connections");
    while (g.counts.acked - before < (uint64_t)count) {
        while (sent < count && sent - (int)(g.counts.acked - before) < SUBSCRIBE_AT_ONCE)
            send_text(&g.connections[first + sent++], text, strlen(text));
        if (now() > limit) fail("%lu of %d subscribed", g.counts.acked - before, count);
        look(limit, 0);
    }
    g.counts.sent = g.counts.acked = 0;
    g.counts.other = 0;
    printf("{}\n");
}

static void idle(double seconds)
{
    double begin = now(), server = cpu_of_servers();
    while (now() < begin + seconds) look(begin + seconds, 0);
    printf("{\"seconds\":%.6f,\"server_cpu\":%.6f,\"presence\":%lu}\n", now() - begin,
           cpu_of_servers() - server, g.counts.presence);
    g.counts.other = g.counts.presence = 0;
}

static void await_stop(double limit)
{
    double begin = now(), first = 0;
    int open = g.connected;
    for (int i = 0; i < g.connected; i++) g.connections[i].state = STOPPING;
    while (open) {
        if (now() > begin + limit) fail("%d of %d connections are open after %.0f s", open, g.connected, limit);
        look(begin + limit, 0);
        open = 0;
        for (int i = 0; i < g.connected; i++) open += g.connections[i].state == STOPPING;
        if (!first && open < g.connected) first = now() - begin;
    }
    printf("{\"first\":%.6f,\"last\":%.6f,\"told\":%lu,\"reset\":%lu}\n", first, now() - begin, g.counts.closing,
           g.counts.reset);
    g.connected = 0;
}

static void close_last(int count)
{
    double begin = now(), server = cpu_of_servers();
    if (count > g.connected) fail("no such connections");
    for (int i = 0; i < count; i++) {
        struct connection *connection = &g.connections[--g.connected];
        double limit = now() + CLOSE_LIMIT;
        connection->state = CLOSING;
        shutdown(connection->fd, SHUT_WR);
        while (connection->state == CLOSING && now() < limit) look(limit, 0);
        if (connection->state == CLOSING) fail("the server does not close a connection that has ended");
    }
    printf("{\"seconds\":%.6f,\"server_cpu\":%.6f}\n", now() - begin, cpu_of_servers() - server);
}

static void add_token(const char *token)
{
    g.tokens = realloc(g.tokens, (g.token_count + 1) * sizeof *g.tokens);
    if (!g.tokens || !(g.tokens[g.token_count++] = strdup(token))) fail("no memory is left");
}

static bool set_text(const char *name, const char *value)
{
    struct protocol *p = &g.protocol;
    const struct { const char *name; struct text *text; } texts[] = {
        {"path", &p->path}, {"open", &p->open},     {"hello", &p->hello}, {"greeting", &p->greeting}, {"refusal", &p->refusal},
        {"ack", &p->ack},   {"update", &p->update}, {"ping", &p->ping},   {"pong", &p->pong},
        {"needle", &p->needle},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(name, texts[i].name)) continue;
        size_t size = strlen(value);
        if (size >= MAX_TEXT) fail("%s is too long", name);
        memcpy(texts[i].text->at, value, size + 1);
        texts[i].text->size = size;
        return true;
    }
    return false;
}

static void run(const char *name, char *rest)
{
    double a, b, c;
    int first, count, window, used;
    unsigned long deliveries;
    if (set_text(name, rest)) return;
    if (!strcmp(name, "server") && sscanf(rest, "%d %d", &first, &count) == 2) add_server(first, count);
    else if (!strcmp(name, "lines")) g.protocol.lines = true;
    else if (!strcmp(name, "derived")) g.protocol.derived = true;
    else if (!strcmp(name, "token")) add_token(rest);
    else if (!strcmp(name, "norooms")) while (g.room_count) free(g.rooms[--g.room_count].frame);
    else if (!strcmp(name, "room") && sscanf(rest, "%lu %n", &deliveries, &used) == 1)
        add_room(deliveries, rest + used, strlen(rest + used));
    else if (!strcmp(name, "connect") && sscanf(rest, "%d %d %lf", &first, &count, &a) == 3)
        connect_more(first, count, a);
    else if (!strcmp(name, "subscribe") && sscanf(rest, "%d %d %n", &first, &count, &used) == 2)
        subscribe(first, count, rest + used);
    else if (!strcmp(name, "single") && sscanf(rest, "%lf", &a) == 1) single(a);
    else if (!strcmp(name, "flood") && sscanf(rest, "%lf %lf %d %d", &a, &b, &count, &window) == 4)
        flood(a, b, count, window);
    else if (!strcmp(name, "paced") && sscanf(rest, "%lf %lf %lf %d", &a, &b, &c, &count) == 4)
        paced(a, b, c, count);
    else if (!strcmp(name, "idle") && sscanf(rest, "%lf", &a) == 1) idle(a);
    else if (!strcmp(name, "close") && sscanf(rest, "%d", &count) == 1) close_last(count);
    else if (!strcmp(name, "stopped") && sscanf(rest, "%lf", &a) == 1) await_stop(a);
    else fail("unknown command: %s", name);
    fflush(stdout);
}

/* Runs the commands in what was read so far, and returns how many bytes they took. */
static size_t run_lines(char *text, size_t size)
{
    size_t at = 0;
    char *end;
    while ((end = memchr(text + at, '\n', size - at))) {
        *end = 0;
        char *name = text + at, *rest = strchr(name, ' ');
        if (rest) *rest++ = 0;
        run(name, rest ? rest : end);
        at = end + 1 - text;
    }
    return at;
}

int main(void)
{
    static char text[1 << 16];
    size_t size = 0;
    struct rlimit files;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = MAX_CONNECTIONS};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    g.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (g.epoll < 0 || epoll_ctl(g.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event)) fail("epoll: %s", strerror(errno));
    for (;;) {
        look(0, 1);
        ssize_t got = read(STDIN_FILENO, text + size, sizeof text - size);
        if (got <= 0) return 0;
        size += got;
        size_t taken = run_lines(text, size);
        memmove(text, text + taken, size - taken);
        size -= taken;
        if (size == sizeof text) fail("a command is too long");
    }
}
