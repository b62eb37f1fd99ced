#include "reports/sequence_lines.h"

#include <stdlib.h>
#include <string.h>

#include "suite/json_text.h"

static json_int_t integer_of(const json_t *line, const char *key)
{
    return json_integer_value(json_object_get(line, key));
}

static bool is_true(const json_t *line, const char *key)
{
    return json_is_true(json_object_get(line, key));
}

/* A packet that the case kept back was on the wire, and its receiver never got it. */
static bool take_packet(struct sequence_list *list, const json_t *line, const json_t *esp)
{
    char *end;
    const char *spi = json_text_of(esp, "spi", "");
    struct sequence_point p = {
        .spi = (uint32_t)strtoul(spi, &end, 16),
        .from_peer = strcmp(json_text_of(line, "direction", ""), "from-peer") == 0,
        .copy = integer_of(line, "copy_of") != 0 || is_true(line, "by_filter"),
        .member = (unsigned)integer_of(line, "member"),
        .number = (uint64_t)integer_of(esp, "sequence"),
        .packet = (unsigned)integer_of(line, "number"),
        .at_us = integer_of(line, "at_us"),
        .fate = is_true(line, "lost") || is_true(line, "kept_back") ? SEQUENCE_LOST : SEQUENCE_SENT,
    };
    return !*spi || *end || sequence_add(list, &p);
}

/* Of one that a member got twice, the first time counts. */
static void take_note(const struct sequence_list *list, const json_t *line)
{
    json_int_t packet = integer_of(line, "packet");
    for (size_t i = list->count; packet > 0 && i-- > 0;) {
        struct sequence_point *p = &list->points[i];
        if (p->packet != packet)
            continue;
        if (p->fate == SEQUENCE_SENT)
            p->fate = is_true(line, "accepted") ? SEQUENCE_ACCEPTED : SEQUENCE_DROPPED;
        return;
    }
}

bool sequence_take_line(struct sequence_list *list, const json_t *line)
{
    const char *event = json_text_of(line, "event", "");
    const json_t *esp = json_object_get(line, "esp");
    if (strcmp(event, "packet") == 0 && json_is_object(esp))
        return take_packet(list, line, esp);
    if (strcmp(event, "note") == 0 && strcmp(json_text_of(line, "kind", ""), "esp-received") == 0)
        take_note(list, line);
    return true;
}
