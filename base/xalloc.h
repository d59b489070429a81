/*
 * xalloc.h - memory that is always there: no caller checks for NULL.
 *
 * Running out of memory is fatal() (STYLE 5.2).  Sizes that a peer chooses
 * are bounded by the caller first.
 */
#ifndef WB_BASE_XALLOC_H
#define WB_BASE_XALLOC_H

#include <stddef.h>

void	*xmalloc(size_t);
void	*xcalloc(size_t n, size_t size);
void	*xreallocarray(void *, size_t n, size_t size);
char	*xstrdup(const char *);
char	*xstrndup(const char *, size_t);
char	*xasprintf(const char *, ...) __attribute__((format(printf, 1, 2)));

#endif
