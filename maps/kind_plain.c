/*
 * kind_plain.c - key and value as they are: `key value`, `key: value`, or a
 * key alone.  A key with blanks stands in quotes.
 */
#include "config.h"

#include "base/ip.h"
#include "maps/map_int.h"

/* A key in quotes, without them (no escapes); *rest is what follows. */
static const char *
quoted_key(struct span raw, struct span *key, struct span *rest)
{
	const char	*close;

	close = memchr(raw.p + 1, '"', raw.n - 1);
	if (close == NULL)
		return "the quotes of the key do not end";
	*key = span_mem(raw.p + 1, (size_t)(close - raw.p) - 1);
	*rest = span_from(raw, (size_t)(close + 1 - raw.p));
	if (rest->n > 0 && rest->p[0] == ':')
		*rest = span_from(*rest, 1);
	if (rest->n > 0 && !map_is_blank(rest->p[0]))
		return "a blank is missing after the key";
	return NULL;
}

/* A key up to the first blank, and a ':' at its end dropped. */
static const char *
bare_key(struct span raw, struct span *key, struct span *rest)
{
	struct ip	 ip;
	struct ipnet	 net;
	size_t		 n = 0;

	while (n < raw.n && !map_is_blank(raw.p[n]))
		n++;
	*key = span_mem(raw.p, n);
	*rest = span_from(raw, n);
	if (ip_parse(*key, &ip) || ipnet_parse(*key, &net))
		return NULL;
	if (key->p[n - 1] == ':')
		key->n--;
	else if (map_trim(*rest).n == 0 && span_index(*key, ':') >= 0)
		return "a blank is missing after ':'";
	return NULL;
}

/* `key : value`: the colon may stand apart. */
static struct span
without_colon(struct span rest)
{
	struct span	 s = map_trim(rest);

	if (s.n > 0 && s.p[0] == ':' && (s.n == 1 || map_is_blank(s.p[1])))
		return map_trim(span_from(s, 1));
	return s;
}

const char *
map_plain_key(struct span raw, struct span *key, struct span *value)
{
	const char	*why;

	why = raw.p[0] == '"' ? quoted_key(raw, key, value) :
	    bare_key(raw, key, value);
	if (why == NULL && (key->n == 0 || key->n > MAP_KEY_MAX))
		why = "the key is empty, or longer than 1024 octets";
	if (why == NULL)
		*value = without_colon(*value);
	return why;
}

static void
plain_line(struct map *m, struct map_text *t, struct span raw, uint32_t line)
{
	struct span	 key, value;
	const char	*why;

	if ((why = map_plain_key(raw, &key, &value)) != NULL) {
		map_line_broken(m, t, raw, line, raw.p, why);
		return;
	}
	map_one_line(t->octets + (value.p - t->octets), value.n);
	map_store(m, t, key, value, line);
}

static void
plain_entry(struct map *m, struct span key, struct span value)
{
	if (key.n == 0 || key.n > MAP_KEY_MAX) {
		map_mistake(m, NULL, SPAN_NONE, 0, NULL,
		    "the key is empty, or longer than 1024 octets");
		map_store_broken(m, NULL, SPAN_NONE, 0);
		return;
	}
	map_store_copy(m, NULL, key, value, 0);
}

const struct map_kind map_kind_plain = {
	.name = "plain",
	.line = plain_line,
	.entry = plain_entry,
	.continued = true,
};
