/* Verdicts: what a check, a combination and a case come to. */
#ifndef SUITE_VERDICT_H
#define SUITE_VERDICT_H

#include <stdbool.h>

/* From best to worst for a case: a later one replaces an earlier one, never the other way round.
 *
 *   SKIP          not selected; the reason says by what
 *   UNSUPPORTED   the peer did not announce it, or its driver lacks the trigger
 *   OBSERVED      recorded, no judgement
 *   PASS          every check held
 *   WARN          a SHOULD is broken
 *   INCONCLUSIVE  the way to the check failed; the reason names the step
 *   FAIL          a MUST or base rule is broken
 *   ERROR         the suite itself failed
 */
#define VERDICTS(X) X(SKIP) X(UNSUPPORTED) X(OBSERVED) X(PASS) X(WARN) X(INCONCLUSIVE) X(FAIL) X(ERROR)

#define VERDICT_ENUM(name) VERDICT_##name,
enum verdict { VERDICTS(VERDICT_ENUM) VERDICT_COUNT };

const char *verdict_name(enum verdict v); /* "PASS" */
bool verdict_parse(const char *name, enum verdict *out);

static inline enum verdict verdict_worse(enum verdict a, enum verdict b)
{
    return a > b ? a : b;
}

/* How one check ended. */
#define CHECK_RESULTS(X)                                                                                     \
    X(HELD, "held") X(BROKEN, "broken") X(OBSERVED, "observed") X(NOT_JUDGED, "not-judged")

#define CHECK_ENUM(name, text) CHECK_##name,
enum check_result { CHECK_RESULTS(CHECK_ENUM) CHECK_RESULT_COUNT };

const char *check_result_name(enum check_result r);
bool check_result_parse(const char *name, enum check_result *out);

/* Remarks beside a verdict, as bits. */
#define TAGS(X)                                                                                              \
    X(LATE_REPLY, "late-reply")           /* an answer that came after silence seemed proven */              \
    X(RETRANSMIT_SEEN, "retransmit-seen") /* the peer sent a message again */                                \
    X(MALFORMED, "malformed")             /* the peer sent something that cannot be read */                  \
    X(PEER_RESTART, "peer-restart")       /* the peer vanished; the next case starts from a new one */       \
    X(TIMED_SILENCE, "timed-silence")     /* silence was proven by time, not by a fence */                   \
    X(UNASKED_REKEY, "unasked-rekey") /* the peer rekeyed by itself: what broke after it is not judged */    \
    X(PLAYED_AGAIN, "played-again")   /* the way to the check had failed in an earlier attempt */            \
    X(UNASKED_CLOSE, "unasked-close") /* the same, and it deleted an SA by itself */

#define TAG_ENUM(name, text) TAG_BIT_##name,
enum tag_bit { TAGS(TAG_ENUM) TAG_COUNT };
#define TAG(name) (1U << TAG_BIT_##name)

const char *tag_name(enum tag_bit bit);
bool tag_parse(const char *name, enum tag_bit *out);

#endif
