/* The faults, one function each. Private to the folder. */
#ifndef PEERS_REFERENCE_FAULTS_H
#define PEERS_REFERENCE_FAULTS_H

#include "peers/reference/peer.h"

#define FAULT(function, ...) void function(struct reference_peer *peer);
#include "peers/reference/fault_list.inc"
#undef FAULT

#endif
