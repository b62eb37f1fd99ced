/* What the benches share. Each is a small program that measures one thing beside its physical limit: the same
 * work done by bare OpenSSL, bare sockets, bare system calls, in the same run on the same machine. The two
 * are measured in turn, round by round, so that whatever else the machine does falls on both alike; a figure
 * is the median of the rounds. docs/benchmarks.md says how to read the table that run.sh makes of them.
 *
 * A bench prints one JSON object a line for each figure. What cannot be measured ends the program with 1.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "base/random.h"
#include "ike/host.h"

/* --- measuring (measure.c) ------------------------------------------------------------------------------ */

enum { BENCH_MAX_ROUNDS = 32 };

/* Processor time of this process, for what runs in memory: other programs do not show in it. */
double cpu_seconds(void);
double wall_seconds(void);

/* One quantity of all rounds. */
struct series {
    unsigned n;
    double values[BENCH_MAX_ROUNDS];
};

void series_add(struct series *s, double value);
double series_median(const struct series *s);

struct figure {
    const char *what;
    const char *unit;
    const char *limit; /* what the limit is */
};

/* Prints a figure. The two series are of the same rounds, in seconds per operation; what is printed are
 * operations per second, and which share of the limit is reached (1: nothing is left to gain). */
void report_rate(const struct figure *f, const struct series *ours, const struct series *limit);

/* The same for how long something takes: in the unit of the figure, of which `per_second` make a second. */
void report_duration(const struct figure *f, double per_second, const struct series *ours,
                     const struct series *limit);

/* A value as it stands, and its limit: the ratio is value / limit, the lower the better. */
void report_value(const struct figure *f, double value, double limit);

/* Ends the program with 1 and this text unless `ok`. */
#define require(ok, ...) ((ok) ? (void)0 : give_up(__VA_ARGS__))
_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- two hosts in memory (hosts.c) ------------------------------------------------------------------------
 */

enum side { A, B }; /* A initiates */

struct host_end {
    struct wire_proposal ike_proposal, child_proposal;
    struct ike_config config;
    struct random_source random;
    struct ike_host *host;
    struct endpoint address;
    double busy;         /* seconds spent inside the host by handing over, while `timed` */
    unsigned counts[16]; /* events by kind */
    uint32_t sa;         /* of the last ESTABLISHED */
};

/* X25519, AES-GCM-16-256 and PRF_HMAC_SHA2_256 for the IKE SA, AES-GCM-16-256 for its one Child SA, a shared
 * key. */
struct two_hosts {
    struct host_end end[2];
    bool timed;
    size_t lengths[8]; /* of the datagrams since `n_lengths` was set to 0 */
    unsigned n_lengths;
};

struct two_hosts *two_hosts_new(uint64_t seed);
void two_hosts_free(struct two_hosts *h);

/* A host of its own in place of the one there was. */
void host_end_renew(struct host_end *end);

/* One IKE SA with one Child SA; their ids are in end[].sa. Events are counted and forgotten. */
void establish(struct two_hosts *h);

/* A message ID sync of A's SA with this M1, which must rise from call to call; it is answered. */
void sync_ids(struct two_hosts *h, uint32_t sa, uint32_t m1);

/* Hands over until both are silent, and counts the events. */
void hand_over(struct two_hosts *h);
void count_events(struct host_end *end);

enum { BENCH_NOW_US = 1000000 }; /* time stands still in memory */

/* --- bare OpenSSL (bare.c)
 * ---------------------------------------------------------------------------------- */

/* Algorithms are fetched and contexts made once, before the clock runs; keys are set for each operation. */
struct bare *bare_new(void);
void bare_free(struct bare *b);

/* Octets that AES-GCM-16 covers in an IKE message of that length whose only payload is SK. */
enum { SK_AAD_LEN = 32, SK_OVERHEAD = SK_AAD_LEN + 8 + 16 };

/* Seals, and opens what it sealed. `rekey` false: with the key of the call before. */
void bare_seal_and_open(struct bare *b, size_t message_len, bool rekey);

/* The same for any text that AES-GCM-16 encrypts, with octets that it only authenticates. */
void bare_seal_and_open_text(struct bare *b, size_t aad_len, size_t text_len, bool rekey);

/* Opens one text under each of so many keys, in turn; the keys are set before. */
struct bare_text {
    size_t keys, aad_len, len;
};
struct bare_openers *bare_openers_new(const struct bare_text *text);
void bare_openers_free(struct bare_openers *b);
void bare_open(struct bare_openers *b, size_t n); /* under the key n, modulo how many there are */

/* What establishing one IKE SA with its Child SA costs both ends together; the lengths are those of the four
 * messages. The counts stand in bare.c. */
void bare_establish(struct bare *b, const size_t lengths[4]);

#endif
