/* uthash as it is used here: a table that memory does not suffice for takes nothing more in, and does not end
 * the process; and the default hash falls through switch cases, which clang does not take in a macro. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#define HASH_NONFATAL_OOM                    1
#define HASH_FUNCTION(keyptr, keylen, hashv) HASH_FNV(keyptr, keylen, hashv)
#include <uthash.h>

#endif
