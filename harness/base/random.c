#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* splitmix64, the seeding generator that the authors of xoshiro recommend: it cannot give the all-zero state.
 */
static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint64_t rotate_left(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static uint64_t xoshiro256ss(uint64_t s[4])
{
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

struct random_source random_from_system(void)
{
    return (struct random_source){.seeded = false};
}

struct random_source random_from_seed(uint64_t seed)
{
    struct random_source source = {.seeded = true};
    for (size_t i = 0; i < 4; i++)
        source.state[i] = splitmix64(&seed);
    return source;
}

uint64_t random_derive_seed(uint64_t seed, const char *name)
{
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a, then mixed, so that like names give unlike seeds */
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 0x100000001b3;
    uint64_t state = splitmix64(&seed) ^ hash;
    return splitmix64(&state);
}

/* There is no way on without random numbers, and none that a caller could handle: the kernel's source does
 * not fail once it is initialised, except where the system call itself is forbidden. */
static void fill_from_system(uint8_t *out, size_t len)
{
    while (len > 0) {
        ssize_t got = getrandom(out, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        out += got;
        len -= (size_t)got;
    }
}

/* Little-endian by construction, so that a seed gives the same octets on every machine. */
static void fill_from_seed(uint64_t state[4], uint8_t *out, size_t len)
{
    while (len > 0) {
        uint64_t word = xoshiro256ss(state);
        for (size_t i = 0; i < sizeof word && len > 0; i++, len--, word >>= 8)
            *out++ = (uint8_t)word;
    }
}

void random_fill(struct random_source *source, void *out, size_t len)
{
    if (source->seeded)
        fill_from_seed(source->state, out, len);
    else
        fill_from_system(out, len);
}

uint32_t random_u32(struct random_source *source)
{
    uint8_t octets[4];
    random_fill(source, octets, sizeof octets);
    return (uint32_t)octets[0] | (uint32_t)octets[1] << 8 | (uint32_t)octets[2] << 16 |
           (uint32_t)octets[3] << 24;
}

uint32_t random_below(struct random_source *source, uint32_t bound)
{
    /* Draws below 2^32 mod bound are rejected: what is left is a whole multiple of bound. */
    uint32_t reject_below = -bound % bound;
    uint32_t drawn;
    do
        drawn = random_u32(source);
    while (drawn < reject_below);
    return drawn % bound;
}
