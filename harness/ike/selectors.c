#include "ike/propose.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

static size_t address_len(uint8_t family)
{
    return family == 4 ? 4 : 16;
}

/* --- narrowing (RFC 7296 2.9) -------------------------------------------------------------------- */

static bool any_port(const struct wire_selector *s)
{
    return s->port_first == 0 && s->port_last == UINT16_MAX;
}

/* OPAQUE, which runs from 65535 to 0 (RFC 7296 3.13.1), meets only itself and "any". */
static bool meet_ports(const struct wire_selector *a, const struct wire_selector *b,
                       struct wire_selector *out)
{
    const struct wire_selector *narrow = any_port(a) ? b : a;
    const struct wire_selector *other = any_port(a) ? a : b;
    bool same = a->port_first == b->port_first && a->port_last == b->port_last;
    out->port_first = narrow->port_first;
    out->port_last = narrow->port_last;
    if (same || any_port(other))
        return true;
    if (other->port_first > out->port_first)
        out->port_first = other->port_first;
    if (other->port_last < out->port_last)
        out->port_last = other->port_last;
    return out->port_first <= out->port_last;
}

static bool meet(const struct wire_selector *a, const struct wire_selector *b, struct wire_selector *out)
{
    if (a->family != b->family)
        return false;
    if (a->ip_protocol != 0 && b->ip_protocol != 0 && a->ip_protocol != b->ip_protocol)
        return false;
    *out = (struct wire_selector){
        .family = a->family,
        .ip_protocol = a->ip_protocol != 0 ? a->ip_protocol : b->ip_protocol,
    };
    size_t len = address_len(a->family);
    memcpy(out->first, memcmp(a->first, b->first, len) > 0 ? a->first : b->first, len);
    memcpy(out->last, memcmp(a->last, b->last, len) < 0 ? a->last : b->last, len);
    return memcmp(out->first, out->last, len) <= 0 && meet_ports(a, b, out);
}

static bool same_selector(const struct wire_selector *a, const struct wire_selector *b)
{
    size_t len = address_len(a->family);
    return a->family == b->family && a->ip_protocol == b->ip_protocol && a->port_first == b->port_first &&
           a->port_last == b->port_last && memcmp(a->first, b->first, len) == 0 &&
           memcmp(a->last, b->last, len) == 0;
}

static void add_selector(struct wire_selectors *to, const struct wire_selector *s)
{
    for (unsigned i = 0; i < to->count; i++)
        if (same_selector(&to->list[i], s))
            return;
    if (to->count < IKE_MAX_SELECTORS)
        to->list[to->count++] = *s;
}

bool selectors_narrow(const struct wire_selectors *offered, const struct wire_selectors *ours,
                      struct wire_selectors *out)
{
    struct wire_selectors narrowed = {0};
    struct wire_selector both;
    for (unsigned i = 0; i < offered->count; i++)
        for (unsigned j = 0; j < ours->count; j++)
            if (meet(&offered->list[i], &ours->list[j], &both))
                add_selector(&narrowed, &both);
    *out = narrowed;
    return narrowed.count > 0;
}

bool selectors_contain(const struct wire_selectors *s, uint8_t family, const uint8_t *address)
{
    size_t len = address_len(family);
    for (uint8_t i = 0; i < s->count; i++)
        if (s->list[i].family == family && memcmp(address, s->list[i].first, len) >= 0 &&
            memcmp(address, s->list[i].last, len) <= 0)
            return true;
    return false;
}

static struct wire_selector all_of(uint8_t family)
{
    struct wire_selector s = {.family = family, .port_last = UINT16_MAX};
    memset(s.last, 0xff, address_len(family));
    return s;
}

struct wire_selectors selectors_of_host(const struct endpoint *host)
{
    if (host->family == 0)
        return (struct wire_selectors){.count = 2, .list = {all_of(4), all_of(6)}};
    struct wire_selectors s = {.count = 1, .list = {all_of(host->family)}};
    memcpy(s.list[0].first, host->address, address_len(host->family));
    memcpy(s.list[0].last, host->address, address_len(host->family));
    return s;
}

unsigned selectors_keep_family(struct wire_selectors *s, uint8_t family)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < s->count; i++)
        if (s->list[i].family == family)
            s->list[kept++] = s->list[i];
    s->count = kept;
    return kept;
}

/* --- text ---------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint8_t number;
} protocols[] = {
    {"icmp", IPPROTO_ICMP}, {"tcp", IPPROTO_TCP},       {"udp", IPPROTO_UDP},
    {"gre", IPPROTO_GRE},   {"icmpv6", IPPROTO_ICMPV6}, {"sctp", IPPROTO_SCTP},
};

enum { MAX_SELECTOR_TEXT = 2 * INET6_ADDRSTRLEN + 32 };

static bool read_number(const char *text, unsigned max, unsigned *out)
{
    if (text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    *out = (unsigned)value;
    return *end == '\0' && value <= max;
}

/* Takes "a-b" or "a" apart in place; `*second` is NULL without a second part. */
static void split(char *text, char at, char **second)
{
    *second = strchr(text, at);
    if (*second != NULL)
        *(*second)++ = '\0';
}

static bool parse_address(const char *text, uint8_t *family, uint8_t out[16])
{
    *family = strchr(text, ':') != NULL ? 6 : 4;
    return inet_pton(*family == 4 ? AF_INET : AF_INET6, text, out) == 1;
}

/* Clears in `first` and sets in `last` what the prefix leaves open. */
static void apply_prefix(struct wire_selector *s, unsigned prefix)
{
    for (unsigned bit = prefix; bit < 8 * address_len(s->family); bit++) {
        uint8_t mask = (uint8_t)(0x80 >> bit % 8);
        s->first[bit / 8] &= (uint8_t)~mask;
        s->last[bit / 8] |= mask;
    }
}

static bool parse_addresses(char *text, struct wire_selector *s, struct error *err)
{
    char *prefix, *last;
    split(text, '/', &prefix);
    split(text, '-', &last);
    if (!parse_address(text, &s->family, s->first))
        return fail(err, "\"%s\" is not an address", text);
    memcpy(s->last, s->first, sizeof s->last);

    uint8_t family = s->family;
    unsigned max_prefix = 8 * (unsigned)address_len(family), prefix_len = max_prefix;
    if (prefix != NULL && (last != NULL || !read_number(prefix, max_prefix, &prefix_len)))
        return fail(err, "\"/%s\" is not a prefix of at most %u bits", prefix, max_prefix);
    apply_prefix(s, prefix_len);

    if (last != NULL && (!parse_address(last, &family, s->last) || family != s->family))
        return fail(err, "\"%s\" is not an address of the same family", last);
    if (memcmp(s->first, s->last, address_len(s->family)) > 0)
        return fail(err, "the range ends before it begins");
    return true;
}

static bool parse_protocol(const char *text, uint8_t *out)
{
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
        if (strcmp(text, protocols[i].name) == 0) {
            *out = protocols[i].number;
            return true;
        }
    }
    unsigned number;
    if (!read_number(text, UINT8_MAX, &number))
        return false;
    *out = (uint8_t)number;
    return true;
}

/* "udp", "udp/53", "udp/1000-2000" */
static bool parse_upper(char *text, struct wire_selector *s, struct error *err)
{
    char *ports, *last;
    split(text, '/', &ports);
    if (!parse_protocol(text, &s->ip_protocol))
        return fail(err, "\"%s\" is not a protocol (tcp, udp, icmp, ..., or a number)", text);
    if (ports == NULL)
        return true;

    split(ports, '-', &last);
    unsigned first_port, last_port;
    if (!read_number(ports, UINT16_MAX, &first_port) ||
        !read_number(last != NULL ? last : ports, UINT16_MAX, &last_port) || first_port > last_port)
        return fail(err, "\"%s%s%s\" is not a port or a range of ports", ports, last != NULL ? "-" : "",
                    last != NULL ? last : "");
    s->port_first = (uint16_t)first_port;
    s->port_last = (uint16_t)last_port;
    return true;
}

static bool parse_selector(const char *from, size_t len, struct wire_selector *s, struct error *err)
{
    char text[MAX_SELECTOR_TEXT];
    if (len >= sizeof text)
        return fail(err, "longer than %d characters", MAX_SELECTOR_TEXT);
    memcpy(text, from, len);
    text[len] = '\0';

    *s = (struct wire_selector){.port_last = UINT16_MAX};
    char *upper;
    split(text, '[', &upper);
    if (upper != NULL) {
        size_t upper_len = strlen(upper);
        if (upper_len == 0 || upper[upper_len - 1] != ']')
            return fail(err, "\"[\" without \"]\" at the end");
        upper[upper_len - 1] = '\0';
        if (!parse_upper(upper, s, err))
            return false;
    }
    return parse_addresses(text, s, err);
}

bool selectors_parse(const char *text, struct wire_selectors *out, struct error *err)
{
    struct wire_selectors parsed = {0};
    for (const char *at = text;; at++) {
        at += strspn(at, " ");
        size_t len = strcspn(at, ", ");
        if (parsed.count == IKE_MAX_SELECTORS)
            return fail(err, "selectors \"%s\": more than %d", text, IKE_MAX_SELECTORS);
        if (!parse_selector(at, len, &parsed.list[parsed.count++], err))
            return fail_within(err, "selector \"%.*s\"", (int)len, at);
        at += len;
        at += strspn(at, " ");
        if (*at == '\0')
            break;
        if (*at != ',')
            return fail(err, "selectors \"%s\": a comma is missing before \"%s\"", text, at);
    }
    *out = parsed;
    return true;
}

/* The prefix length when the range is one, else -1. */
static int prefix_of(const struct wire_selector *s)
{
    int bits = 8 * (int)address_len(s->family), prefix = 0;
    while (prefix < bits && ((s->first[prefix / 8] ^ s->last[prefix / 8]) & 0x80 >> prefix % 8) == 0)
        prefix++;
    struct wire_selector whole = *s;
    memcpy(whole.last, whole.first, sizeof whole.last);
    apply_prefix(&whole, (unsigned)prefix);
    return same_selector(&whole, s) ? prefix : -1;
}

static void upper_text(const struct wire_selector *s, char out[static 32])
{
    out[0] = '\0';
    if (s->ip_protocol == 0 && any_port(s))
        return;
    char protocol[8];
    snprintf(protocol, sizeof protocol, "%u", s->ip_protocol);
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
        if (protocols[i].number == s->ip_protocol)
            snprintf(protocol, sizeof protocol, "%s", protocols[i].name);
    if (any_port(s))
        snprintf(out, 32, "[%s]", protocol);
    else if (s->port_first == s->port_last)
        snprintf(out, 32, "[%s/%u]", protocol, s->port_first);
    else
        snprintf(out, 32, "[%s/%u-%u]", protocol, s->port_first, s->port_last);
}

static void selector_text(const struct wire_selector *s, char out[static MAX_SELECTOR_TEXT])
{
    char first[INET6_ADDRSTRLEN], last[INET6_ADDRSTRLEN], upper[32];
    int family = s->family == 4 ? AF_INET : AF_INET6;
    inet_ntop(family, s->first, first, sizeof first);
    inet_ntop(family, s->last, last, sizeof last);
    upper_text(s, upper);
    int prefix = prefix_of(s);
    if (prefix < 0)
        snprintf(out, MAX_SELECTOR_TEXT, "%s-%s%s", first, last, upper);
    else if (prefix == 8 * (int)address_len(s->family))
        snprintf(out, MAX_SELECTOR_TEXT, "%s%s", first, upper);
    else
        snprintf(out, MAX_SELECTOR_TEXT, "%s/%d%s", first, prefix, upper);
}

void selectors_text(const struct wire_selectors *s, char *out, size_t size)
{
    size_t used = 0;
    if (size > 0)
        out[0] = '\0';
    for (unsigned i = 0; i < s->count && used < size; i++) {
        char text[MAX_SELECTOR_TEXT];
        selector_text(&s->list[i], text);
        int n = snprintf(out + used, size - used, "%s%s", i > 0 ? "," : "", text);
        used += n > 0 ? (size_t)n : 0;
    }
}
