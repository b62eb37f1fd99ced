/* The monitors over the record of a stage: a finding is a broken check under its own requirement; silence of
 * a monitor is no check. */
#include "stage/monitor.h"
#include "stage/stage_parts.h"

static bool is_broken_already(const struct outcome *o, const char *requirement)
{
    for (unsigned i = 0; i < o->n_checks; i++)
        if (o->checks[i].result == CHECK_BROKEN && strcmp(o->checks[i].requirement, requirement) == 0)
            return true; /* once a case is enough */
    return false;
}

static void note(void *state, const struct monitor_finding *f)
{
    struct stage *stage = state;
    if (is_broken_already(stage->outcome, f->requirement))
        return;
    const unsigned *packets =
        f->beside ? PACKETS(f->beside->number, f->packet->number) : PACKETS(f->packet->number);
    add_check(stage, f->requirement, CHECK_BROKEN, packets, f->expected, f->seen, "monitor");
}

void run_monitors(struct stage *stage)
{
    stage->monitored = true;
    const struct driver_line *line = &stage->line;
    const struct endpoint told[] = {line->cluster_ike, line->cluster_natt};
    bool one_port = line->cluster_natt.port == line->cluster_ike.port;
    const struct monitor_view view = {
        .packets = (const struct wire_packet *const *)stage->wire,
        .count = stage->n_wire,
        .keys = stage->keys,
        .n_keys = stage->n_keys,
        .addresses = told,
        .n_addresses = 2,
        .natt_port = one_port ? 0 : line->cluster_natt.port,
        .takes_replays = stage->options->driver && !stage->options->driver->config.anti_replay,
        .lossy = link_is_lossy(stage),
        .found = note,
        .state = stage,
    };
    struct monitor_report report = monitor_packets(&view);
    stage->outcome->watched += report.watched;
    stage->outcome->tags |= report.tags;
    if (!report.complete)
        leave_with(stage, VERDICT_ERROR, "out of memory");
}
