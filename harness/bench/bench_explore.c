/* Schedules of the explorer, beside the message ID sync exchanges of two hosts that the same time would do:
 * what a schedule costs above the few exchanges that it holds is the world around them. */
#include "bench/bench.h"

#include "crypto/cleanup.h"
#include "explore/explore.h"

enum { ROUNDS = 7, SCHEDULES = 2000, EXCHANGES = 5000 };

static double run_schedules(struct explorer *x, uint64_t from, unsigned *packets)
{
    double begin = cpu_seconds();
    for (unsigned i = 0; i < SCHEDULES; i++) {
        struct explore_schedule s;
        struct explore_outcome out;
        struct error err;
        explorer_draw(x, from + i, &s);
        require(explorer_play(x, &s, &out, &err), "%s", err.text);
        require(!out.finding.rule[0], "a rule is broken: %s", out.finding.text);
        *packets += out.packets;
    }
    return cpu_seconds() - begin;
}

int main(void)
{
    struct error err;
    const struct explore_options options = {.seed = 1};
    struct explorer *x = explorer_new(&options, &err);
    require(x != NULL, "%s", err.text);
    struct two_hosts *h = two_hosts_new(1);
    establish(h);
    struct series schedules = {0}, packets = {0}, exchanges = {0}, messages = {0};
    uint32_t m1 = 100;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned n = 0;
        double took = run_schedules(x, (uint64_t)round * SCHEDULES, &n);
        series_add(&schedules, took / SCHEDULES);
        series_add(&packets, took / n);
        double begin = cpu_seconds();
        for (unsigned i = 0; i < EXCHANGES; i++)
            sync_ids(h, h->end[A].sa, ++m1);
        series_add(&exchanges, (cpu_seconds() - begin) / EXCHANGES);
        series_add(&messages, exchanges.values[round] / 2);
    }
    two_hosts_free(h);
    explorer_free(x);
    crypto_cleanup();
    report_rate(&(struct figure){"Schedules explored, all judged", "/s", "sync exchanges of two hosts"},
                &schedules, &exchanges);
    report_rate(&(struct figure){"Packets of explored schedules", "/s", "messages of those exchanges"},
                &packets, &messages);
    return 0;
}
