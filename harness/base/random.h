/* Where key pairs, nonces, SPIs and IVs draw from.
 *
 * Injected, never global: a simulated run hands in a seeded source and repeats to the octet; a live
 * run hands in the system's. A source is not shared between threads.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random_source {
    bool seeded;
    uint64_t state[4]; /* of the seeded generator (xoshiro256**, public domain algorithm) */
};

struct random_source random_from_system(void);
struct random_source random_from_seed(uint64_t seed);

/* A seed for a part of a run that depends on its name only, not on what ran before it. */
uint64_t random_derive_seed(uint64_t seed, const char *name);

void random_fill(struct random_source *source, void *out, size_t len);
uint32_t random_u32(struct random_source *source);

/* Uniform in [0, bound); bound > 0. */
uint32_t random_below(struct random_source *source, uint32_t bound);

#endif
