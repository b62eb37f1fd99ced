#include "reports/look.h"

#include <stdio.h>
#include <string.h>

#include "base/shell.h"

struct packet_set {
    unsigned numbers[64];
    size_t count;
};

static void add_packets(struct packet_set *set, const struct check_record *check)
{
    for (unsigned i = 0; i < check->n_packets; i++) {
        size_t at = 0;
        while (at < set->count && set->numbers[at] != check->packets[i])
            at++;
        if (at == set->count && at < sizeof set->numbers / sizeof *set->numbers)
            set->numbers[set->count++] = check->packets[i];
    }
}

static struct packet_set packets_of(const struct look_at *at)
{
    struct packet_set set = {0};
    for (unsigned i = 0; i < at->outcome->n_checks; i++) {
        const struct check_record *c = &at->outcome->checks[i];
        if (c->result == CHECK_BROKEN && (!at->requirement || strcmp(c->requirement, at->requirement) == 0))
            add_packets(&set, c);
    }
    return set;
}

static void filter_of(const struct packet_set *set, const struct outcome *outcome, char *out, size_t size)
{
    if (set->count == 0) {
        snprintf(out, size, "frame.number >= %u && frame.number <= %u", outcome->first_packet,
                 outcome->last_packet);
        return;
    }
    size_t len = (size_t)snprintf(out, size, "frame.number in {");
    for (size_t i = 0; i < set->count && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%u", i ? ", " : "", set->numbers[i]);
    if (len < size)
        snprintf(out + len, size - len, "}");
}

bool look_command(const struct look_at *at, enum look_with with, char out[LOOK_TEXT])
{
    char folder[4200], wire[4300], folder_word[4400], wire_word[4500], filter[1000];
    const struct packet_set set = packets_of(at), none = {0};
    out[0] = '\0';
    if (at->outcome->first_packet == 0)
        return false;
    snprintf(folder, sizeof folder, "%s%scases/%s", at->folder ? at->folder : "", at->folder ? "/" : "",
             at->case_id);
    snprintf(wire, sizeof wire, "%.4200s/wire.pcap", folder);
    shell_word(folder, folder_word, sizeof folder_word);
    shell_word(wire, wire_word, sizeof wire_word);
    filter_of(with == LOOK_TSHARK ? &set : &none, at->outcome, filter, sizeof filter);
    int len = snprintf(out, LOOK_TEXT, "WIRESHARK_CONFIG_DIR=%s %s -r %s -Y '%s'", folder_word,
                       with == LOOK_TSHARK ? "tshark" : "wireshark", wire_word, filter);
    if (with == LOOK_TSHARK)
        snprintf(out + len, LOOK_TEXT - (size_t)len, " -O isakmp,esp");
    else
        snprintf(out + len, LOOK_TEXT - (size_t)len, " -g %u",
                 set.count ? set.numbers[0] : at->outcome->first_packet);
    return true;
}
