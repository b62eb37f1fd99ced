/* Many IKE SAs fail over at once: a new member reads the contexts of all of them, restores them and sends a
 * sync request for each, and only then the peer's answers come in. Beside it the least that this takes:
 * parsing the same JSON, and the AES-GCM operations of the syncs. Two sizes, ten apart, show whether the time
 * grows faster than the number of SAs; the program fails when it does. */
#include "bench/bench.h"

#include <jansson.h>
#include <stdlib.h>

#include "cluster/context.h"
#include "crypto/cleanup.h"

enum { ROUNDS = 5, FEW = 1000, MANY = 10000, SYNC_LEN = 77 };

/* By which the time per SA may grow from FEW to MANY: caches get smaller against the data, but ten times
 * would be a search through all. */
static const double max_growth = 3;

/* A peer (B) with so many SAs, whose contexts a member (A) left behind. */
struct site {
    struct two_hosts *hosts;
    unsigned n;
    char **contexts;
    uint32_t *restored;
    struct series restore, sync, both, parse, bare;
};

static struct site *site_new(unsigned n)
{
    struct site *site = calloc(1, sizeof *site);
    require(site != NULL, "out of memory");
    site->n = n;
    site->hosts = two_hosts_new(n);
    site->contexts = calloc(n, sizeof *site->contexts);
    site->restored = calloc(n, sizeof *site->restored);
    require(site->contexts != NULL && site->restored != NULL, "out of memory");
    for (unsigned i = 0; i < n; i++) {
        struct error err;
        establish(site->hosts);
        struct ike_snapshot *snapshot =
            ike_sa_snapshot(site->hosts->end[A].host, site->hosts->end[A].sa, &err);
        require(snapshot != NULL, "%s", err.text);
        site->contexts[i] = context_write(snapshot);
        require(site->contexts[i] != NULL, "out of memory");
        ike_snapshot_free(snapshot);
    }
    return site;
}

static void site_free(struct site *site)
{
    for (unsigned i = 0; i < site->n; i++)
        context_free(site->contexts[i]);
    two_hosts_free(site->hosts);
    free(site->contexts);
    free(site->restored);
    free(site);
}

static void restore_all(struct site *site)
{
    struct error err;
    for (unsigned i = 0; i < site->n; i++) {
        struct ike_snapshot *snapshot = context_read(site->contexts[i], &err);
        require(snapshot != NULL, "%s", err.text);
        site->restored[i] = ike_host_restore(site->hosts->end[A].host, snapshot, &err);
        require(site->restored[i] != 0, "%s", err.text);
        ike_snapshot_free(snapshot);
    }
}

/* Each round fails over from the same contexts, so M1 rises from round to round. */
static void sync_all(struct site *site, unsigned round)
{
    struct host_end *member = &site->hosts->end[A];
    unsigned before = member->counts[IKE_EVENT_SYNCED];
    struct error err;
    for (unsigned i = 0; i < site->n; i++) {
        struct message_id_sync request = {.expected_send = 10 + round};
        random_fill(&member->random, request.nonce, sizeof request.nonce);
        require(ike_sa_sync(member->host, site->restored[i], &request, BENCH_NOW_US, &err) != 0, "%s",
                err.text);
    }
    hand_over(site->hosts);
    require(member->counts[IKE_EVENT_SYNCED] == before + site->n, "a sync was not answered");
}

static void fail_over(struct site *site, unsigned round)
{
    host_end_renew(&site->hosts->end[A]);
    double begin = cpu_seconds();
    restore_all(site);
    double restored = cpu_seconds();
    sync_all(site, round);
    double end = cpu_seconds();
    series_add(&site->restore, (restored - begin) / site->n);
    series_add(&site->sync, (end - restored) / site->n);
    series_add(&site->both, (end - begin) / site->n);
}

static void run_bare(struct site *site, struct bare *b)
{
    double begin = cpu_seconds();
    for (unsigned i = 0; i < site->n; i++)
        json_decref(json_loads(site->contexts[i], 0, NULL));
    double parsed = cpu_seconds();
    for (unsigned i = 0; i < 2 * site->n; i++)
        bare_seal_and_open(b, SYNC_LEN, true);
    double end = cpu_seconds();
    series_add(&site->parse, (parsed - begin) / site->n);
    series_add(&site->bare, (end - parsed) / site->n);
}

static struct series sum_of(const struct series *a, const struct series *b)
{
    struct series out = {0};
    for (unsigned i = 0; i < a->n; i++)
        series_add(&out, a->values[i] + b->values[i]);
    return out;
}

int main(void)
{
    struct site *few = site_new(FEW), *many = site_new(MANY);
    struct bare *b = bare_new();
    for (unsigned round = 0; round < ROUNDS; round++) {
        fail_over(few, round);
        fail_over(many, round);
        run_bare(many, b);
    }

    struct series least = sum_of(&many->parse, &many->bare);
    report_duration(&(struct figure){"10000 IKE SAs fail over: all", "s", "parsing, and AES-GCM"}, MANY,
                    &many->both, &least);
    report_duration(&(struct figure){"  per SA: context read, SA restored", "us", "its JSON parsed"}, 1e6,
                    &many->restore, &many->parse);
    report_duration(&(struct figure){"  per SA: message IDs synced", "us", "AES-GCM, keyed each time"}, 1e6,
                    &many->sync, &many->bare);
    report_duration(&(struct figure){"  per SA, of 10000", "us", "per SA, of 1000"}, 1e6, &many->both,
                    &few->both);

    double growth = series_median(&many->both) / series_median(&few->both);
    site_free(few);
    site_free(many);
    bare_free(b);
    crypto_cleanup();
    require(growth <= max_growth, "ten times the IKE SAs take %.0f times the time", 10 * growth);
    return 0;
}
