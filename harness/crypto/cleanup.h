/* The process-wide OpenSSL contexts that the room keeps, and how to give them back. */
#ifndef CRYPTO_CLEANUP_H
#define CRYPTO_CLEANUP_H

/* Frees what the room has fetched so far, so that a leak checker finds nothing at exit. May be called
 * any number of times, in a forked child too (each process has its own copy), and the room may be used
 * again afterwards: it fetches what it needs on first use. */
void crypto_cleanup(void);

#endif
