#include "suite/case.h"

/* The order of the catalogue: it is the order in which reports list them. */
#define CASES(X)                                                                                             \
    X(neg_support_is_announced)                                                                              \
    X(neg_combinations)                                                                                      \
    X(neg_sync_without_agreement)                                                                            \
    X(neg_unknown_status_is_ignored)                                                                         \
    X(neg_responder_announces)                                                                               \
    X(neg_agreement_after_rekey)                                                                             \
    X(neg_odd_announcements)                                                                                 \
    X(fmt_answer_has_its_form)                                                                               \
    X(fmt_cluster_request_has_its_form)                                                                      \
    X(fmt_nonce_is_echoed)                                                                                   \
    X(fmt_wrong_nonce_is_dropped)                                                                            \
    X(fmt_only_the_cluster_sends_deltas)                                                                     \
    X(fmt_extra_payload_is_no_sync)                                                                          \
    X(fmt_malformed_notify)                                                                                  \
    X(fmt_forged_sync)                                                                                       \
    X(fmt_almost_a_sync)                                                                                     \
    X(sync_m1_of_a_failover)                                                                                 \
    X(sync_m1_is_shared)                                                                                     \
    X(sync_stale_m1)                                                                                         \
    X(sync_equal_m1)                                                                                         \
    X(sync_m2)                                                                                               \
    X(sync_p2)                                                                                               \
    X(sync_counters_after)                                                                                   \
    X(sync_below_m2)                                                                                         \
    X(sync_own_outstanding)                                                                                  \
    X(sync_gaps)                                                                                             \
    X(sync_several)                                                                                          \
    X(sync_outstanding_goes_on)                                                                              \
    X(sync_change_by_peer)                                                                                   \
    X(sync_change_by_cluster)                                                                                \
    X(sync_identical_copy)                                                                                   \
    X(sync_with_extensions)                                                                                  \
    X(sync_m1_at_the_end)                                                                                    \
    X(sync_p1_at_the_end)                                                                                    \
    X(sync_before_auth)                                                                                      \
    X(sync_on_a_deleted_sa)                                                                                  \
    X(sync_invalid_message_id)                                                                               \
    X(ex_a1)                                                                                                 \
    X(ex_a2_as_printed)                                                                                      \
    X(ex_a2_higher_m1)                                                                                       \
    X(ex_a3)                                                                                                 \
    X(rpl_delta_moves_all)                                                                                   \
    X(rpl_delta_leaves_other)                                                                                \
    X(rpl_delta_of_wrong_width)                                                                              \
    X(rpl_delta_of_zero)                                                                                     \
    X(rpl_delta_that_would_wrap)                                                                             \
    X(rpl_delta_alone)                                                                                       \
    X(rpl_jumps_are_accepted)                                                                                \
    X(rpl_replays_are_dropped)                                                                               \
    X(rpl_esn_boundary)                                                                                      \
    X(rpl_late_packets)                                                                                      \
    X(rpl_peer_moves_on)                                                                                     \
    X(rpl_peer_rekeys)                                                                                       \
    X(rpl_peer_ivs)                                                                                          \
    X(par_accepted)                                                                                          \
    X(par_long_term)                                                                                         \
    X(par_one_flow)                                                                                          \
    X(par_one_change)                                                                                        \
    X(par_way_back)                                                                                          \
    X(par_members_spis)                                                                                      \
    X(clu_standby_goes_on)                                                                                   \
    X(clu_peer_member_goes_on)                                                                               \
    X(clu_counters_behind)                                                                                   \
    X(clu_child_sas_out_of_step)                                                                             \
    X(clu_peer_behind)                                                                                       \
    X(clu_outbound_counters)                                                                                 \
    X(clu_inbound_counters)                                                                                  \
    X(clu_several_active)                                                                                    \
    X(clu_shared_key)                                                                                        \
    X(clu_two_addresses)                                                                                     \
    X(clu_spis_of_members)                                                                                   \
    X(clu_new_address)                                                                                       \
    X(clu_new_address_in_step)                                                                               \
    X(clu_fallback)                                                                                          \
    X(clu_fallback_traffic)                                                                                  \
    X(clu_split_brain)                                                                                       \
    X(ctx_of_the_cluster)                                                                                    \
    X(ctx_of_the_peer)                                                                                       \
    X(alt_reset_message_id)                                                                                  \
    X(sec_replayed_request)                                                                                  \
    X(sec_replayed_response)                                                                                 \
    X(sec_flood)                                                                                             \
    X(sec_other_sa)                                                                                          \
    X(base_repeated_request)                                                                                 \
    X(base_unknown_critical)                                                                                 \
    X(base_unknown_payload)                                                                                  \
    X(base_window)                                                                                           \
    X(base_malformed_esp)                                                                                    \
    X(base_esp_modes)

#define DECLARE(name) extern const struct test_case case_##name;
#define LIST(name)    &case_##name,

CASES(DECLARE)

static const struct test_case *const cases[] = {CASES(LIST)};

const struct test_case *const *all_cases(size_t *count)
{
    *count = sizeof cases / sizeof *cases;
    return cases;
}
