/* How Wireshark names the algorithms of IKE in its tables. */
#ifndef EVIDENCE_KEY_NAMES_H
#define EVIDENCE_KEY_NAMES_H

#include "crypto/algorithms.h"

/* NULL: it has none. */
const char *wireshark_encryption_name(const struct cipher_suite *suite);
const char *wireshark_integrity_name(uint16_t integ);

/* The other way; `suite` gets the algorithm and its key length. False: a name that the suite cannot compute.
 */
bool wireshark_encryption_parse(const char *name, struct cipher_suite *suite);
bool wireshark_integrity_parse(const char *name, struct cipher_suite *suite);

/* Is it a name that Wireshark knows, though the suite cannot compute what it stands for? */
bool wireshark_name_is_foreign(const char *name);

#endif
