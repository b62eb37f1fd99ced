#include "stage/stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "evidence/decode_as.h"
#include "evidence/profile.h"
#include "net/lossy.h"
#include "suite/requirement.h"
#include "stage/stage_config.h"
#include "stage/stage_parts.h"

unsigned axis_of(const struct stage *stage, enum axis axis)
{
    return stage->options->combination->value[axis];
}

enum role role_of(const struct stage *stage)
{
    return (enum role)axis_of(stage, AXIS_ROLE);
}

unsigned axis_requests(const struct stage *stage)
{
    static const unsigned count[] = {[SEEN_NONE] = 0, [SEEN_ONE] = 1, [SEEN_SEVERAL] = 3};
    return count[axis_of(stage, AXIS_REQUESTS_SEEN)];
}

const char *say(struct stage *stage, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0)
        leave_with(stage, VERDICT_ERROR, "out of memory");
    if (stage->n_texts == stage->texts_capacity) {
        stage->texts_capacity = stage->texts_capacity ? 2 * stage->texts_capacity : 32;
        stage->texts = realloc(stage->texts, stage->texts_capacity * sizeof *stage->texts);
        if (!stage->texts)
            leave_with(stage, VERDICT_ERROR, "out of memory");
    }
    return stage->texts[stage->n_texts++] = text;
}

bool link_is_lossy(const struct stage *stage)
{
    const struct play_options *o = stage->options;
    return o->lose_percent || o->duplicate_percent || o->reorder_percent;
}

/* --- setting up and putting away ----------------------------------------------------------------- */

static bool open_link(struct stage *stage, struct error *err)
{
    const struct play_options *o = stage->options;
    int64_t begin = clock_monotonic_us();
    bool opened =
        o->driver->ops->open(o->driver, o->slot, o->combination, o->seed, o->start_us, &stage->line, err);
    stage->driver_us += clock_monotonic_us() - begin;
    if (!opened)
        return false;
    if (!link_is_lossy(stage))
        return true;
    const struct lossy_rates rates = {.lose_percent = o->lose_percent,
                                      .duplicate_percent = o->duplicate_percent,
                                      .reorder_percent = o->reorder_percent,
                                      .reorder_us = CLOCK_MS(5)};
    struct link *lossy = link_lossy_open(stage->line.link, &rates, random_derive_seed(o->seed, "link"));
    if (!lossy)
        return fail(err, "out of memory");
    stage->line.link = lossy;
    return true;
}

static bool open_evidence(struct stage *stage, struct error *err)
{
    char path[512];
    stage->last_number = stage->options->packets_before;
    stage->wall_offset_us =
        stage->line.virtual_time ? VIRTUAL_EPOCH_US : clock_wall_us() - link_now(stage->line.link);
    if (!stage->options->folder)
        return true;
    snprintf(path, sizeof path, "%s/wire.pcap", stage->options->folder);
    snprintf(stage->keys_path, sizeof stage->keys_path, "%s/ikev2_decryption_table", stage->options->folder);
    char decode_as[512];
    snprintf(decode_as, sizeof decode_as, "%s/decode_as_entries", stage->options->folder);
    if (!decode_as_add(decode_as, stage->line.peer_ike.port, stage->line.peer_natt.port, err))
        return false;
    stage->pcap = pcap_writer_open(path, stage->options->packets_before, err);
    return stage->pcap && wireshark_profile_write(stage->options->folder, err);
}

static bool open_stage(struct stage *stage, struct error *err)
{
    const struct play_options *o = stage->options;
    stage->gate = gate_new();
    if (!stage->gate)
        return fail(err, "out of memory");
    if (!open_link(stage, err))
        return false;
    stage->random = stage->line.virtual_time ? random_from_seed(o->seed) : random_from_system();
    stage->started_us = link_now(stage->line.link);
    stage->round_trip_us = CLOCK_MS(1);
    return open_evidence(stage, err) && stage_configure(stage, err) &&
           cluster_init(&stage->cluster, &stage->ike, NULL, &stage->random, STAGE_MEMBERS, err) &&
           traffic_open_stage(stage, err) && play_schedule(stage, err);
}

static void close_evidence(struct stage *stage)
{
    struct error err = {0};
    if (!stage->pcap || pcap_writer_close(stage->pcap, &err))
        return;
    stage->outcome->verdict = VERDICT_ERROR;
    snprintf(stage->outcome->reason, sizeof stage->outcome->reason, "%s", err.text);
}

static void close_stage(struct stage *stage)
{
    const struct play_options *o = stage->options;
    if (stage->cluster_up)
        cluster_clear(&stage->cluster);
    close_evidence(stage);
    link_close(stage->line.link);
    int64_t begin = clock_monotonic_us();
    o->driver->ops->close(o->driver, o->slot);
    stage->driver_us += clock_monotonic_us() - begin;
    gate_free(stage->gate);
    wire_clear(stage);
    traffic_clear(stage);
    free(stage->silent);
    free(stage->scheduled);
    remove_private_files(stage);
    for (size_t i = 0; i < stage->n_texts; i++)
        free(stage->texts[i]);
    free(stage->texts);
}

/* --- playing ------------------------------------------------------------------------------------- */

/* A driver says by this prefix that the combination is beyond the peer, not broken. */
static void could_not_open(struct stage *stage, const struct error *err)
{
    static const char beyond[] = "unsupported: ";
    bool unsupported = strncmp(err->text, beyond, sizeof beyond - 1) == 0;
    stage->outcome->verdict = unsupported ? VERDICT_UNSUPPORTED : VERDICT_ERROR;
    snprintf(stage->outcome->reason, sizeof stage->outcome->reason, "%s",
             err->text + (unsupported ? sizeof beyond - 1 : 0));
}

static void act(struct stage *stage)
{
    if (setjmp(stage->leave) == 0) {
        stage->options->test_case->play(stage);
        stage->played = true;
    }
    if (stage->outcome->verdict != VERDICT_ERROR && setjmp(stage->leave) == 0)
        finish_stage(stage);
    /* Of a long time much was seen. */
    if (stage->rounds.n > 0 && !stage->monitored && stage->outcome->verdict != VERDICT_ERROR &&
        setjmp(stage->leave) == 0)
        run_monitors(stage);
}

static void sum_up(struct stage *stage)
{
    struct outcome *out = stage->outcome;
    unsigned before = stage->options->packets_before;
    out->elapsed_us = stage->line.link ? stage_now(stage) - stage->started_us : 0;
    out->first_packet = stage->last_number > before ? before + 1 : 0;
    out->last_packet = stage->last_number > before ? stage->last_number : 0;
    record_schedule(stage);
    if (out->verdict == VERDICT_SKIP) {
        out->verdict = VERDICT_ERROR;
        snprintf(out->reason, sizeof out->reason, "the case ended without a single check");
    }
}

/* Whatever of the real time was not the peer's. */
static void account_for_time(const struct stage *stage, int64_t took_us)
{
    struct outcome *out = stage->outcome;
    if (!stage->line.link || stage->line.virtual_time)
        return;
    out->waited_us += stage->driver_us;
    out->own_us = took_us - out->waited_us;
}

void play_combination(const struct play_options *options, struct outcome *out, int64_t *end_us)
{
    struct error err = {0};
    struct stage *stage = calloc(1, sizeof *stage);
    *out = (struct outcome){.verdict = VERDICT_SKIP};
    *end_us = options->start_us;
    int64_t began_us = clock_monotonic_us();
    if (!stage) {
        out->verdict = VERDICT_ERROR;
        snprintf(out->reason, sizeof out->reason, "out of memory");
        return;
    }
    stage->options = options;
    stage->outcome = out;
    stage->cluster_up = setjmp(stage->leave) == 0 && open_stage(stage, &err);
    if (stage->cluster_up) {
        cluster_keep_spis_apart(&stage->cluster);
        note_updates(stage);
        act(stage);
    } else if (out->verdict != VERDICT_ERROR)
        could_not_open(stage, &err);
    sum_up(stage);
    if (stage->line.link)
        *end_us = stage_now(stage);
    close_stage(stage);
    account_for_time(stage, clock_monotonic_us() - began_us);
    free(stage);
}
