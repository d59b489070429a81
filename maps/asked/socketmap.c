/*
 * socketmap.c - netstrings and the words of a socketmap server.
 */
#include "maps/asked/socketmap.h"

#define DIGITS_MAX	7	/* of SOCKETMAP_REPLY_MAX */

void
socketmap_request(struct buf *out, struct span name, struct span key)
{
	buf_addf(out, "%zu:", name.n + 1 + key.n);
	buf_add_span(out, name);
	buf_add_char(out, ' ');
	buf_add_span(out, key);
	buf_add_char(out, ',');
}

/* "123:": 1 with *n, 0: more is wanted, -1: it is none.  No leading zeros. */
static int
parse_length(struct span in, size_t *digits, size_t *n)
{
	size_t	 i;

	*n = 0;
	for (i = 0; i < in.n && i <= DIGITS_MAX; i++) {
		if (in.p[i] == ':' && i > 0) {
			*digits = i;
			return 1;
		}
		if (in.p[i] < '0' || in.p[i] > '9' ||
		    (i == 1 && in.p[0] == '0'))
			return -1;
		*n = *n * 10 + (size_t)(in.p[i] - '0');
	}
	return i > DIGITS_MAX ? -1 : 0;
}

static const struct {
	const char	*word;
	enum map_result	 result;
} words[] = {
	{ "OK", MAP_FOUND },
	{ "NOTFOUND", MAP_NONE },
	{ "TEMP", MAP_LATER },
	{ "TIMEOUT", MAP_LATER },
	{ "PERM", MAP_BROKEN },
};

/* The word ends at a blank; without one nothing is behind it. */
static int
parse_words(struct span s, struct socketmap_reply *r, const char **why)
{
	ptrdiff_t	 blank = span_index(s, ' ');
	struct span	 word = s;
	size_t		 i;

	if (blank >= 0)
		word.n = (size_t)blank;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!span_eq(word, span_of(words[i].word)))
			continue;
		r->result = words[i].result;
		r->text = span_from(s, word.n + 1);
		return 1;
	}
	*why = "a reply that is none of OK, NOTFOUND, TEMP, TIMEOUT, PERM";
	return -1;
}

int
socketmap_parse(struct span in, size_t *used, struct socketmap_reply *r,
    const char **why)
{
	size_t	 digits, n;
	int	 rc = parse_length(in, &digits, &n);

	if (rc == 0)
		return 0;
	if (rc == -1) {
		*why = "a reply that is no netstring";
		return -1;
	}
	if (n > SOCKETMAP_REPLY_MAX) {
		*why = "a reply of more than 1 MiB";
		return -1;
	}
	in = span_from(in, digits + 1);
	if (in.n < n + 1)
		return 0;
	if (in.p[n] != ',') {
		*why = "a netstring without ',' at its end";
		return -1;
	}
	*used = digits + 1 + n + 1;
	return parse_words((struct span){ in.p, n }, r, why);
}
