/* What a checkup found, in plain words, and what to do about it. */
#ifndef CLI_CHECK_WORDS_H
#define CLI_CHECK_WORDS_H

#include "stage/checkup.h"

enum { CHECK_WORDS = 1200 };

/* Why no IKE SA came up, and what to fix. `proposal` is the IKE proposal that was offered. */
void check_words_failed(const struct peer_config *config, unsigned slot,
                        const struct combination *combination, const struct checkup_session *session,
                        char *out, size_t size);

/* Why the IKE SA has no Child SA. */
void check_words_no_child(const struct peer_config *config, unsigned slot,
                          const struct checkup_session *session, char *out, size_t size);

/* Why no echo came back. */
void check_words_no_echo(const struct peer_config *config, unsigned slot,
                         const struct checkup_traffic *traffic, char *out, size_t size);

#endif
