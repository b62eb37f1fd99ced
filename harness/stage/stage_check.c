#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "suite/requirement.h"
#include "stage/stage_parts.h"

/* --- checks -------------------------------------------------------------------------------------- */

void add_check(struct stage *stage, const char *requirement, enum check_result result,
               const unsigned *packets, const char *expected, const char *seen, const char *silence)
{
    struct check_record c = {.result = result,
                             .expected = (char *)(uintptr_t)expected,
                             .seen = (char *)(uintptr_t)seen,
                             .made_behind = stage->last_number};
    snprintf(c.requirement, sizeof c.requirement, "%s", requirement);
    snprintf(c.silence, sizeof c.silence, "%s", silence ? silence : "");
    for (; *packets && c.n_packets < CHECK_MAX_PACKETS; packets++)
        c.packets[c.n_packets++] = *packets;
    if (!outcome_add(stage->outcome, &c))
        leave_with(stage, VERDICT_ERROR,
                   say(stage, "the case checks %s, which is no requirement", requirement));
}

void check(struct stage *stage, const char *requirement, bool held, const unsigned *packets,
           const char *expected, const char *seen)
{
    add_check(stage, requirement, held ? CHECK_HELD : CHECK_BROKEN, packets, expected, seen, NULL);
}

void observe(struct stage *stage, const char *requirement, const unsigned *packets, const char *expected,
             const char *seen)
{
    add_check(stage, requirement, CHECK_OBSERVED, packets, expected, seen, NULL);
}

void not_judged(struct stage *stage, const char *requirement, const char *why)
{
    add_check(stage, requirement, CHECK_NOT_JUDGED, NO_PACKETS, "", why, NULL);
    if (!stage->outcome->reason[0])
        snprintf(stage->outcome->reason, sizeof stage->outcome->reason, "%s: %s", requirement, why);
}

/* --- leaving ------------------------------------------------------------------------------------- */

_Noreturn void leave_with(struct stage *stage, enum verdict verdict, const char *reason)
{
    struct outcome *out = stage->outcome;
    stage->pausing = false;
    if (verdict_worse(out->verdict, verdict) != out->verdict || !out->reason[0])
        snprintf(out->reason, sizeof out->reason, "%s", reason);
    out->verdict = verdict_worse(out->verdict, verdict);
    longjmp(stage->leave, 1);
}

_Noreturn void inconclusive(struct stage *stage, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    leave_with(stage, VERDICT_INCONCLUSIVE, text);
}

_Noreturn void unsupported(struct stage *stage, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    leave_with(stage, VERDICT_UNSUPPORTED, text);
}

/* --- silence ------------------------------------------------------------------------------------- */

/* Does this packet answer what was sent? A response with its ID that is no duplicate of something older;
 * where the request was a sync, one that carries another sync's nonce answers that other one. */
static bool answers(const struct wire_packet *p, const struct sync_request *sent)
{
    struct message_id_sync sync;
    if (!packet_is(p, true, true, EXCHANGE_INFORMATIONAL) || p->header.message_id != sent->message_id ||
        !p->opened)
        return false;
    if (sent->message_id == 0 && packet_sync(p, &sync))
        return memcmp(sync.nonce, sent->sync.nonce, sizeof sync.nonce) == 0 && !p->by_filter;
    return !p->copy_of && !p->by_filter;
}

static const struct wire_packet *answer_since(const struct stage *stage, size_t since,
                                              const struct sync_request *sent)
{
    const struct wire_packet *request = packet_numbered(stage, sent->packet);
    for (size_t i = since; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        /* The session may be another one by now. */
        bool there = request ? p->readable && ike_header_has_spis(&p->header, request->header.spi_i,
                                                                  request->header.spi_r)
                             : of_session(stage, p);
        if (there && answers(p, sent))
            return p;
    }
    return NULL;
}

/* Where in the record the packet with this number stands. */
static size_t index_of(const struct stage *stage, unsigned number)
{
    size_t i = stage->n_wire;
    while (i > 0 && stage->wire[i - 1]->number != number)
        i--;
    return i;
}

struct silence listen_for(struct stage *stage, const struct sync_request *sent)
{
    size_t since = index_of(stage, sent->packet);
    struct silence s = {.proof = "fenced"};
    /* A peer that works in threads may take up the fence first: what was sent would then be stale, or a copy,
     * and its silence would say nothing. */
    wait_out_grace(stage);
    s.fence = ask(stage);
    wait_out_grace(stage);
    if (!s.fence.answered) {
        s.proof = say(stage, "timed %lld ms", (long long)((stage->patience_us + grace_us(stage)) / 1000));
        stage->outcome->tags |= TAG(TIMED_SILENCE);
    }
    const struct wire_packet *answer = answer_since(stage, since, sent);
    s.silent = answer == NULL;
    s.answer_packet = answer ? answer->number : 0;
    return s;
}

void watch_silence(struct stage *stage, const char *requirement, const struct sync_request *sent)
{
    if (stage->n_silent == sizeof stage->silent_since / sizeof *stage->silent_since)
        return;
    if (!stage->silent)
        stage->silent =
            calloc(sizeof stage->silent_since / sizeof *stage->silent_since, sizeof *stage->silent);
    if (!stage->silent)
        leave_with(stage, VERDICT_ERROR, "out of memory");
    stage->silent[stage->n_silent] = *sent;
    stage->silent[stage->n_silent].datagram = (struct datagram){0};
    stage->silent_requirement[stage->n_silent] = requirement;
    stage->silent_since[stage->n_silent++] = stage->n_wire;
}

void check_silence(struct stage *stage, const char *requirement, const struct sync_request *sent,
                   const char *expected)
{
    struct silence s = listen_for(stage, sent);
    unsigned fence_packet = s.fence.answer_packet ? s.fence.answer_packet : s.fence.request_packet;
    const char *seen =
        !s.silent ? say(stage, "packet %u answers packet %u", s.answer_packet, sent->packet)
        : s.fence.answered
            ? say(stage, "no answer, and the request with ID %u right behind it was answered",
                  s.fence.message_id)
            : say(stage, "no answer, and none to the request with ID %u right behind it either",
                  s.fence.message_id);
    const unsigned *packets =
        s.silent ? PACKETS(sent->packet, fence_packet) : PACKETS(sent->packet, s.answer_packet);
    add_check(stage, requirement, s.silent && s.fence.answered ? CHECK_HELD : CHECK_BROKEN, packets, expected,
              seen, s.proof);
    if (s.silent)
        watch_silence(stage, requirement, sent);
}

/* --- late replies: called when the case has ended ------------------------------------------------ */

static void judge_late_reply(struct stage *stage, unsigned index)
{
    const struct sync_request *sent = &stage->silent[index];
    const struct wire_packet *late = answer_since(stage, stage->silent_since[index], sent);
    if (!late)
        return;
    stage->outcome->tags |= TAG(LATE_REPLY);
    add_check(stage, stage->silent_requirement[index], CHECK_BROKEN, PACKETS(sent->packet, late->number),
              "no answer until the end of the case",
              say(stage, "packet %u answers packet %u, late", late->number, sent->packet), NULL);
}

void judge_late_replies(struct stage *stage)
{
    for (unsigned i = 0; i < stage->n_silent; i++)
        judge_late_reply(stage, i);
}
