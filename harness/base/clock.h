/* Time in microseconds. `now_us` never goes back; its zero is arbitrary (system start, or the start
 * of a simulation). The protocol core is handed the time and never asks for it. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_NEVER  INT64_MAX
#define CLOCK_MS(ms) ((int64_t)(ms)*1000)

int64_t clock_monotonic_us(void);

/* Wall-clock microseconds since 1970, for capture files and journals only. */
int64_t clock_wall_us(void);

static inline int64_t clock_later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline int64_t clock_earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#endif
