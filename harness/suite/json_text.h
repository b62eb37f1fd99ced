/* JSON strings from texts that may hold anything: jansson refuses what is not UTF-8. */
#ifndef SUITE_JSON_TEXT_H
#define SUITE_JSON_TEXT_H

#include <jansson.h>

/* NULL becomes "". In a text that is not UTF-8 every octet beyond ASCII becomes '?'. */
json_t *json_text(const char *text);

/* The string under `key`; `otherwise` when there is none, or something else. */
const char *json_text_of(const json_t *object, const char *key, const char *otherwise);

#endif
