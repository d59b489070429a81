/*
 * image.h - the image of a small policy for the parent's tests.
 */
#ifndef WB_TEST_PARENT_IMAGE_H
#define WB_TEST_PARENT_IMAGE_H

#include "base/buf.h"

/* listen on each of n addresses; one mailbox; a table when it is not NULL. */
void	image_build(struct buf *out, const char *const *listen, size_t n, const char *spool, const char *policy, const char *table);

#endif
