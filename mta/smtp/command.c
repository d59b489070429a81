/*
 * command.c - command lines: their end, their verb, their arguments.
 */
#include "config.h"

#include "base/ip.h"
#include "mta/smtp/command.h"

#define HELO_MAX	255	/* octets; RFC 5321, 4.5.3.1.2 */

static const struct {
	const char	*word;
	enum smtp_verb	 verb;
} verbs[] = {
	{ "EHLO", VERB_EHLO },
	{ "HELO", VERB_HELO },
	{ "MAIL", VERB_MAIL },
	{ "RCPT", VERB_RCPT },
	{ "DATA", VERB_DATA },
	{ "RSET", VERB_RSET },
	{ "VRFY", VERB_VRFY },
	{ "EXPN", VERB_EXPN },
	{ "HELP", VERB_HELP },
	{ "NOOP", VERB_NOOP },
	{ "QUIT", VERB_QUIT },
	{ "STARTTLS", VERB_STARTTLS },
	{ "AUTH", VERB_AUTH },
	{ "BDAT", VERB_BDAT },
	{ "TURN", VERB_TURN },
	{ "LHLO", VERB_LHLO },
	{ "XCLIENT", VERB_XCLIENT },
	{ "XFORWARD", VERB_XFORWARD },
	{ "ETRN", VERB_ETRN },
};

size_t
command_line_max(struct span line)
{
	if (span_iprefix(line, SPAN("MAIL")))
		return COMMAND_LINE_PLAIN + PARAMS_MAIL_OCTETS;
	if (span_iprefix(line, SPAN("RCPT")))
		return COMMAND_LINE_PLAIN + PARAMS_RCPT_OCTETS;
	/* RFC 4954, 4: with an initial response. */
	if (span_iprefix(line, SPAN("AUTH ")))
		return COMMAND_LINE_MAX;
	return COMMAND_LINE_PLAIN;
}

enum line_result
line_scan(struct span in, size_t max, size_t *n)
{
	size_t		 look = in.n < max ? in.n : max;
	const char	*lf, *cr;

	lf = look == 0 ? NULL : memchr(in.p, '\n', look);
	cr = look == 0 ? NULL : memchr(in.p, '\r',
	    lf != NULL ? (size_t)(lf - in.p) : look);
	if (lf != NULL && cr != NULL && cr + 1 == lf) {
		*n = (size_t)(lf - in.p) + 1;
		return LINE_WHOLE;
	}
	if (cr != NULL && (size_t)(cr - in.p) + 1 < look) {
		*n = (size_t)(cr - in.p) + 1;
		return LINE_BARE;
	}
	if (lf != NULL) {
		*n = (size_t)(lf - in.p) + 1;
		return LINE_BARE;
	}
	*n = 0;
	return in.n < max ? LINE_PART : LINE_LONG;
}

bool
line_skip(struct span in, size_t *n)
{
	const char	*lf;
	size_t		 at = 0;

	while (at < in.n &&
	    (lf = memchr(in.p + at, '\n', in.n - at)) != NULL) {
		at = (size_t)(lf - in.p) + 1;
		if (at >= 2 && in.p[at - 2] == '\r') {
			*n = at;
			return true;
		}
	}
	*n = in.n > 0 && in.p[in.n - 1] == '\r' ? in.n - 1 : in.n;
	return false;
}

bool
command_parse(struct span line, struct smtp_command *out)
{
	size_t	n = 0;

	*out = (struct smtp_command){ .verb = VERB_UNKNOWN };
	for (size_t i = 0; i < line.n; i++)
		if (((unsigned char)line.p[i] < 32 && line.p[i] != '\t') ||
		    line.p[i] == 127)
			return false;
	while (n < line.n && line.p[n] != ' ' && line.p[n] != '\t')
		n++;
	out->word = span_mem(line.p, n);
	out->args = span_trim(span_from(line, n));
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (span_ieq(out->word, span_of(verbs[i].word)))
			out->verb = verbs[i].verb;
	return true;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]"; RFC 5321, 4.1.3 */
static bool
literal_ok(struct span arg)
{
	struct span	in = span_mem(arg.p + 1, arg.n - 2);
	struct ip	ip;

	if (span_iprefix(in, SPAN("IPv6:")))
		return ip_parse(span_from(in, 5), &ip) && memchr(in.p + 5, ':',
		    in.n - 5) != NULL;
	return ip_parse(in, &ip) && memchr(in.p, ':', in.n) == NULL;
}

static bool
is_host_octet(char c)
{
	char	l = ascii_lower(c);

	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_';
}

bool
helo_ok(struct span arg)
{
	size_t	label = 0;

	if (arg.n == 0 || arg.n > HELO_MAX)
		return false;
	if (arg.n > 2 && arg.p[0] == '[' && arg.p[arg.n - 1] == ']')
		return literal_ok(arg);
	for (size_t i = 0; i < arg.n; i++) {
		if (arg.p[i] == '.') {
			if (label == 0 || arg.p[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!is_host_octet(arg.p[i]) || ++label > 63 ||
		    (label == 1 && arg.p[i] == '-'))
			return false;
	}
	/* A final dot is no syntax of 4.1.2; resolvers' names come with it. */
	return arg.p[arg.n - 1] != '-';
}

static enum args_result
params_result(enum params_result r)
{
	switch (r) {
	case PARAMS_OK:
		return ARGS_OK;
	case PARAMS_UNKNOWN:
		return ARGS_UNKNOWN;
	case PARAMS_TLS:
		return ARGS_TLS;
	default:
		return ARGS_PARAM;
	}
}

/*
 * RFC 6531, 3.3: where SMTPUTF8 is offered, the path is read as if it had been
 * asked for; whether it was stands behind the path.
 */
static enum args_result
path_args(struct span args, unsigned flags, const struct params_place *place,
    struct smtp_path *out, const char **why)
{
	enum args_result	r;
	size_t			used;

	/* Blanks before "<" are no syntax of 4.1.1.2, and sent by many. */
	args = span_trim(args);
	if (args.n == 0 || args.p[0] != '<') {
		*why = "a path stands in < and >";
		return ARGS_PATH;
	}
	if (place->offered & EXT_BIT(SMTPUTF8))
		flags |= ADDRESS_UTF8_OK;
	if (address_parse_path(args, flags, place->arena, &out->path, &used,
	    why) < 0)
		return ARGS_PATH;
	r = params_result(params_parse(span_from(args, used), place,
	    &out->params, why));
	if (r != ARGS_OK || place->utf8 || out->params.smtputf8 ||
	    span_is_ascii(span_mem(args.p, used)))
		return r;
	*why = "an address outside ASCII needs SMTPUTF8";
	return ARGS_UTF8;
}

enum args_result
command_mail(struct span args, const struct params_place *place,
    struct smtp_path *out, const char **why)
{
	if (!span_iprefix(args, SPAN("FROM:"))) {
		*why = "syntax is MAIL FROM:<address>";
		return ARGS_SYNTAX;
	}
	return path_args(span_from(args, 5), ADDRESS_NULL_OK, place, out, why);
}

enum args_result
command_rcpt(struct span args, const struct params_place *place,
    struct smtp_path *out, const char **why)
{
	if (!span_iprefix(args, SPAN("TO:"))) {
		*why = "syntax is RCPT TO:<address>";
		return ARGS_SYNTAX;
	}
	return path_args(span_from(args, 3), ADDRESS_POSTMASTER_OK, place, out,
	    why);
}
