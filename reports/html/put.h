/* Text into HTML that is XML as well. Everything that is not a literal of this source goes through one
 * escaper, so nothing that a peer said can become markup, and nothing can become script. */
#ifndef REPORTS_HTML_PUT_H
#define REPORTS_HTML_PUT_H

#include <stdio.h>

/* As contents of an element or of an attribute in quotes. What XML cannot hold becomes U+FFFD. */
void html_text(FILE *out, const char *text);

/* Like fprintf, with the markup in the format: each %s is escaped. Knows %s %d %u %zu %lld %%, without
 * widths. */
void html_put(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
