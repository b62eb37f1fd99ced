/* Faults of the peer as a cluster, and in the face of one that lost updates. */
#include "peers/reference/faults.h"

static void end_nothing(struct ike_config *ike)
{
    ike->initial_contact = false;
}

void ignore_initial_contact(struct reference_peer *peer)
{
    peer->reconfigure = end_nothing;
    peer->stays_with_old_session = true;
}

void deaf_to_rekeys_after_sync(struct reference_peer *peer)
{
    peer->deaf_after_sync = true;
}

void begin_nothing_after_sync(struct reference_peer *peer)
{
    peer->begins_nothing_after_sync = true;
}

void new_member_is_deaf_to_rekeys(struct reference_peer *peer)
{
    peer->new_member_is_deaf = true;
}

void loaded_member_is_deaf_to_rekeys(struct reference_peer *peer)
{
    peer->loaded_member_is_deaf = true;
}

void deaf_after_a_stale_sync(struct reference_peer *peer)
{
    peer->deaf_after_stale_sync = true;
}

void trust_lost_updates(struct reference_peer *peer)
{
    peer->trusts_lost_updates = true;
}

static bool ends_of_invalid_spi(uint16_t notify_type)
{
    return notify_type == NOTIFY_INVALID_SPI || ike_rules_standard()->ends_sa(notify_type);
}

void end_of_invalid_spi(struct reference_peer *peer)
{
    peer->rules.ends_sa = ends_of_invalid_spi;
}

void hide_a_context_field(struct reference_peer *peer)
{
    peer->hides_a_field = true;
}

void complete_contexts(struct reference_peer *peer)
{
    peer->completes_contexts = true;
}

void open_context_files(struct reference_peer *peer)
{
    peer->opens_context_files = true;
}
