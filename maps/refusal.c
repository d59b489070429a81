/*
 * refusal.c - what a table tells the sender instead of taking the mail.
 *
 * sendmail's forms are `error:5.1.6:551 text`, `error:nouser 550 text` and
 * `550 text`, the text or all of it in quotes; Postfix writes `550 5.1.1 text`.
 */
#include "config.h"

#include "maps/map_int.h"

/* sendmail's words (its mailer `error`), and the replies that they are. */
static const struct {
	struct span	word;
	uint16_t	code;
	struct span	status;
} words[] = {
	{ { "nouser", 6 },	550, { "5.1.1", 5 } },
	{ { "nohost", 6 },	550, { "5.1.2", 5 } },
	{ { "unavailable", 11 }, 550, { "5.2.0", 5 } },
	{ { "protocol", 8 },	550, { "5.5.0", 5 } },
	{ { "usage", 5 },	550, { "5.0.0", 5 } },
	{ { "config", 6 },	550, { "5.3.5", 5 } },
	{ { "tempfail", 8 },	450, { "4.3.0", 5 } },
};

static int
fault(struct map_fault *f, const char *at, const char *what)
{
	f->at = at;
	f->what = what;
	return -1;
}

static struct span
unquoted(struct span s)
{
	s = map_trim(s);
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		s = map_trim(span_mem(s.p + 1, s.n - 2));
	return s;
}

static size_t
word_size(struct span s)
{
	size_t	 n = 0;

	while (n < s.n && !map_is_blank(s.p[n]) && s.p[n] != ':')
		n++;
	return n;
}

/* "5.1.6": class 4 or 5, then two numbers of at most three digits (RFC 3463, 2). */
static bool
is_status(struct span s)
{
	size_t	 i, digits = 0, dots = 0;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '.') {
			if (digits == 0 || (dots == 0 && digits != 1))
				return false;
			dots++;
			digits = 0;
		} else if (s.p[i] < '0' || s.p[i] > '9' || ++digits > 3)
			return false;
	}
	return dots == 2 && digits > 0 && (s.p[0] == '4' || s.p[0] == '5');
}

static bool
is_code(struct span s, uint64_t *code)
{
	return s.n == 3 && span_u64(s, 599, code) && *code >= 400;
}

/* What follows a word and its blank or ':'. */
static struct span
behind(struct span s, size_t n)
{
	s = span_from(s, n);
	if (s.n > 0 && s.p[0] == ':')
		s = span_from(s, 1);
	return unquoted(s);
}

/* Statuses without a code, and codes without a status. */
static void
complete(struct map_refusal *r)
{
	if (r->code == 0)
		r->code = r->status.p[0] == '4' ? 450 : 550;
	if (r->status.n == 0)
		r->status = r->code < 500 ? SPAN("4.7.1") : SPAN("5.7.1");
}

static bool
keyword(struct span word, struct map_refusal *r)
{
	size_t	 i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_ieq(word, words[i].word)) {
			r->status = words[i].status;
			r->code = words[i].code;
			return true;
		}
	return false;
}

/* No control characters: the text becomes a reply. */
static int
text_check(struct span text, struct map_fault *f)
{
	size_t	 i;

	for (i = 0; i < text.n; i++)
		if (((unsigned char)text.p[i] < ' ' &&
		    !map_is_blank(text.p[i])) || text.p[i] == 0x7f)
			return fault(f, text.p + i,
			    "a reply has no control characters");
	return 0;
}

int
map_refusal_parse(struct span in, struct map_refusal *r, struct map_fault *f)
{
	struct span	 s = unquoted(in), word;
	bool		 coded = false;
	uint64_t	 code;
	const char	*code_at = s.p;

	*r = (struct map_refusal){ .code = 0 };
	for (;;) {
		word = span_mem(s.p, word_size(s));
		if (r->status.n == 0 && r->code == 0 && keyword(word, r))
			;
		else if (r->status.n == 0 && is_status(word))
			r->status = word;
		else if (!coded && is_code(word, &code)) {
			r->code = (uint16_t)code;
			code_at = word.p;
			coded = true;
		} else
			break;
		s = behind(s, word.n);
	}
	if (r->code == 0 && r->status.n == 0)
		return fault(f, in.p, "a refusal begins with a code (550) or "
		    "a status (5.1.1) of class 4 or 5");
	complete(r);
	if (r->status.p[0] != (char)('0' + r->code / 100))
		return fault(f, code_at, "code and status are of different "
		    "classes");
	r->text = s;
	return text_check(s, f);
}
