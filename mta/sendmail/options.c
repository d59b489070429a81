/*
 * options.c - the command line of sendmail(8).
 *
 * A program's author tries what he has written with one sendmail and runs it
 * with another.  So all that is in use is taken; what has no meaning here but
 * changes nothing for the message is passed over, by name; and what would
 * change something is refused with EX_USAGE, by name too.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "base/xalloc.h"
#include "mta/sendmail/sendmail.h"

#define ENVID_MAX	100	/* RFC 3461, 4.4 */

struct reading {
	struct options	*o;
	int		 argc, at;
	char		**argv;
	char		**why;
};

typedef bool take_fn(struct reading *, const char *value);

enum value { NO_VALUE, VALUE, GLUED };	/* GLUED: only in the same word, may be empty */

static bool
refuse(struct reading *r, char *why)
{
	free(*r->why);
	*r->why = why;
	return false;
}

static bool
passed_over(struct reading *r, const char *value)
{
	(void)r;
	(void)value;
	return true;
}

/* --- modes */

static bool
take_mode(struct reading *r, const char *v)
{
	switch (v[0]) {
	case 'm':
		r->o->mode = MODE_SEND;
		return true;
	case 's':
		r->o->mode = MODE_SMTP;
		return true;
	case 'v':
		r->o->mode = MODE_VERIFY;
		return true;
	case 'p':
		r->o->mode = MODE_MAILQ;
		return true;
	case 'i':
		r->o->mode = MODE_NEWALIASES;
		return true;
	case 'd':
	case 'D':
		return refuse(r, xstrdup("-bd: `waybill run` is the server"));
	case 't':
		return refuse(r, xstrdup("-bt: `waybill explain` and `waybill "
		    "route` show what rules do"));
	}
	return refuse(r, xasprintf("-b%s is not known here", v));
}

static bool
take_queue(struct reading *r, const char *v)
{
	(void)v;
	return refuse(r, xstrdup("-q: the server runs its queue by itself; "
	    "`waybill queue` shows it and has messages tried at once"));
}

/* --- the envelope */

/* "<>", "" and "ann"; also "<ann@example.org>". */
static bool
take_sender(struct reading *r, const char *v)
{
	size_t	n = strlen(v);

	r->o->has_sender = true;
	free(r->o->own_sender);
	r->o->own_sender = n >= 2 && v[0] == '<' && v[n - 1] == '>' ?
	    xstrndup(v + 1, n - 2) : xstrdup(v);
	r->o->sender = r->o->own_sender;
	if (span_has_control(span_of(r->o->sender)) ||
	    strpbrk(r->o->sender, "<> ") != NULL || n > 512)
		return refuse(r, xasprintf("-f '%s' is no address", v));
	return true;
}

static bool
take_full_name(struct reading *r, const char *v)
{
	r->o->full_name = v;
	return true;
}

static bool
take_header_rcpts(struct reading *r, const char *v)
{
	(void)v;
	r->o->from_header = true;
	return true;
}

static bool
is_notify(const char *word, size_t n)
{
	static const char *const	known[] = {
		"SUCCESS", "FAILURE", "DELAY"
	};
	size_t				i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i]) == n && strncasecmp(word, known[i], n) == 0)
			return true;
	return false;
}

/* RFC 3461, 4.1: NEVER alone, or a list, none twice. */
static bool
take_notify(struct reading *r, const char *v)
{
	char	*out = xstrdup(v), *p;
	size_t	 n;

	for (p = out; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	free(r->o->own_notify);
	r->o->notify = r->o->own_notify = out;
	if (strcmp(out, "NEVER") == 0)
		return true;
	for (p = out; ; p += n + 1) {
		n = strcspn(p, ",");
		if (!is_notify(p, n) || strlen(out) > 21)
			return refuse(r, xasprintf("-N '%s': never, or a list "
			    "of success, failure, delay", v));
		if (p[n] == '\0')
			return true;
	}
}

static bool
take_ret(struct reading *r, const char *v)
{
	if (strcasecmp(v, "full") == 0)
		r->o->ret = DROP_RET_FULL;
	else if (strcasecmp(v, "hdrs") == 0)
		r->o->ret = DROP_RET_HDRS;
	else
		return refuse(r, xasprintf("-R '%s': full or hdrs", v));
	return true;
}

static bool
take_envid(struct reading *r, const char *v)
{
	const char	*p;

	for (p = v; *p > ' ' && *p < 0x7f; p++)
		continue;
	if (*p != '\0' || p == v || p - v > ENVID_MAX)
		return refuse(r, xasprintf("-V: an envelope id has 1 to %d "
		    "printable characters without blanks", ENVID_MAX));
	r->o->envid = v;
	return true;
}

static bool
take_body(struct reading *r, const char *v)
{
	if (strcasecmp(v, "8BITMIME") == 0)
		r->o->eightbit = true;
	else if (strcasecmp(v, "7BIT") != 0)
		return refuse(r, xasprintf("-B '%s': 7BIT or 8BITMIME", v));
	return true;
}

/* --- how it goes on */

static bool
take_dots(struct reading *r, const char *v)
{
	(void)v;
	r->o->dots = true;
	return true;
}

static bool
take_verbose(struct reading *r, const char *v)
{
	(void)v;
	r->o->verbose = true;
	return true;
}

static bool
take_tag(struct reading *r, const char *v)
{
	r->o->tag = v;
	return true;
}

static bool
take_errors(struct reading *r, const char *v)
{
	switch (v[0]) {
	case 'p':
	case 'w':
		r->o->errors = ERRORS_PRINT;
		return true;
	case 'm':
		r->o->errors = ERRORS_MAIL;
		return true;
	case 'e':
		r->o->errors = ERRORS_MAIL_OK;
		return true;
	case 'q':
		r->o->errors = ERRORS_QUIET;
		return true;
	}
	return refuse(r, xasprintf("-oe%s: p, q, m, e or w", v));
}

/*
 * Old options, one letter with its value.  Delivery is always in the
 * background, and what is taken is always on disk: -od and -os ask for nothing
 * else.
 */
static bool
take_old(struct reading *r, const char *v)
{
	if (strcmp(v, "i") == 0 || strcmp(v, "itrue") == 0)
		return take_dots(r, NULL);
	if (v[0] == 'e')
		return take_errors(r, v + 1);
	if (v[0] == 'd' && v[1] != '\0' && v[2] == '\0' &&
	    strchr("bdiq", v[1]) != NULL)
		return true;
	if (v[0] != '\0' && strchr("mosv7", v[0]) != NULL)
		return v[0] == 'v' ? take_verbose(r, NULL) : true;
	return refuse(r, xasprintf("-o%s is not known here", v));
}

static bool
is_true(const char *v)
{
	return strcasecmp(v, "true") == 0 || strcasecmp(v, "yes") == 0 ||
	    strcmp(v, "1") == 0 || strcasecmp(v, "t") == 0;
}

/* -O NAME=VALUE */
static bool
take_long(struct reading *r, const char *v)
{
	const char	*value = strchr(v, '=');
	size_t		 n = value == NULL ? strlen(v) : (size_t)(value - v);

	value = value == NULL ? "true" : value + 1;
	if (n == 10 && strncasecmp(v, "IgnoreDots", n) == 0) {
		r->o->dots = is_true(value);
		return true;
	}
	if (n == 9 && strncasecmp(v, "ErrorMode", n) == 0)
		return take_errors(r, value);
	if ((n == 12 && strncasecmp(v, "DeliveryMode", n) == 0) ||
	    (n == 5 && strncasecmp(v, "MeToo", n) == 0))
		return true;
	return refuse(r, xasprintf("-O %s: settings of the server stand in "
	    "its policy, /etc/waybill/waybill.conf", v));
}

static bool
take_policy(struct reading *r, const char *v)
{
	(void)v;
	return refuse(r, xstrdup("-C: which policy runs is said where the "
	    "server is started; programs cannot choose one"));
}

static bool
take_gateway(struct reading *r, const char *v)
{
	(void)v;
	return refuse(r, xstrdup("-G: mail of other hosts comes by SMTP; what "
	    "programs hand in here is mended as their own"));
}

static const struct letter {
	char		 letter;
	enum value	 value;
	take_fn		*take;
} letters[] = {
	{ 'A', GLUED,	 passed_over },		/* c, m: two configurations of sendmail's */
	{ 'B', VALUE,	 take_body },
	{ 'b', VALUE,	 take_mode },
	{ 'C', VALUE,	 take_policy },
	{ 'e', VALUE,	 take_errors },
	{ 'F', VALUE,	 take_full_name },
	{ 'f', VALUE,	 take_sender },
	{ 'G', NO_VALUE, take_gateway },
	{ 'i', NO_VALUE, take_dots },
	{ 'L', VALUE,	 take_tag },
	{ 'm', NO_VALUE, passed_over },		/* who is a member of a list gets it too: always */
	{ 'N', VALUE,	 take_notify },
	{ 'O', VALUE,	 take_long },
	{ 'o', GLUED,	 take_old },
	{ 'q', GLUED,	 take_queue },
	{ 'R', VALUE,	 take_ret },
	{ 'r', VALUE,	 take_sender },
	{ 's', NO_VALUE, passed_over },		/* From_ lines are dropped: always */
	{ 't', NO_VALUE, take_header_rcpts },
	{ 'U', NO_VALUE, passed_over },		/* it is a first submission: always */
	{ 'V', VALUE,	 take_envid },
	{ 'v', NO_VALUE, take_verbose },
	{ 'x', GLUED,	 passed_over },		/* AIX and OSF/1 give it */
};

static const struct letter *
find(char c)
{
	size_t	i;

	for (i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (letters[i].letter == c)
			return &letters[i];
	return NULL;
}

/* One word: "-ti", "-fann", "-f ann". */
static bool
take_word(struct reading *r, const char *word)
{
	const struct letter	*l;
	const char		*p;

	for (p = word + 1; *p != '\0'; p++) {
		if ((l = find(*p)) == NULL)
			return refuse(r, xasprintf("-%c is not known here",
			    *p));
		if (l->value == NO_VALUE) {
			if (!l->take(r, NULL))
				return false;
			continue;
		}
		if (l->value == GLUED || p[1] != '\0')
			return l->take(r, p + 1);
		if (r->at + 1 >= r->argc)
			return refuse(r, xasprintf("-%c needs a value", *p));
		return l->take(r, r->argv[++r->at]);
	}
	return true;
}

int
options_read(struct options *o, int argc, char **argv, char **why)
{
	struct reading	r = { .o = o, .argc = argc, .at = 1, .argv = argv,
			    .why = why };

	*why = NULL;
	*o = (struct options){ .mode = MODE_SEND,
	    .full_name = getenv("NAME") };
	for (; r.at < argc; r.at++) {
		if (argv[r.at][0] != '-' || argv[r.at][1] == '\0')
			break;
		if (strcmp(argv[r.at], "--") == 0) {
			r.at++;
			break;
		}
		if (!take_word(&r, argv[r.at]))
			return EX_USAGE;
	}
	o->rcpts = argv + r.at;
	return EX_OK;
}

void
options_clear(struct options *o)
{
	free(o->own_sender);
	free(o->own_notify);
	*o = (struct options){ .mode = MODE_SEND };
}
