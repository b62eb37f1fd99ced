/* IKE SAs with one Child SA each, established between two hosts in memory, beside the OpenSSL operations that
 * this takes and nothing else. */
#include "bench/bench.h"

#include "crypto/cleanup.h"

enum { ROUNDS = 11, SAS = 250 };

struct ends {
    struct series both, initiator, responder, bare;
};

static void run_hosts(unsigned round, struct ends *out, size_t lengths[4])
{
    struct two_hosts *h = two_hosts_new(round);
    establish(h); /* fetches what OpenSSL fetches once */
    require(h->n_lengths == 4, "IKE_SA_INIT and IKE_AUTH took %u messages", h->n_lengths);
    memcpy(lengths, h->lengths, 4 * sizeof lengths[0]);

    double begin = cpu_seconds();
    for (unsigned i = 0; i < SAS; i++)
        establish(h);
    series_add(&out->both, (cpu_seconds() - begin) / SAS);

    h->timed = true;
    for (unsigned i = 0; i < SAS; i++)
        establish(h);
    series_add(&out->initiator, h->end[A].busy / SAS);
    series_add(&out->responder, h->end[B].busy / SAS);
    two_hosts_free(h);
}

static void run_bare(struct bare *b, struct ends *out, const size_t lengths[4])
{
    double begin = cpu_seconds();
    for (unsigned i = 0; i < SAS; i++)
        bare_establish(b, lengths);
    series_add(&out->bare, (cpu_seconds() - begin) / SAS);
}

/* One end does half of what both do. */
static struct series half(const struct series *s)
{
    struct series out = {0};
    for (unsigned i = 0; i < s->n; i++)
        series_add(&out, s->values[i] / 2);
    return out;
}

int main(void)
{
    struct ends ends = {0};
    struct bare *b = bare_new();
    size_t lengths[4];
    for (unsigned round = 0; round < ROUNDS; round++) {
        run_hosts(round, &ends, lengths);
        run_bare(b, &ends, lengths);
    }
    bare_free(b);
    crypto_cleanup();

    struct series bare_end = half(&ends.bare);
    report_rate(&(struct figure){"IKE SAs established, both ends", "/s", "its OpenSSL operations"},
                &ends.both, &ends.bare);
    report_rate(&(struct figure){"  the initiator alone", "/s", "half of these"}, &ends.initiator, &bare_end);
    report_rate(&(struct figure){"  the responder alone", "/s", "half of these"}, &ends.responder, &bare_end);
    return 0;
}
