#include "suite/requirement.h"

#include <string.h>

#define PEER    SUBJECT_PEER
#define CLUSTER SUBJECT_CLUSTER
#define BOTH    (SUBJECT_PEER | SUBJECT_CLUSTER)

/* One row of the catalogue: group, number, level, who, source, text. */
#define R(group_, number_, level_, who_, source_, text_)                                                     \
    {.id = #group_ "-" #number_,                                                                             \
     .group = #group_,                                                                                       \
     .level = LEVEL_##level_,                                                                                \
     .who = (who_),                                                                                          \
     .source = (source_),                                                                                    \
     .text = (text_)},

static const struct requirement catalogue[] = {
#include "suite/requirements_exchange.inc"

#include "suite/requirements_message_ids.inc"

#include "suite/requirements_child_sas.inc"

#include "suite/requirements_cluster.inc"

#include "suite/requirements_base.inc"
};

static const struct requirement_group groups[] = {
    {"NEG", "Negotiation"},
    {"FMT", "The exchange and its notifications"},
    {"SYNC", "Message ID rules"},
    {"EX", "The worked examples"},
    {"RPL", "Replay counters"},
    {"PAR", "Parallel SAs and load sharing"},
    {"CLU", "Situations of a cluster"},
    {"CTX", "What members pass to each other"},
    {"ALT", "The alternative that was not taken"},
    {"SEC", "Attacks"},
    {"IKE", "Base rules watched all the time"},
};

const struct requirement *requirements(size_t *count)
{
    *count = sizeof catalogue / sizeof catalogue[0];
    return catalogue;
}

const struct requirement_group *requirement_groups(size_t *count)
{
    *count = sizeof groups / sizeof groups[0];
    return groups;
}

const struct requirement *requirement_find(const char *id)
{
    for (size_t i = 0; id && i < sizeof catalogue / sizeof catalogue[0]; i++)
        if (strcmp(catalogue[i].id, id) == 0)
            return &catalogue[i];
    return NULL;
}

const char *requirement_level_name(enum requirement_level level)
{
    switch (level) {
    case LEVEL_MUST:
        return "MUST";
    case LEVEL_SHOULD:
        return "SHOULD";
    case LEVEL_MAY:
        return "MAY";
    case LEVEL_BASE:
        return "base";
    case LEVEL_OBSERVE:
        return "observe";
    }
    return "?";
}

static bool is_among(const struct requirement *r, const char *const list[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], r->id) == 0)
            return true;
    return false;
}

bool requirement_is_watched(const struct requirement *r)
{
    /* Met only where somebody sends such a payload, or ESP. */
    static const char *const met_in_cases[] = {"IKE-12", "IKE-13", "IKE-16", "IKE-17",
                                               "IKE-18", "IKE-19", "IKE-20", "IKE-21"};
    return strcmp(r->group, "IKE") == 0 &&
           !is_among(r, met_in_cases, sizeof met_in_cases / sizeof *met_in_cases);
}

bool requirement_outlives_a_close(const struct requirement *r, bool of_ike)
{
    static const char *const of_any[] = {"NEG-4",   "NEG-5",   "NEG-8",  "FMT-8",  "FMT-9", "FMT-11",
                                         "SYNC-17", "SYNC-19", "RPL-8",  "CLU-11", "SEC-1", "SEC-3",
                                         "SEC-4",   "IKE-12",  "IKE-13", "IKE-20"};
    static const char *const of_child[] = {"PAR-2", "PAR-4"};
    return is_among(r, of_any, sizeof of_any / sizeof *of_any) ||
           (!of_ike && is_among(r, of_child, sizeof of_child / sizeof *of_child));
}
