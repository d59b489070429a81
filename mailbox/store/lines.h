/*
 * lines.h - what is written into a mailbox's file: LF in the place of CRLF, in
 * chunks; and how long that will be.
 */
#ifndef WB_MAILBOX_STORE_LINES_H
#define WB_MAILBOX_STORE_LINES_H

#include "base/span.h"

/* Sizes of what is written: the wire's CRLF becomes LF. */
struct lines_size {
	uint64_t	lf;	/* S=: octets of the file */
	uint64_t	crlf;	/* W=: octets with CRLF (RFC822.SIZE) */
};
/* Adds those of s, which begins a line. */
void	lines_measure(struct span, struct lines_size *);

/*
 * Gathers lines with LF ends, or octets as they are, and hands them on in
 * chunks: to a file, or to whoever compares or counts them.
 */
struct lines_writer {
	int	(*out)(void *arg, const char *, size_t);	/* 0, or -1 with errno */
	void	*arg;
	bool	 as_is;		/* every octet is left as it is */
	size_t	 n;
	char	*chunk;
};
void	lines_begin(struct lines_writer *, int (*out)(void *, const char *, size_t), void *arg, bool as_is);
/* The usual way out: arg is an int, a descriptor. */
int	lines_to_fd(void *fd, const char *, size_t);
/* Octets as they are; 0, or -1 with errno. */
int	lines_put(struct lines_writer *, struct span);
/* Without the CR before an LF. */
int	lines_put_text(struct lines_writer *, struct span);
/* What has been gathered; the writer is empty after. */
int	lines_flush(struct lines_writer *);
/* Frees; errno stays. */
void	lines_end(struct lines_writer *);

#endif
