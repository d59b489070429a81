/*
 * advice.c - words and signs of other languages, and what they are called here.
 *
 * Who comes from sendmail, Postfix, Exim or a programming language writes what
 * he knows; the message then says how to write it.
 */
#include "cf/syntax.h"

#define RULE		"a rule is written: condition => action, ..."
#define REST		"the rule for all that is left is: otherwise => ..."
#define GOES_ON		"a rule without a final action goes on to the next " \
			"one; leave it out"
#define REFUSE		"write 'reject'; or 'defer' for just now"
#define SEARCH		"write: matches /.../"
#define GREYLISTED	"write: greylisted by client.ip/24, sender, rcpt for " \
			"5m"
#define RATE		"write: rate \"name\" by client.ip over 100/1h"
#define QUOTES		"texts stand in \" quotes"

struct advice {
	const char	*written;
	const char	*help;
};

static const struct advice actions[] = {
	{ "permit", "write 'accept'" },
	{ "allow", "write 'accept'" },
	{ "ok", "write 'accept'" },
	{ "pass", "write 'accept'" },
	{ "dunno", GOES_ON },
	{ "continue", GOES_ON },
	{ "next", GOES_ON },
	{ "deny", REFUSE },
	{ "block", REFUSE },
	{ "refuse", REFUSE },
	{ "bounce", "write 'reject'; who sends makes the bounce" },
	{ "drop", "write 'reject'; or 'discard', of which nobody is told" },
	{ "tempfail", "write: defer 451 4.7.1 \"come again\"" },
	{ "warn", "write: log \"...\"" },
	{ "greylist", "it is a condition: greylisted by client.ip/24, sender, "
	    "rcpt for 5m => defer" },
	{ "forward", "write: redirect <address>, in 'route'" },
	{ "prepend", "write: add header \"Name: value\"" },
	{ "if", RULE },
	{ "return", "write the value alone" },
	/* ours, with something wrong behind them */
	{ "add", "write: add header \"Name: value\"" },
	{ "set", "write: set header \"Name: value\"" },
	{ "remove", "write: remove header \"Name\"" },
	{ "log", "write: log \"...\"" },
	{ "tag", "write: tag NAME = value" },
	{ "delay", "write: delay 5s" },
	{ "hide", "write: hide chunking, dsn" },
	{ "bcc", "write: bcc <address>" },
	{ "use", "write: use milter NAME" },
	{ "skip", "write: skip milter NAME" },
	{ "milter", "write: use milter NAME" },
	{ "apply", "write: apply NAME(...)" },
	{ "expand", "write: expand NAME, with the name of a map" },
	{ "deliver", "write: deliver NAME, with the name of a mailbox" },
	{ "relay", "write: relay NAME, or relay \"host:port\"" },
	{ "redirect", "write: redirect <address>" },
	{ "lmtp", "write: lmtp \"/path\", lmtp \"host:port\"" },
	{ "file", "write: file \"/path\"" },
	{ "pipe", "write: pipe \"/command\" as USER" }
};

static const struct advice elsewhere[] = {
	{ "if", RULE },
	{ "then", RULE },
	{ "default", REST },
	{ "else", REST },
	{ "any", REST },
	{ "all", REST },
	{ "*", REST },
	{ "is", "write '=='; or 'in' for a set, net or table" },
	{ "equals", "write '=='" },
	{ "eq", "write '=='" },
	{ "contains", SEARCH },
	{ "regex", SEARCH },
	{ "apply", "it is an action: condition => apply NAME(...)" },
	{ "spf", "write: spf fail" },
	{ "greylisted", GREYLISTED },
	{ "rate", RATE },
	{ "~", SEARCH },
	{ "=~", SEARCH },
	{ "!~", "write: not matches /.../" },
	{ "&", "write 'and'" },
	{ "&&", "write 'and'" },
	{ "|", "write 'or'" },
	{ "||", "write 'or'" },
	{ "!", "write 'not'" },
	{ "->", "a rule is written with '=>'" },
	{ ":", "a rule is written with '=>'" },
	{ "//", "a comment begins with '#'" },
	{ "/*", "a comment begins with '#'" },
	{ "'", QUOTES },
	{ "`", QUOTES },
	{ "$", "a text names values in braces: \"{client.ip}\"" },
	{ "@", "a mail address stands in < >, a domain in \" quotes" },
	{ "%", "a text names values in braces: \"{client.ip}\"" },
	{ "/", "a regular expression stands only behind 'matches'" }
};

static const char *
look_up(const struct advice *list, size_t n, struct span written)
{
	size_t	 i;

	for (i = 0; i < n; i++) {
		if (span_ieq(written, span_of(list[i].written)))
			return list[i].help;
	}
	return NULL;
}

const char *
cf_advice_action(struct span written)
{
	return look_up(actions, sizeof(actions) / sizeof(actions[0]), written);
}

const char *
cf_advice(struct span written)
{
	return look_up(elsewhere, sizeof(elsewhere) / sizeof(elsewhere[0]),
	    written);
}
