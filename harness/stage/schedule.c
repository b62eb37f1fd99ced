/* Schedules of the message gate: short strings <-> rules. */
#include "stage/gate.h"

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

/* Cuts the word up to any of `stops` off the text; false when it is longer than any word can be. */
static bool cut_word(const char **at, const char *stops, char word[WORD_MAX], struct error *err)
{
    size_t len = strcspn(*at, stops);
    if (len >= WORD_MAX)
        return fail(err, "\"%.*s...\" is too long for a word", WORD_MAX - 1, *at);
    memcpy(word, *at, len);
    word[len] = '\0';
    *at += len;
    return true;
}

/* The next word, when `mark` stands before it; without the mark nothing is read and `word` is "". */
static bool cut_marked(const char **at, char mark, const char *stops, char word[WORD_MAX], bool *there,
                       struct error *err)
{
    *there = **at == mark;
    word[0] = '\0';
    if (!*there)
        return true;
    ++*at;
    return cut_word(at, stops, word, err);
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
    return fail(err, "\"%s\" is no direction: write to or from", word);
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

static bool parse_rule(const char **at, struct gate_rule *out, struct error *err)
{
    char word[WORD_MAX];
    bool there;
    struct gate_match *m = &out->match;
    *out = (struct gate_rule){.match = {.response = -1, .message_id = -1}};

    if (!cut_word(at, ":#=,", word, err) || !parse_direction(word, m, err))
        return false;
    if (!cut_marked(at, ':', ".#=,", word, &there, err) || (there && !parse_exchange(word, m, err)))
        return false;
    if (there) {
        if (!cut_marked(at, '.', ".#=,", word, &there, err) || (there && !parse_kind(word, m, err)))
            return false;
    }
    if (there) {
        if (!cut_marked(at, '.', "#=,", word, &there, err) || (there && !parse_message_id(word, m, err)))
            return false;
    }
    if (!cut_marked(at, '#', "=,", word, &there, err) || (there && !parse_ordinal(word, m, err)))
        return false;
    if (**at != '=')
        return fail(err, "\"%s\": an action is missing: write =drop, =hold, =duplicate or =swap",
                    **at ? *at : "the end");
    return cut_marked(at, '=', ",", word, &there, err) && parse_action(word, &out->action, err);
}

bool gate_schedule_parse(const char *text, struct gate_rule *out, size_t max, size_t *count,
                         struct error *err)
{
    const char *at = text;
    *count = 0;
    while (*at || at != text) {
        if (*count == max)
            return fail(err, "schedule \"%s\": more than %zu rules", text, max);
        if (!parse_rule(&at, &out[*count], err))
            return fail_within(err, "schedule \"%s\", rule %zu", text, *count + 1);
        ++*count;
        if (*at++ != ',')
            break;
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

static void put_rule(struct text *t, const struct gate_rule *r)
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

bool gate_schedule_print(const struct gate_rule *rules, size_t count, char *out, size_t size)
{
    struct text t = {.at = out, .size = size, .full = size == 0};
    if (size > 0)
        out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(&t, ",");
        put_rule(&t, &rules[i]);
    }
    return !t.full;
}
