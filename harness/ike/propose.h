/* Choosing from an offered SA payload (RFC 7296 2.7, 3.3.6). */
#ifndef IKE_PROPOSE_H
#define IKE_PROPOSE_H

#include "crypto/algorithms.h"
#include "net/datagram.h"
#include "wire/ike.h"

/* The first of `ours` (in our order) that a proposal of the offer satisfies: one transform of each type that
 * is needed, and none of a type that we did not name. INTEG NONE and KE NONE count as no transform. Key
 * lengths must be equal. The result carries the offer's number and SPI. `with_ke` false: KE transforms are
 * not looked at (Child SA of IKE_AUTH). */
bool propose_choose(const struct wire_proposal *offered, size_t n_offered, const struct wire_proposal *ours,
                    size_t n_ours, bool with_ke, struct wire_proposal *chosen);

/* What an initiator must check of an answer: one proposal, of those offered, one transform of each type. Its
 * number is the place in `offered`, from 1. `with_ke` false: KE transforms were not sent and must not come.
 */
bool propose_check_answer(const struct wire_proposal *answer, size_t n_answer,
                          const struct wire_proposal *offered, size_t n_offered, bool with_ke,
                          struct error *err);

/* The transform of that type; NULL: none. */
const struct wire_transform *proposal_transform(const struct wire_proposal *p, uint8_t type);

/* Cipher suite, PRF, key exchange method and ESN of a chosen proposal. */
bool proposal_suite(const struct wire_proposal *chosen, struct cipher_suite *out);
uint16_t proposal_prf(const struct wire_proposal *chosen);
uint16_t proposal_ke(const struct wire_proposal *chosen);
bool proposal_esn(const struct wire_proposal *chosen);

/* Reads "aes256gcm16-prfsha256-x25519", "aes256-sha256-modp2048", "chacha20poly1305-x25519", ... (the
 * notation of strongSwan's configuration: encryption, integrity for non-AEAD, PRF optional when integrity
 * names one, key exchange, "esn"/"noesn" for ESP, neither: no ESN). Several of a kind may be named, in order
 * of preference; an AEAD and other encryption may not stand together. The result has number 0 and no SPI, its
 * transforms are in the order of their types. The error names the word that is not known. */
bool proposal_parse(uint8_t protocol, const char *text, struct wire_proposal *out, struct error *err);

/* Narrows the offer to what is configured: the common part of each pair, in the order of the offer, without
 * repeats, the first IKE_MAX_SELECTORS. False: nothing is left. */
bool selectors_narrow(const struct wire_selectors *offered, const struct wire_selectors *ours,
                      struct wire_selectors *out);

/* "10.0.0.0/24", "10.0.0.1", "2001:db8::/64", "10.0.0.1-10.0.0.9", optionally "[udp/53]" behind it (a
 * protocol by name or number, a port or a range of ports); several with commas. The text comes out in the
 * same notation and is always terminated. */
bool selectors_parse(const char *text, struct wire_selectors *out, struct error *err);
void selectors_text(const struct wire_selectors *s, char *out, size_t size);

/* This address alone, with all protocols and ports; of one without a family, all addresses of both families.
 */
struct wire_selectors selectors_of_host(const struct endpoint *host);

/* Leaves those of this family, 4 or 6; returns how many there are. */
unsigned selectors_keep_family(struct wire_selectors *s, uint8_t family);

/* Is this address within one of them, whatever its protocol and port? `family` is 4 or 6. */
bool selectors_contain(const struct wire_selectors *s, uint8_t family, const uint8_t *address);

#endif
