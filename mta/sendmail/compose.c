/*
 * compose.c - a message's recipients out of its header, and what the header
 * lacks.
 *
 * What only the server knows it adds itself (Received:, Message-ID:, the domain
 * of addresses without one).  Here comes what only the program's side knows:
 * the name of who runs it, and the time, which may be days before the server
 * sees the message.
 */
#include "config.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/xalloc.h"
#include "mail/date.h"
#include "mail/header_address.h"
#include "mta/sendmail/sendmail.h"

#define WORD_MAX	75	/* octets of an encoded-word; RFC 2047, 2 */

/* --- recipients */

static void
add_rcpt(struct drop *d, size_t *cap, struct span rcpt)
{
	if (d->nrcpts == *cap) {
		*cap = *cap == 0 ? 8 : 2 * *cap;
		d->rcpts = xreallocarray(d->rcpts, *cap, sizeof(*d->rcpts));
	}
	d->rcpts[d->nrcpts++] = rcpt;
}

/* False: a member is none; *why names it. */
static bool
add_list(struct span body, struct arena *a, struct drop *d, size_t *cap,
    const char **why)
{
	struct address_list	 list = { .body = body,
				    .flags = ADDRESS_BARE_LOCAL_OK |
				    ADDRESS_UTF8_OK };
	struct address_item	 item;

	for (;;)
		switch (address_list_next(&list, a, &item)) {
		case ADDRESS_LIST_END:
			return true;
		case ADDRESS_LIST_BAD:
			*why = item.why;
			return false;
		case ADDRESS_LIST_ITEM:
			if (d->nrcpts == DROP_RCPTS_MAX) {
				*why = "too many recipients";
				return false;
			}
			add_rcpt(d, cap, item.address.whole);
			break;
		}
}

bool
compose_add_rcpts(struct span arg, struct arena *a, struct drop *d,
    size_t *cap, const char **why)
{
	return add_list(arg, a, d, cap, why);
}

static bool
is_one_of(struct span name, const char *const names[3])
{
	size_t	i;

	for (i = 0; i < 3; i++)
		if (span_ieq(name, span_of(names[i])))
			return true;
	return false;
}

static const char *const	resent_rcpts[3] = {
	"Resent-To", "Resent-Cc", "Resent-Bcc"
};
static const char *const	plain_rcpts[3] = { "To", "Cc", "Bcc" };

bool
compose_header_rcpts(struct span content, struct arena *a, struct drop *d,
    size_t *cap, const char **why)
{
	const char *const	*names = plain_rcpts;
	struct header_field	 f;
	size_t			 pos;

	for (pos = 0; header_next(content, &pos, &f); )
		if (is_one_of(f.name, resent_rcpts))
			names = resent_rcpts;
	for (pos = 0; header_next(content, &pos, &f); )
		if (is_one_of(f.name, names) &&
		    !add_list(f.body, a, d, cap, why))
			return false;
	return true;
}

void
compose_unique(struct drop *d)
{
	struct htab	seen = { 0 };
	size_t		i, n = 0;

	for (i = 0; i < d->nrcpts; i++)
		if (htab_put(&seen, d->rcpts[i], d) == NULL)
			d->rcpts[n++] = d->rcpts[i];
	d->nrcpts = n;
	htab_clear(&seen);
}

/* --- names */

/* atext (RFC 5322, 3.2.3) and blanks: what a phrase may have as it is. */
static bool
is_phrase(struct span s)
{
	size_t	i;

	for (i = 0; i < s.n; i++)
		if (strchr("()<>[]:;@\\,.\"", s.p[i]) != NULL ||
		    (unsigned char)s.p[i] > '~')
			return false;
	return true;
}

static void
put_quoted(struct span name, struct buf *out)
{
	size_t	i;

	buf_add_char(out, '"');
	for (i = 0; i < name.n; i++) {
		if (name.p[i] == '"' || name.p[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, name.p[i]);
	}
	buf_add_char(out, '"');
}

/* RFC 2047, 4.2 and 5(3). */
static void
put_encoded_octet(unsigned char c, struct buf *out)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9'))
		buf_add_char(out, (char)c);
	else if (c == ' ')
		buf_add_char(out, '_');
	else
		buf_addf(out, "=%02X", c);
}

/* As many encoded-words as it needs; no character is divided (5). */
static void
put_encoded(struct span name, struct buf *out)
{
	size_t	begin = out->n, k, i;

	buf_add_str(out, "=?UTF-8?Q?");
	for (; name.n > 0; name = span_from(name, k)) {
		k = span_utf8(name);
		if (out->n - begin + 3 * k + 2 > WORD_MAX) {
			buf_add_str(out, "?=\r\n ");
			begin = out->n;
			buf_add_str(out, "=?UTF-8?Q?");
		}
		for (i = 0; i < k; i++)
			put_encoded_octet((unsigned char)name.p[i], out);
	}
	buf_add_str(out, "?=");
}

static bool
is_utf8(struct span s)
{
	size_t	k;

	for (; s.n > 0; s = span_from(s, k))
		if ((k = span_utf8(s)) == 0)
			return false;
	return true;
}

void
compose_mailbox(struct span name, struct span address, struct buf *out)
{
	if (name.n == 0 || span_has_control(name) || !is_utf8(name)) {
		buf_add_span(out, address);
		return;
	}
	if (!span_is_ascii(name))
		put_encoded(name, out);
	else if (is_phrase(name))
		buf_add_span(out, name);
	else
		put_quoted(name, out);
	buf_addf(out, " <%.*s>", SPAN_ARG(address));
}

void
compose_full_name(const struct options *o, const struct person *p,
    struct buf *out)
{
	const char	*s = o->full_name != NULL ? "" : p->gecos;

	if (o->full_name != NULL)
		buf_add_str(out, o->full_name);
	for (; s != NULL && *s != '\0' && *s != ','; s++) {
		if (*s != '&') {
			buf_add_char(out, *s);
			continue;
		}
		/* finger(1): the login, with a capital. */
		buf_add_char(out, p->login[0] >= 'a' && p->login[0] <= 'z' ?
		    (char)(p->login[0] - 32) : p->login[0]);
		buf_add_str(out, p->login[0] == '\0' ? "" : p->login + 1);
	}
}

/* --- the content */

struct made {
	struct span	 content;
	const struct options *o;
	const struct person *person;
	char		 date[DATE_MAX];
	struct buf	*out;
};

static bool
has(const struct made *m, const char *name)
{
	struct header_field	f;

	return header_find(m->content, span_of(name), 0, &f);
}

/* With -f of somebody else the name of who runs this says nothing. */
static void
put_from(const struct made *m, const char *field)
{
	const struct options	*o = m->o;
	struct buf		 name = { 0 };
	bool			 other = o->has_sender &&
				    o->sender[0] != '\0';

	if (!other || o->full_name != NULL)
		compose_full_name(o, m->person, &name);
	buf_add_str(m->out, field);
	buf_add_str(m->out, ": ");
	compose_mailbox(span_trim(buf_span(&name)),
	    span_of(other ? o->sender : m->person->login), m->out);
	buf_add_str(m->out, "\r\n");
	buf_clear(&name);
}

/* RFC 5322, 3.6.6: what is sent again gets its own, above the rest. */
static void
put_resent(const struct made *m)
{
	struct header_field	f;
	size_t			pos = 0;
	bool			any = false;

	while (header_next(m->content, &pos, &f))
		any |= span_iprefix(f.name, SPAN("Resent-"));
	if (!any)
		return;
	if (!has(m, "Resent-Date"))
		buf_addf(m->out, "Resent-Date: %s\r\n", m->date);
	if (!has(m, "Resent-From"))
		put_from(m, "Resent-From");
}

static void
put_header(const struct made *m)
{
	struct header_field	f;
	size_t			pos = 0;

	put_resent(m);
	while (header_next(m->content, &pos, &f))
		if (!span_ieq(f.name, SPAN("Bcc")) &&
		    !span_ieq(f.name, SPAN("Resent-Bcc")))
			buf_add_span(m->out, f.whole);
	if (!has(m, "Date"))
		buf_addf(m->out, "Date: %s\r\n", m->date);
	if (!has(m, "From"))
		put_from(m, "From");
	buf_add_str(m->out, "\r\n");
}

/* A text that begins with no field is a body alone. */
static bool
begins_with_text(struct span content)
{
	struct header_field	f;
	size_t			pos = 0;

	return header_next(content, &pos, &f) && f.name.n == 0;
}

void
compose_content(struct span content, const struct options *o,
    const struct person *person, int64_t now_ms, struct buf *out)
{
	struct made	m = { .content = content, .o = o,
			    .person = person, .out = out };
	struct span	body;

	if (begins_with_text(content)) {
		body = content;
		m.content = SPAN("\r\n");
	} else
		body = span_from(content, header_size(content));
	(void)date_rfc5322(now_ms, m.date);
	put_header(&m);
	buf_add_span(out, body);
}
