/* When updates arrive, and how late they were sent. */

#include "generator.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT = 1 << 23, KEPT_LATE = 1 << 20 };

static float received[KEPT], late[KEPT_LATE];
static size_t received_count, late_count;

void forget_samples(void)
{
    received_count = late_count = 0;
}

void note_receipt(const uint8_t *message, size_t size)
{
    const struct text *needle = &g.protocol.needle;
    const uint8_t *found = memmem(message, size, needle->at, needle->size);
    if (!found || found + needle->size + NUMBER_DIGITS > message + size) fail("an update without its number");
    uint32_t number = 0;
    for (int i = 0; i < NUMBER_DIGITS; i++) number = number * 10 + (found[needle->size + i] - '0');
    if (received_count < KEPT) received[received_count++] = now() - g.due[number % NUMBERED];
}

void note_late(double seconds)
{
    if (late_count < KEPT_LATE) late[late_count++] = seconds;
}

static int by_size(const void *one, const void *other)
{
    float a = *(const float *)one, b = *(const float *)other;
    return (a > b) - (a < b);
}

/* The smallest value that is not below `share` of all; 0 without any. */
static double percentile(float *values, size_t count, double share)
{
    size_t place = share * count;
    if (!count) return 0;
    qsort(values, count, sizeof *values, by_size);
    return values[place < count ? place : count - 1];
}

double received_percentile(double share)
{
    return percentile(received, received_count, share);
}

double late_percentile(double share)
{
    return percentile(late, late_count, share);
}
