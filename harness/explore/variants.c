/* Other protocols than RFC 6311, spoken by both sides (peers/reference/variants.h). Each breaks many rules of
 * RFC 6311 on purpose; the one that is looked for is what its own promise comes to nothing by: a Message ID
 * that is used once under one key, an IKE SA that lives through a failover. */
#include "peers/reference/variants.h"

#include <string.h>

#include "explore/world.h"

static const struct variant variants[] = {
    {{"reset-message-id", "the member that takes over has both sides begin again at Message ID 0 (2009)"},
     "IKE-2",
     speak_reset},
    {{"reset-message-id-random", "the same, from a start that is drawn for each reset"},
     "IKE-2",
     speak_reset_random},
    {{"a2-literal", "a sync whose M1 was seen is answered with the larger values (RFC 6311 A.2 as printed)"},
     "SYNC-11",
     speak_a2_literal},
};

const struct variant *variant_find(const char *name)
{
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        if (strcmp(variants[i].named.name, name) == 0)
            return &variants[i];
    return NULL;
}

const struct explore_variant *explore_variant(size_t index)
{
    return index < sizeof variants / sizeof *variants ? &variants[index].named : NULL;
}

bool variant_notify(const struct wire_packet *p, struct message_id_sync *out)
{
    const struct wire_notify *n = packet_notify(p, NOTIFY_RESET_MESSAGE_ID);
    return n && read_message_ids(n, NOTIFY_RESET_MESSAGE_ID, out, NULL);
}
