/* A load-sharing cluster (RFC 6027 3.7): several members are active at once. Each has an outbound Child SA of
 * its own, all with the same selectors under one IKE SA. One member, the active one of the other headers,
 * owns the IKE SA and speaks IKE for all; what comes in is given to it.
 *
 *     cluster_has_members(stage, 16);
 *     establish(stage);
 *     struct sharing s = share_load(stage, 16);
 *     struct probed p = try_probe_of(stage, &s, 7);          // member 7, over its own Child SA
 *     rekey_child_sa(stage, s.spi[3], NULL, NULL);
 *     unsigned lost = follow_child_sas(stage, &s);           // s.spi[3] is the successor now
 */
#ifndef STAGE_SHARING_H
#define STAGE_SHARING_H

#include "stage/traffic.h"

enum { SHARING_MAX_MEMBERS = 16 };

/* How many members the axis "members" stands for: 2, 4 or 16. */
unsigned axis_members(const struct stage *stage);

/* Before there is a session: the cluster has so many members. */
void cluster_has_members(struct stage *stage, unsigned n);

/* Member i, from 1, seals on spi[i - 1]; 0: it has no Child SA any more. */
struct sharing {
    unsigned n;
    uint32_t spi[SHARING_MAX_MEMBERS];
};

/* Child SAs until there are `n`, as make_child_sas does it, one for each member, the oldest for the first. */
struct sharing share_load(struct stage *stage, unsigned n);

/* What became of them: rekeyed ones are followed, whoever asked for it, and the members are told. Returns how
 * many have none any more. */
unsigned follow_child_sas(struct stage *stage, struct sharing *s);

/* Under which SPI this Child SA lives on, after any number of rekeys; 0: it is gone. */
uint32_t child_sa_now(struct stage *stage, uint32_t spi);

/* The packet with which it went, or with which its last successor did; 0: it is there, or unknown. */
unsigned child_sa_went_with(struct stage *stage, uint32_t spi);

/* A probe of this member, over the Child SA that is its own. */
struct probed try_probe_of(struct stage *stage, const struct sharing *s, unsigned member);
struct probed send_probe_of(struct stage *stage, const struct sharing *s, unsigned member);

/* The highest number that any member used on this Child SA; 0: none did. */
uint64_t highest_of_members(struct stage *stage, uint32_t spi);

/* The next number of this member on its Child SA; false: it was used already, and nothing is changed. */
bool member_goes_on_with(struct stage *stage, const struct sharing *s, unsigned member, uint64_t number);

/* From now on ESP of the active member comes from the cluster's other address, where it has one, while IKE
 * stays where it is; false ends that. UNSUPPORTED without another address, or where ESP has no ports. */
void esp_from_other_address(struct stage *stage, bool other);

#endif
