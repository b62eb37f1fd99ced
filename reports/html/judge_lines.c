#include "reports/html/judge_lines.h"
#include "reports/html/judge_page.h"

#include <stdio.h>

/* --- the ladder ---------------------------------------------------------------------------------------- */

static json_t *new_line(const struct judge_sa *sa, const struct judge_step *s, const char *event,
                        const char *kind)
{
    return json_pack("{s:s, s:s?, s:I, s:i, s:b, s:s}", "event", event, "kind", kind, "at_us",
                     (json_int_t)(s->at_us - sa->first_us), "member", (int)(s->member ? s->member : 1),
                     "from_peer", s->from == PARTY_B, "direction",
                     s->from == PARTY_B ? "from-peer" : "to-peer");
}

/* The address of the other end of a step is not kept: the side is. */
static void put_ends(json_t *line, const struct judge_report *r, const struct judge_sa *sa,
                     const struct judge_step *s)
{
    char a[ENDPOINT_TEXT_MAX];
    const char *b = judge_party_name(r->result, PARTY_B);
    const struct endpoint *member =
        s->member && s->member <= sa->n_members ? &sa->members[s->member - 1] : &sa->ends[PARTY_A];
    endpoint_text(member, a);
    json_object_set_new(line, "from", json_string(s->from == PARTY_B ? b : a));
    json_object_set_new(line, "to", json_string(s->from == PARTY_B ? a : b));
}

/* The last frame of a finding is the one that broke the rule. */
static void put_broken(json_t *line, const struct judge_sa *sa, const struct judge_step *s)
{
    char text[120] = "";
    size_t n = 0;
    for (const struct judge_finding *f = sa->findings; f; f = f->next) {
        const struct judge_frame *last = f->n_frames ? &f->frames[f->n_frames - 1] : NULL;
        if (last && last->file == s->frame.file && last->number == s->frame.number && n < sizeof text)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "", f->requirement->id);
    }
    if (n > 0)
        json_object_set_new(line, "breaks", json_string(text));
}

static json_t *packet_line(const struct judge_report *r, const struct judge_sa *sa,
                           const struct judge_step *s)
{
    json_t *line = new_line(sa, s, "packet", NULL);
    json_object_set_new(line, "number", json_integer(s->frame.number));
    if (s->frame.file)
        json_object_set_new(line, "file", json_integer(s->frame.file));
    json_object_set_new(line, "message", json_string(s->message ? s->message : s->text));
    json_object_set_new(line, "by_filter", json_boolean(s->repeated));
    put_ends(line, r, sa, s);
    put_broken(line, sa, s);
    return line;
}

static json_t *counter_json(int64_t value)
{
    return value < 0 ? json_null() : json_integer(value);
}

static json_t *counters_line(const struct judge_sa *sa, const struct judge_step *s)
{
    json_t *line = new_line(sa, s, "note", "counters");
    json_object_set_new(line, "sends", counter_json(s->counters[PARTY_A].sends));
    json_object_set_new(line, "expects", counter_json(s->counters[PARTY_A].expects));
    json_object_set_new(line, "peer_sends", counter_json(s->counters[PARTY_B].sends));
    json_object_set_new(line, "peer_expects", counter_json(s->counters[PARTY_B].expects));
    return line;
}

/* A member of a cluster that moves is another one: it took over. */
static json_t *remark_line(const struct judge_report *r, const struct judge_sa *sa,
                           const struct judge_step *s, unsigned member_before)
{
    bool took_over = r->result->cluster_is_known && s->kind == STEP_MOVED && s->from == PARTY_A &&
                     s->member && member_before && s->member != member_before;
    json_t *line = new_line(sa, s, "note", took_over ? "failover" : "remark");
    char text[sizeof s->text + 32];
    snprintf(text, sizeof text, "%s (frame %u)", s->text, s->frame.number);
    json_object_set_new(line, "text", json_string(text));
    if (took_over)
        json_object_set_new(line, "failed", json_integer(member_before));
    return line;
}

bool judge_ladder_has_counters(const struct judge_sa *sa)
{
    return sa->opened[PARTY_A] + sa->opened[PARTY_B] > 0;
}

json_t *judge_lines(const struct judge_report *r, const struct judge_sa *sa)
{
    json_t *lines = json_array();
    unsigned member = 0;
    for (unsigned i = 0; lines && i < sa->n_steps; i++) {
        const struct judge_step *s = &sa->steps[i];
        bool remark = judge_step_is_remark(s->kind);
        json_array_append_new(lines, remark ? remark_line(r, sa, s, member) : packet_line(r, sa, s));
        if (!remark && judge_ladder_has_counters(sa))
            json_array_append_new(lines, counters_line(sa, s));
        if (s->from == PARTY_A && s->kind != STEP_ESP_JUMPED)
            member = s->member;
    }
    return lines;
}

/* --- the numbers of ESP -------------------------------------------------------------------------------- */

/* A sync tells of a failover; so does an address, of IKE or ESP. */
static void take_moment(struct judge_numbers *n, const struct judge_report *r, const struct judge_step *s)
{
    bool moves = s->kind == STEP_MOVED || s->kind == STEP_ESP_MOVED;
    if (n->n_moments == JUDGE_MAX_MOMENTS || !(moves || s->kind == STEP_SYNC_ANSWER) || s->repeated)
        return;
    if (n->n_moments > 0 && moves && s->at_us - n->moments[n->n_moments - 1].at_us < 1000)
        return; /* of several SAs of one member */
    char *text = n->texts[n->n_moments];
    const char *side = judge_party_name(r->result, s->kind == STEP_SYNC_ANSWER && s->from == PARTY_A ? PARTY_B
                                                   : s->kind == STEP_SYNC_ANSWER                     ? PARTY_A
                                                                                 : s->from);
    snprintf(text, sizeof n->texts[0], moves ? "%s moves" : "%s is in sync", side);
    n->moments[n->n_moments++] = (struct sequence_moment){.at_us = s->at_us, .text = text};
}

static bool take_points(struct sequence_list *list, const struct judge_esp *e)
{
    uint64_t before = 0;
    for (unsigned i = 0; i < e->n_points; i++) {
        const struct judge_point *p = &e->points[i];
        uint64_t passed = i > 0 && !p->marked && p->seq > before ? p->seq - before - 1 : 0;
        const struct sequence_point point = {.spi = e->spi,
                                             .from_peer = e->from == PARTY_B,
                                             .member = p->member,
                                             .number = p->seq,
                                             .packet = p->frame.number,
                                             .unlisted =
                                                 passed < UINT32_MAX ? (unsigned)passed : UINT32_MAX - 1,
                                             .at_us = p->at_us};
        if (!sequence_add(list, &point))
            return false;
        before = p->seq;
    }
    return true;
}

bool judge_numbers(const struct judge_report *r, const struct judge_sa *sa, struct judge_numbers *out)
{
    unsigned n = 0;
    *out = (struct judge_numbers){.origin_us = sa ? sa->first_us : 0};
    for (unsigned i = 0; sa && i < sa->n_steps; i++)
        take_moment(out, r, &sa->steps[i]);
    for (const struct judge_esp *e = r->result->esp; e; e = e->next) {
        if (e->sa != sa || e->n_points == 0 || n++ >= JUDGE_PAGE_ESP_SAS)
            continue;
        if (!sa && (out->origin_us == 0 || e->first_us < out->origin_us))
            out->origin_us = e->first_us;
        if (!take_points(&out->list, e)) {
            sequence_clear(&out->list);
            return false;
        }
    }
    return true;
}
