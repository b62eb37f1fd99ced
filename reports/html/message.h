/* A message of the journal, taken apart: "INFORMATIONAL request 7 { D(IKE), N(X 00) }" as wire/describe.h
 * writes it.
 */
#ifndef REPORTS_HTML_MESSAGE_H
#define REPORTS_HTML_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

/* What stands before the payloads. */
size_t message_head(const char *message);

/* The next payload: *cursor begins at NULL; false: there are no more. */
bool message_payload(const char *message, const char **cursor, const char **payload, size_t *len);

/* The numbers of a message ID sync notify in it. */
bool message_sync(const char *message, unsigned *sends, unsigned *expects);

/* As an arrow of the ladder shows it: names of payloads, numbers of a sync. */
void message_brief(const char *message, char *out, size_t size);

#endif
