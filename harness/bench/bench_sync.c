/* Message ID sync exchanges on established SAs, each with a higher M1, between two hosts in memory, beside
 * the AES-GCM operations that this takes. */
#include "bench/bench.h"

#include "crypto/cleanup.h"

enum { ROUNDS = 11, SAS = 100, EXCHANGES = 10000 };

struct synced {
    struct series hosts, bare, bare_keyed_once;
};

static void run_hosts(struct two_hosts *h, const uint32_t sas[SAS], uint32_t *m1, struct synced *out)
{
    double begin = cpu_seconds();
    for (unsigned i = 0; i < EXCHANGES; i++)
        sync_ids(h, sas[i % SAS], ++*m1);
    series_add(&out->hosts, (cpu_seconds() - begin) / EXCHANGES);
}

static double run_bare(struct bare *b, const size_t lengths[2], bool rekey)
{
    double begin = cpu_seconds();
    for (unsigned i = 0; i < EXCHANGES; i++) {
        bare_seal_and_open(b, lengths[0], rekey);
        bare_seal_and_open(b, lengths[1], rekey);
    }
    return (cpu_seconds() - begin) / EXCHANGES;
}

int main(void)
{
    struct two_hosts *h = two_hosts_new(1);
    struct bare *b = bare_new();
    struct synced synced = {0};
    uint32_t sas[SAS], m1 = 100;
    for (unsigned i = 0; i < SAS; i++) {
        establish(h);
        sas[i] = h->end[A].sa;
    }
    h->n_lengths = 0;
    sync_ids(h, sas[0], ++m1);
    size_t lengths[2] = {h->lengths[0], h->lengths[1]};

    for (unsigned round = 0; round < ROUNDS; round++) {
        run_hosts(h, sas, &m1, &synced);
        series_add(&synced.bare, run_bare(b, lengths, true));
        series_add(&synced.bare_keyed_once, run_bare(b, lengths, false));
    }
    two_hosts_free(h);
    bare_free(b);
    crypto_cleanup();

    const char *what = "Message ID sync exchanges, both ends";
    report_rate(&(struct figure){what, "/s", "AES-GCM, keyed for each message"}, &synced.hosts, &synced.bare);
    report_rate(&(struct figure){what, "/s", "AES-GCM, keyed once"}, &synced.hosts, &synced.bare_keyed_once);
    return 0;
}
