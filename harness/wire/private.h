/* Notifies of this project's own, from the range for private use. */
#ifndef WIRE_PRIVATE_H
#define WIRE_PRIVATE_H

/* RESET_MESSAGE_ID (ALT-1), an idea of 2009 that the working group did not take and gave no numbers to. Its
 * data are those of IKEV2_MESSAGE_ID_SYNC: a nonce, and twice the Message ID to begin at. */
enum { NOTIFY_RESET_MESSAGE_ID_SUPPORTED = 41000, NOTIFY_RESET_MESSAGE_ID = 41001 };

#endif
