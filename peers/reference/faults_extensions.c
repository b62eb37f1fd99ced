/* Faults of sync beside other extensions (SYNC-18). */
#include "peers/reference/faults.h"

static enum sync_verdict judge_whole_only(const struct sync_view *view, const struct message_id_sync *request)
{
    return view->in_fragments ? SYNC_DROP : ike_rules_standard()->judge_sync(view, request);
}

void ignore_sync_in_fragments(struct reference_peer *peer)
{
    peer->rules.judge_sync = judge_whole_only;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): as in struct ike_rules */
static void shrink_window(uint32_t *send, uint32_t *recv)
{
    (void)send;
    *recv = 1;
}

void shrink_window_with_sync(struct reference_peer *peer)
{
    peer->rules.keep_windows = shrink_window;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): as in struct ike_rules */
static void forget_window(uint32_t *send, uint32_t *recv)
{
    (void)recv;
    *send = 8;
}

void forget_window_with_sync(struct reference_peer *peer)
{
    peer->rules.keep_windows = forget_window;
}
