/*
 * sample_mail.h - real mail for tests: the messages that Python's own test
 * suite ships, found where Python is, with CRLF line ends.
 */
#ifndef WB_TEST_SAMPLE_MAIL_H
#define WB_TEST_SAMPLE_MAIL_H

#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fileio.h"

typedef void sample_cb(const char *path, struct span content);

/* The folder into out; false when Python or its tests are not installed. */
static inline bool
sample_folder(char *out, size_t size)
{
	FILE	*p;
	bool	 ok;

	p = popen("python3 -I -c 'import os, test.test_email as t; "
	    "print(os.path.dirname(t.__file__) + \"/data\")' 2>/dev/null", "r");
	if (p == NULL)
		return false;
	ok = fgets(out, (int)size, p) != NULL;
	pclose(p);
	if (ok)
		out[strcspn(out, "\n")] = '\0';
	return ok;
}

static inline void
sample_crlf(struct span in, struct buf *out)
{
	size_t	 i;

	for (i = 0; i < in.n; i++) {
		if (in.p[i] == '\r')
			continue;
		if (in.p[i] == '\n')
			buf_add_char(out, '\r');
		buf_add_char(out, in.p[i]);
	}
}

/* Calls cb for each sample; returns how many there were. */
static inline size_t
sample_each(sample_cb *cb)
{
	char	 dir[4000], pattern[4096];
	glob_t	 g;
	size_t	 i, n = 0;

	if (!sample_folder(dir, sizeof(dir)))
		return 0;
	snprintf(pattern, sizeof(pattern), "%s/msg_*.txt", dir);
	if (glob(pattern, 0, NULL, &g) != 0)
		return 0;
	for (i = 0; i < g.gl_pathc; i++) {
		struct buf	 raw = { 0 }, crlf = { 0 };

		if (file_read(g.gl_pathv[i], 1u << 20, &raw) == 0) {
			sample_crlf(buf_span(&raw), &crlf);
			cb(g.gl_pathv[i], buf_span(&crlf));
			n++;
		}
		buf_clear(&raw);
		buf_clear(&crlf);
	}
	globfree(&g);
	return n;
}

#endif
