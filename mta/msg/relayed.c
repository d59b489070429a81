/*
 * relayed.c - the line tls of RELAYED, word by word; relayed.h.
 */
#include "mta/msg/relayed.h"

#include "base/buf.h"
#include "base/log.h"

static bool
is_key(struct span key)
{
	size_t	i;

	for (i = 0; i < key.n; i++)
		if (key.p[i] < 'a' || key.p[i] > 'z')
			return false;
	return key.n > 0 && key.n <= RELAYED_KEY_MAX;
}

bool
relayed_tls_next(struct span *line, struct span *key, struct span *value)
{
	ptrdiff_t	at, blank;

	while (line->n > 0 && line->p[0] == ' ')
		*line = span_from(*line, 1);
	if ((at = span_index(*line, '=')) <= 0)
		return false;
	*key = span_mem(line->p, (size_t)at);
	*value = span_from(*line, (size_t)at + 1);
	if (!is_key(*key))
		return false;
	blank = span_index(*value, ' ');
	if (blank >= 0 && !span_eq(*key, SPAN("why")))
		value->n = (size_t)blank;
	*line = span_from(*line, (size_t)at + 1 + value->n);
	return true;
}

const char *
relayed_log(struct span tls, struct span login)
{
	static struct buf	b;
	struct span		key, value;

	buf_reset(&b);
	while (relayed_tls_next(&tls, &key, &value))
		buf_addf(&b, " tls-%.*s=%s", SPAN_ARG(key), log_quote(value));
	if (login.n > 0)
		buf_addf(&b, " login=%s", log_quote(login));
	return buf_cstr(&b);
}
