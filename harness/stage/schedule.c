/* Schedules: short strings <-> rules. */
#include "stage/schedule.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/registry.h"

static const char *const action_names[] = {
    [GATE_DROP] = "drop", [GATE_HOLD] = "hold", [GATE_DUPLICATE] = "duplicate", [GATE_SWAP] = "swap"};
static const char *const direction_names[] = {[GATE_TO_PEER] = "to", [GATE_FROM_PEER] = "from"};

enum { N_ACTIONS = sizeof action_names / sizeof action_names[0], WORD_MAX = 32 };

const char *gate_action_name(enum gate_action action)
{
    return action_names[action];
}

/* --- reading ------------------------------------------------------------------------------------- */

struct cursor {
    const char *at;
    const char *word; /* where the last one began, for the error that names it */
};

/* Cuts the word up to any of `stops` off the text; false when it is longer than any word can be. */
static bool cut_word(struct cursor *c, const char *stops, char word[WORD_MAX], struct error *err)
{
    size_t len = strcspn(c->at, stops);
    c->word = c->at;
    if (len >= WORD_MAX)
        return fail(err, "\"%.*s...\" is too long for a word", WORD_MAX - 1, c->at);
    memcpy(word, c->at, len);
    word[len] = '\0';
    c->at += len;
    return true;
}

/* The next word, when `mark` stands before it; without the mark nothing is read and `word` is "". */
static bool cut_marked(struct cursor *c, char mark, const char *stops, char word[WORD_MAX], bool *there,
                       struct error *err)
{
    *there = *c->at == mark;
    word[0] = '\0';
    if (!*there)
        return true;
    c->at++;
    return cut_word(c, stops, word, err);
}

static bool parse_number(const char *word, uint64_t max, uint64_t *out)
{
    size_t len = strlen(word);
    if (len == 0 || len > 10 || strspn(word, "0123456789") != len)
        return false;
    *out = strtoull(word, NULL, 10);
    return *out <= max;
}

static bool parse_direction(const char *word, struct gate_match *m, struct error *err)
{
    for (int d = 0; d < GATE_DIRECTIONS; d++) {
        if (strcmp(word, direction_names[d]) == 0) {
            m->direction = (enum gate_direction)d;
            return true;
        }
    }
    return fail(err, "\"%s\" is no direction: write to, from or sync", word);
}

static bool parse_exchange(const char *word, struct gate_match *m, struct error *err)
{
    uint64_t number;
    if (strcmp(word, "any") == 0)
        return true;
    for (unsigned i = 1; i <= UINT8_MAX; i++) {
        const char *name = exchange_name(i);
        if (name && strcmp(word, name) == 0) {
            m->exchange = (uint8_t)i;
            return true;
        }
    }
    if (!parse_number(word, UINT8_MAX, &number) || number == 0)
        return fail(err, "\"%s\" is no exchange: write a name such as INFORMATIONAL, a number, or any", word);
    m->exchange = (uint8_t)number;
    return true;
}

static bool parse_kind(const char *word, struct gate_match *m, struct error *err)
{
    if (strcmp(word, "req") == 0)
        m->response = 0;
    else if (strcmp(word, "resp") == 0)
        m->response = 1;
    else if (strcmp(word, "any") != 0)
        return fail(err, "\"%s\" is no kind of message: write req, resp or any", word);
    return true;
}

static bool parse_message_id(const char *word, struct gate_match *m, struct error *err)
{
    uint64_t number;
    if (strcmp(word, "any") == 0)
        return true;
    if (!parse_number(word, UINT32_MAX, &number))
        return fail(err, "\"%s\" is no message ID: write 0 to 4294967295, or any", word);
    m->message_id = (int64_t)number;
    return true;
}

static bool parse_ordinal(const char *word, struct gate_match *m, struct error *err)
{
    uint64_t number;
    if (!parse_number(word, UINT32_MAX, &number) || number == 0)
        return fail(err, "\"%s\" is no ordinal: write 1 for the first match, 2 for the second", word);
    m->ordinal = (unsigned)number;
    return true;
}

static bool parse_action(const char *word, enum gate_action *out, struct error *err)
{
    for (int a = 0; a < N_ACTIONS; a++) {
        if (strcmp(word, action_names[a]) == 0) {
            *out = (enum gate_action)a;
            return true;
        }
    }
    return fail(err, "\"%s\" is no action: write drop, hold, duplicate or swap", word);
}

static bool parse_gate_rule(struct cursor *c, const char *direction, struct gate_rule *out, struct error *err)
{
    char word[WORD_MAX];
    bool there;
    struct gate_match *m = &out->match;
    *out = (struct gate_rule){.match = {.response = -1, .message_id = -1}};

    if (!parse_direction(direction, m, err))
        return false;
    if (!cut_marked(c, ':', ".#=,", word, &there, err) || (there && !parse_exchange(word, m, err)))
        return false;
    if (there) {
        if (!cut_marked(c, '.', ".#=,", word, &there, err) || (there && !parse_kind(word, m, err)))
            return false;
    }
    if (there) {
        if (!cut_marked(c, '.', "#=,", word, &there, err) || (there && !parse_message_id(word, m, err)))
            return false;
    }
    return cut_marked(c, '#', "=,", word, &there, err) && (!there || parse_ordinal(word, m, err));
}

/* "3": the third; "3-5": the third to the fifth; "3-": from the third on. */
static bool parse_range(char *word, struct channel_rule *r, struct error *err)
{
    char *dash = strchr(word, '-');
    uint64_t first, last = 0;
    if (dash)
        *dash = '\0';
    bool good = parse_number(word, UINT32_MAX, &first) && first > 0;
    if (good && dash && dash[1])
        good = parse_number(dash + 1, UINT32_MAX, &last) && last >= first;
    if (dash)
        *dash = '-';
    if (!good)
        return fail(err, "\"%s\" is no number of an update: write 3, 3-5, or 3- for all from the third on",
                    word);
    r->first = (unsigned)first;
    r->last = dash ? (unsigned)last : r->first;
    return true;
}

static bool parse_update_rule(struct cursor *c, struct channel_rule *out, struct error *err)
{
    char word[WORD_MAX];
    bool there;
    *out = (struct channel_rule){.first = 1};
    return cut_marked(c, '#', "=,", word, &there, err) && (!there || parse_range(word, out, err));
}

static bool parse_rule(struct cursor *c, struct schedule_rule *out, struct error *err)
{
    char word[WORD_MAX];
    bool there;
    *out = (struct schedule_rule){0};
    if (!cut_word(c, ":#=,", word, err))
        return false;
    out->of_updates = strcmp(word, "sync") == 0;
    if (out->of_updates ? !parse_update_rule(c, &out->update, err)
                        : !parse_gate_rule(c, word, &out->gate, err))
        return false;
    if (*c->at != '=') {
        c->word = c->at;
        return fail(err, "\"%s\": an action is missing: write %s", *c->at ? c->at : "the end",
                    out->of_updates ? "=lose, =delay:50ms or another" : "=drop, =hold, =duplicate or =swap");
    }
    if (!cut_marked(c, '=', ",", word, &there, err))
        return false;
    return out->of_updates ? channel_action_parse(word, &out->update, err)
                           : parse_action(word, &out->gate.action, err);
}

bool schedule_parse(const char *text, struct schedule_rule *out, size_t max, size_t *count, struct error *err)
{
    struct cursor c = {.at = text, .word = text};
    *count = 0;
    while (*c.at || c.at != text) {
        if (*count == max)
            return fail(err, "schedule \"%s\": more than %zu rules", text, max);
        if (!parse_rule(&c, &out[*count], err))
            return fail_within(err, "schedule \"%s\", rule %zu, at %zu", text, *count + 1,
                               (size_t)(c.word - text) + 1);
        ++*count;
        if (*c.at++ != ',')
            break;
    }
    return true;
}

bool gate_schedule_parse(const char *text, struct gate_rule *out, size_t max, size_t *count,
                         struct error *err)
{
    struct schedule_rule rules[SCHEDULE_MAX_RULES];
    *count = 0;
    if (!schedule_parse(text, rules, max < SCHEDULE_MAX_RULES ? max : SCHEDULE_MAX_RULES, count, err))
        return false;
    for (size_t i = 0; i < *count; i++) {
        if (rules[i].of_updates)
            return fail(err, "schedule \"%s\", rule %zu: \"sync\" is no direction of datagrams", text, i + 1);
        out[i] = rules[i].gate;
    }
    return true;
}

/* --- printing ------------------------------------------------------------------------------------ */

struct text {
    char *at;
    size_t size, len;
    bool full;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = t->full ? -1 : vsnprintf(t->at + t->len, t->size - t->len, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= t->size - t->len)
        t->full = true;
    else
        t->len += (size_t)n;
}

static void put_exchange(struct text *t, uint8_t exchange)
{
    const char *name = exchange_name(exchange);
    if (exchange == 0)
        put(t, ":any");
    else if (name)
        put(t, ":%s", name);
    else
        put(t, ":%u", (unsigned)exchange);
}

static void put_gate_rule(struct text *t, const struct gate_rule *r)
{
    const struct gate_match *m = &r->match;
    bool with_id = m->message_id >= 0, with_kind = with_id || m->response >= 0;
    put(t, "%s", direction_names[m->direction]);
    if (with_kind || m->exchange != 0)
        put_exchange(t, m->exchange);
    if (with_kind)
        put(t, ".%s", m->response < 0 ? "any" : m->response ? "resp" : "req");
    if (with_id)
        put(t, ".%lld", (long long)m->message_id);
    if (m->ordinal)
        put(t, "#%u", m->ordinal);
    put(t, "=%s", action_names[r->action]);
}

static void put_update_rule(struct text *t, const struct channel_rule *r)
{
    char action[WORD_MAX];
    channel_action_print(r, action, sizeof action);
    put(t, "sync");
    if (r->first > 1 || r->last)
        put(t, "#%u", r->first);
    if ((r->first > 1 || r->last) && r->last != r->first)
        put(t, "-");
    if (r->last && r->last != r->first)
        put(t, "%u", r->last);
    put(t, "=%s", action);
}

bool schedule_print(const struct schedule_rule *rules, size_t count, char *out, size_t size)
{
    struct text t = {.at = out, .size = size, .full = size == 0};
    if (size > 0)
        out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(&t, ",");
        if (rules[i].of_updates)
            put_update_rule(&t, &rules[i].update);
        else
            put_gate_rule(&t, &rules[i].gate);
    }
    return !t.full;
}

bool gate_schedule_print(const struct gate_rule *rules, size_t count, char *out, size_t size)
{
    size_t len = 0;
    bool whole = size > 0;
    if (size > 0)
        out[0] = '\0';
    for (size_t i = 0; i < count && whole; i++) {
        const struct schedule_rule one = {.gate = rules[i]};
        if (i > 0 && len + 1 < size)
            out[len++] = ',';
        whole = schedule_print(&one, 1, out + len, size - len);
        len += strlen(out + len);
    }
    return whole;
}
