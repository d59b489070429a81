/*
 * client_xforward.c - a content filter is told where a message came from, for
 * its log and to give it back (Postfix's XFORWARD_README).
 *
 * Only what the filter takes is told, values in xtext; what is not known is
 * [UNAVAILABLE].  Two commands, so that no line is longer than others are.
 */
#include "mta/relay/client_int.h"

#include "mail/xtext.h"

#define VALUE_MAX	255	/* octets, encoded */

#define BIT(word)	(1u << XFORWARD_##word)

/* What stands in which command. */
static const unsigned	commands[] = {
	BIT(NAME) | BIT(ADDR) | BIT(PORT) | BIT(PROTO),
	BIT(HELO) | BIT(IDENT) | BIT(SOURCE)
};

#define NCOMMANDS	(sizeof(commands) / sizeof(commands[0]))

/* The attributes of the nth command that has any. */
static unsigned
attributes(const struct client *c, unsigned nth)
{
	unsigned	i, set;

	for (i = 0; i < NCOMMANDS; i++) {
		set = commands[i] & c->ext.xforward;
		if (set != 0 && nth-- == 0)
			return set;
	}
	return 0;
}

unsigned
client_xforwards(const struct client *c)
{
	unsigned	n = 0;

	if (!c->addr.filter || c->job->probe)
		return 0;
	while (attributes(c, n) != 0)
		n++;
	return n;
}

static void
put_value(struct client *c, struct span value)
{
	struct buf	b = { 0 };

	xtext_encode(value, &b);
	if (value.n == 0 || b.n > VALUE_MAX)
		buf_add_str(&c->out, "[UNAVAILABLE]");
	else
		buf_add_span(&c->out, buf_span(&b));
	buf_clear(&b);
}

void
client_put_xforward(struct client *c, unsigned nth)
{
	unsigned	i, set = attributes(c, nth);

	buf_add_str(&c->out, "XFORWARD");
	for (i = 0; i < XFORWARD_NATTRS; i++) {
		if (!(set & 1u << i))
			continue;
		buf_addf(&c->out, " %s=", xforward_words[i]);
		put_value(c, c->job->origin[i]);
	}
	buf_add_str(&c->out, "\r\n");
}
