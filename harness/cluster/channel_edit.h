/* Updates that tell less, or other, than what is true: what a sync channel that lags behind delivers. Private
 * to the room. */
#ifndef CLUSTER_CHANNEL_EDIT_H
#define CLUSTER_CHANNEL_EDIT_H

enum children_edit { CHILDREN_AS_TOLD, CHILDREN_WITHOUT_LAST, CHILDREN_WITH_DELETED };

/* The context with its Child SAs edited; `told` (may be NULL) is the one that went out before it. Heap text
 * that context_free frees; NULL when memory is out or it is no context. */
char *context_edit_children(const char *context, const char *told, enum children_edit how);

#endif
