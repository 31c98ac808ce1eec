/* The load generator of the fan-out benchmarks: thousands of WebSocket clients in one thread.
 *
 * It knows no protocol above WebSocket (RFC 6455): what the server says is told apart by the beginning of a
 * message, and the rest of an update is passed over. main.c describes its commands.
 */

#ifndef GENERATOR_H
#define GENERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    MAX_CONNECTIONS = 100000,
    MAX_ROOMS = 8192,
    MAX_SERVERS = 16,
    MAX_TEXT = 8192,   /* bytes of one message that is sent */
    NUMBER_DIGITS = 9, /* of an update, and of its place in a template */
    PLACES = 4,        /* where the number stands in a template, at most */
    NUMBERED = 1 << 20 /* updates whose time is remembered; a power of two */
};

/* Seconds between two looks at the sockets. While the generator sleeps, no send of the server has to wake it,
 * as with a network card that collects what arrives. */
#define NAP 0.0001

/* Seconds that everything under way may take to arrive once nothing more is sent. */
#define DRAIN_LIMIT 30.0

enum state { OPENING, UPGRADING, GREETING, READY, STOPPING, CLOSING, CLOSED };

struct connection {
    int fd;
    enum state state;
    int server; /* of g.servers */
    uint8_t *rest; /* the beginning of a message whose end has not come */
    size_t rest_size;
};

/* What a server says and wants to hear. Texts with a length of 0 are not used. */
struct text {
    char at[MAX_TEXT];
    size_t size;
};

struct protocol {
    struct text path;     /* none: no upgrade, frames from the first byte on */
    struct text open;     /* beginning of the message that `hello` answers; none: hello is said at once */
    struct text hello;    /* `$` stands for the connection's token */
    struct text greeting; /* beginning of the message after which a connection is ready */
    struct text refusal;  /* beginning of the message that refuses a connection */
    struct text update;   /* beginning of what is counted */
    struct text ack;
    struct text ping;
    struct text pong;
    struct text needle;   /* what stands before the number in an update */
    bool lines;           /* a frame may hold several messages, one per line */
    bool derived;         /* updates without the needle are the server's own additions, and not counted */
};

/* A message that a writer sends, as a whole frame. `deliveries`: updates that all members together get. */
struct room {
    uint8_t *frame;
    size_t size;
    size_t places[PLACES];
    int place_count;
    uint64_t deliveries;
};

/* `of_server`: deliveries of each. `presence`, `closing`: messages of that kind. `reset`: connections that the
 * server ended with an error. */
struct counts {
    uint64_t sent, acked, expected, delivered, bytes, presence, closing, reset, other, of_server[MAX_SERVERS];
};

struct server {
    int port;
    pid_t pid;
};

struct generator {
    struct protocol protocol;
    struct server servers[MAX_SERVERS]; /* new connections are the last one's */
    int server_count;
    int epoll;
    struct connection connections[MAX_CONNECTIONS];
    int connected;  /* connections opened, the last ones closed not counted */
    int unready;    /* of them */
    char **tokens;
    int token_count;
    struct room rooms[MAX_ROOMS];
    int room_count;
    struct counts counts;
    char other[128]; /* the first message that is none of those above */
    bool timing;     /* note when updates arrive */
    double due[NUMBERED];
    uint32_t number;
};

extern struct generator g;

/* Time in seconds, of the clock and of processors. */
double now(void);
double cpu_of_servers(void);
double cpu_of_server(int server);
double cpu_of_generator(void);

/* Says why in one JSON line and ends the program. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* frames.c */
size_t frame_of(uint8_t *frame, const char *text, size_t size);
void send_text(struct connection *connection, const char *text, size_t size);
void send_frame(struct connection *connection, const uint8_t *frame, size_t size);
/* Takes what has arrived; the bytes at the end that belong to an unfinished message are not taken.
 * Returns how many were. */
size_t take_frames(struct connection *connection, const uint8_t *data, size_t size);

/* sockets.c */
void open_connection(void);
void look(double until, int blocking_stdin);
void close_connection(struct connection *connection);

/* samples.c */
void forget_samples(void);
void note_receipt(const uint8_t *message, size_t size);
void note_late(double seconds);
double received_percentile(double share);
double late_percentile(double share);

/* load.c */
void add_room(uint64_t deliveries, const char *template, size_t size);
void single(double seconds);
void flood(double warm_up, double seconds, int writers, int window);
void paced(double rate, double warm_up, double seconds, int writers);

#endif
