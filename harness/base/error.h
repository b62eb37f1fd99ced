/* Errors as values.
 *
 * A call that can fail returns false (or NULL) and leaves one line of text in an error that the
 * caller owns. Nothing below harness/cli prints or exits. The layer that knows more adds it once,
 * in front: field -> packet -> case step -> file. A NULL error is allowed everywhere.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

#undef fail /* a test that includes check.h first: its old macro of this name would replace the function */

struct error {
    char text[320];
};

/* Replaces the text and returns false, so that a failing function can `return fail(err, ...)`. */
bool fail(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " in front of the text that is there, and returns false. */
bool fail_within(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Both say to the compiler, too, that they return false: it would fear for what a caller does not use then.
 */
static inline bool known_false(bool value)
{
    (void)value;
    return false;
}
#define fail(...)        known_false(fail(__VA_ARGS__))
#define fail_within(...) known_false(fail_within(__VA_ARGS__))

#endif
