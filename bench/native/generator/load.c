/* The load: writers send updates, all at once or at a pace, and every update is awaited at its members. */

#include "generator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Seconds that a server may be behind a pace. */
#define BEHIND 1.0

/* What a span of time began with. */
struct span {
    double begin, servers[MAX_SERVERS], generator;
    struct counts counts;
};

void add_room(uint64_t deliveries, const char *template, size_t size)
{
    static const char mark[NUMBER_DIGITS + 1] = "#########";
    if (g.room_count == MAX_ROOMS) fail("more than %d rooms", MAX_ROOMS);
    struct room *room = &g.rooms[g.room_count++];
    room->deliveries = deliveries;
    room->frame = malloc(size + 16);
    if (!room->frame) fail("no memory is left");
    room->size = frame_of(room->frame, template, size);
    room->place_count = 0;
    uint8_t *at = room->frame, *end = room->frame + room->size;
    while ((at = memmem(at, end - at, mark, NUMBER_DIGITS))) {
        if (room->place_count == PLACES) fail("the number stands in a message more than %d times", PLACES);
        room->places[room->place_count++] = at - room->frame;
        at += NUMBER_DIGITS;
    }
}

/* A room always has the same writer: servers keep the order of one connection's messages. `count`: updates
 * before this one. */
static void send_update(uint64_t count, int writers, double due)
{
    int writer = count % writers;
    struct room *room = &g.rooms[(g.room_count > writers ? count : (uint64_t)writer) % g.room_count];
    char digits[NUMBER_DIGITS];
    uint32_t number = ++g.number, left = number;
    for (int i = NUMBER_DIGITS - 1; i >= 0; i--, left /= 10) digits[i] = '0' + left % 10;
    for (int i = 0; i < room->place_count; i++) memcpy(room->frame + room->places[i], digits, NUMBER_DIGITS);
    g.due[number % NUMBERED] = due;
    g.counts.sent++;
    g.counts.expected += room->deliveries;
    send_frame(&g.connections[writer], room->frame, room->size);
}

static bool all_there(void)
{
    return g.counts.acked >= g.counts.sent && g.counts.delivered >= g.counts.expected;
}

static void await_all(void)
{
    double limit = now() + DRAIN_LIMIT;
    while (!all_there() && now() < limit) look(limit, 0);
    if (!all_there())
        fail("of %lu updates %lu were acknowledged, and %lu of %lu deliveries came", g.counts.sent,
             g.counts.acked, g.counts.delivered, g.counts.expected);
}

static struct span end(void)
{
    struct span span = {.begin = now(), .generator = cpu_of_generator(), .counts = g.counts};
    for (int i = 0; i < g.server_count; i++) span.servers[i] = cpu_of_server(i);
    return span;
}

static struct span begin(void)
{
    forget_samples();
    return end();
}

static void report(const struct span *from, const struct span *to)
{
    uint64_t delivered = to->counts.delivered - from->counts.delivered;
    double servers = 0;
    for (int i = 0; i < g.server_count; i++) servers += to->servers[i] - from->servers[i];
    printf("{\"seconds\":%.6f,\"server_cpu\":%.6f,\"generator_cpu\":%.6f,\"updates\":%lu,\"deliveries\":%lu,"
           "\"bytes\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"late_ms\":%.3f,\"other\":%lu,\"nodes\":[",
           to->begin - from->begin, servers, to->generator - from->generator,
           to->counts.acked - from->counts.acked, delivered,
           delivered ? (double)(to->counts.bytes - from->counts.bytes) / delivered : 0,
           received_percentile(0.5) * 1e3, received_percentile(0.99) * 1e3, late_percentile(0.99) * 1e3,
           g.counts.other);
    for (int i = 0; i < g.server_count; i++)
        printf("%s{\"server_cpu\":%.6f,\"deliveries\":%lu}", i ? "," : "", to->servers[i] - from->servers[i],
               to->counts.of_server[i] - from->counts.of_server[i]);
    printf("]}\n");
}

static void check_load(int writers)
{
    if (!g.room_count || writers < 1 || writers > g.connected) fail("no room, or no such writers");
    if (g.room_count > writers && g.room_count % writers) fail("%d rooms among %d writers", g.room_count, writers);
    if (g.counts.other) fail("the server said something unexpected: %s", g.other);
}

/* On average. */
static uint64_t deliveries_of_an_update(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < g.room_count; i++) sum += g.rooms[i].deliveries;
    return sum / g.room_count;
}

/* One update at a time: the next one when this one is with all of its members. */
void single(double seconds)
{
    check_load(1);
    g.timing = true;
    struct span from = begin();
    while (now() < from.begin + seconds) {
        send_update(0, 1, now());
        await_all();
    }
    struct span to = end();
    g.timing = false;
    check_load(1);
    report(&from, &to);
}

/* As many as the server takes: `window` updates are on their way at any time. */
void flood(double warm_up, double seconds, int writers, int window)
{
    check_load(writers);
    double start = now() + warm_up, stop = start + seconds;
    struct span from = {0}, to;
    uint64_t average = deliveries_of_an_update();
    uint64_t count = 0;
    for (;;) {
        if (!from.begin && now() >= start) {
            from = begin();
            stop = from.begin + seconds;
        }
        if (from.begin && now() >= stop) break;
        while (g.counts.sent - g.counts.acked < (uint64_t)window
               && g.counts.expected < g.counts.delivered + window * average) {
            send_update(count++, writers, now());
        }
        look(stop, 0);
    }
    to = end();
    await_all();
    check_load(writers);
    report(&from, &to);
}

/* So many a second, evenly; latencies count from when an update was due. A server that is a second behind gets
 * no more until it is less: it cannot keep up, and what it has is enough to show that. */
void paced(double rate, double warm_up, double seconds, int writers)
{
    check_load(writers);
    if (!(rate > 0)) fail("a pace of %f updates a second", rate);
    double first = now(), stop = first + warm_up + seconds, most = rate * BEHIND * deliveries_of_an_update();
    struct span from = {0}, to;
    uint64_t count = 0;
    for (;;) {
        double due = first + count / rate;
        if (!from.begin && now() >= first + warm_up) {
            from = begin();
            g.timing = true;
        }
        if (due >= stop) break;
        if (now() < due) {
            look(due, 0);
            continue;
        }
        if (g.counts.sent - g.counts.acked > rate * BEHIND || g.counts.expected - g.counts.delivered > most) {
            count++;
            look(now() + NAP, 0);
            continue;
        }
        note_late(now() - due);
        send_update(count++, writers, due);
    }
    while (now() < stop) look(stop, 0);
    to = end();
    await_all();
    g.timing = false;
    check_load(writers);
    report(&from, &to);
}
