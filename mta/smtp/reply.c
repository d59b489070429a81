/*
 * reply.c - replies as octets.
 */
#include "config.h"

#include <assert.h>

#include "mta/smtp/reply.h"

static const struct {
	unsigned	 code;
	struct span	 status;
	struct span	 text;
} replies[REPLY_NREPLIES] = {
#define REPLY(id, c, s, t) [REPLY_##id] = { c, { s, sizeof(s) - 1 }, { t, sizeof(t) - 1 } },
#include "mta/smtp/replies.def"
#undef REPLY
};

/* One line that is being written, with room kept for its CRLF. */
struct line {
	char	octets[REPLY_LINE_MAX];
	size_t	n;
	bool	utf8;	/* octets above 127 stay */
};

static void
line_add(struct line *l, struct span s)
{
	for (size_t i = 0; i < s.n && l->n < REPLY_LINE_MAX - 2; i++) {
		unsigned char	c = (unsigned char)s.p[i];

		/* RFC 5321, 4.2: textstring is HT and %d32-126. */
		l->octets[l->n++] = (c >= 32 && c < 127) || c == '\t' ||
		    (c > 127 && l->utf8) ? (char)c : '?';
	}
}

static void
line_begin(struct line *l, unsigned code, struct span status)
{
	assert(code >= 200 && code <= 599);
	l->octets[0] = (char)('0' + code / 100);
	l->octets[1] = (char)('0' + code / 10 % 10);
	l->octets[2] = (char)('0' + code % 10);
	l->octets[3] = ' ';
	l->n = 4;
	l->utf8 = false;
	if (status.n > 0) {
		line_add(l, status);
		line_add(l, SPAN(" "));
	}
}

static void
line_end(struct line *l, struct buf *out)
{
	memcpy(l->octets + l->n, "\r\n", 2);
	buf_add(out, l->octets, l->n + 2);
}

void
reply_put(struct buf *out, enum smtp_reply id, struct span arg)
{
	struct span	 text = replies[id].text;
	struct line	 l;
	ptrdiff_t	 at = span_index(text, '%');

	line_begin(&l, replies[id].code, replies[id].status);
	if (at < 0)
		line_add(&l, text);
	else {
		line_add(&l, span_mem(text.p, (size_t)at));
		line_add(&l, arg);
		line_add(&l, span_from(text, (size_t)at + 2));
	}
	line_end(&l, out);
}

void
reply_put_line(struct buf *out, unsigned code, bool more, struct span status,
    struct span text, bool utf8)
{
	struct line	l;

	line_begin(&l, code, status);
	if (more)
		l.octets[3] = '-';
	l.utf8 = utf8;
	line_add(&l, text);
	line_end(&l, out);
}

void
reply_put_raw(struct buf *out, unsigned code, struct span status,
    struct span text)
{
	reply_put_line(out, code, false, status, text, false);
}

unsigned
reply_code(enum smtp_reply id)
{
	return replies[id].code;
}

struct span
reply_status(enum smtp_reply id)
{
	return replies[id].status;
}

bool
reply_is_protocol(enum smtp_reply id)
{
	switch (id) {
	case REPLY_EARLY:
	case REPLY_AUTH_STEP:
	case REPLY_TLS_EARLY:
	case REPLY_BDAT_LOST:
	case REPLY_OUT_OF_STEP:
	case REPLY_DATA_BARE:
		return true;
	case REPLY_AUTH_CANCELLED:	/* as it may */
		return false;
	default:
		return (replies[id].code >= 500 && replies[id].code <= 504) ||
		    replies[id].code == 555;
	}
}
