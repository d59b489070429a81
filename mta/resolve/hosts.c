/*
 * hosts.c - reading and asking /etc/hosts (hosts(5)).
 */
#include "mta/resolve/hosts.h"

#define HOSTS_TTL_S	60	/* what an asker may keep an answer for */
#define ADDRESSES_MAX	64	/* of one name */

struct hosts_name {
	struct span	name;
	size_t		n;
	struct ip	ips[ADDRESSES_MAX];	/* none in a reverse entry */
};

/* Lower case, without a final dot, in the arena. */
static struct span
fold(struct arena *a, struct span in)
{
	struct span	copy;
	char		*p;
	size_t		i;

	if (in.n > 0 && in.p[in.n - 1] == '.')
		in.n--;
	copy = arena_span(a, in);
	p = (char *)(uintptr_t)copy.p;
	for (i = 0; i < copy.n; i++)
		p[i] = ascii_lower(p[i]);
	return copy;
}

static void
add_reverse(struct hosts *h, struct span name, const struct ip *ip)
{
	struct hosts_name	*e;
	struct span		 key;
	char			 text[80];

	key = span_of(ip_reverse_name(ip, text));
	if (htab_get(&h->reverse, key) != NULL)
		return;
	e = arena_alloc(&h->arena, offsetof(struct hosts_name, ips));
	e->name = name;
	htab_put(&h->reverse, key, e);
}

static void
add_name(struct hosts *h, struct span text, const struct ip *ip)
{
	struct span		 name = fold(&h->arena, text);
	struct hosts_name	*e = htab_get(&h->names, name);
	size_t			 i;

	if (e == NULL) {
		e = arena_alloc(&h->arena, sizeof(*e));
		e->name = name;
		htab_put(&h->names, name, e);
	}
	for (i = 0; i < e->n; i++)
		if (ip_eq(&e->ips[i], ip))
			return;
	if (e->n < ADDRESSES_MAX)
		e->ips[e->n++] = *ip;
	add_reverse(h, name, ip);
}

static struct span
next_word(struct span *line)
{
	struct span	word;

	*line = span_trim(*line);
	word = *line;
	for (word.n = 0; word.n < line->n; word.n++)
		if (word.p[word.n] == ' ' || word.p[word.n] == '\t')
			break;
	*line = span_from(*line, word.n);
	return word;
}

static void
parse_line(struct hosts *h, struct span line)
{
	ptrdiff_t	comment = span_index(line, '#');
	struct span	word;
	struct ip	ip;

	if (comment >= 0)
		line.n = (size_t)comment;
	if (!ip_parse(next_word(&line), &ip))
		return;
	while ((word = next_word(&line)).n > 0)
		if (word.n <= 253)
			add_name(h, word, &ip);
}

static void
add_localhost(struct hosts *h)
{
	static const struct span	line[] = {
		{ "127.0.0.1 localhost", 19 }, { "::1 localhost", 13 }
	};

	if (hosts_has(h, SPAN("localhost")))
		return;
	parse_line(h, line[0]);
	parse_line(h, line[1]);
}

void
hosts_parse(struct hosts *h, struct span text)
{
	struct span	line;
	ptrdiff_t	nl;
	unsigned	lines = 0;

	while (text.n > 0 && lines++ < HOSTS_LINES_MAX) {
		line = text;
		if ((nl = span_index(text, '\n')) >= 0)
			line.n = (size_t)nl;
		text = span_from(text, line.n + 1);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		parse_line(h, line);
	}
	add_localhost(h);
}

void
hosts_clear(struct hosts *h)
{
	htab_clear(&h->names);
	htab_clear(&h->reverse);
	arena_clear(&h->arena);
}

/* An entry under the folded name; NULL: there is none. */
static const struct hosts_name *
find(const struct htab *table, struct span name)
{
	char	folded[256];
	size_t	i;

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n >= sizeof(folded))
		return NULL;
	for (i = 0; i < name.n; i++)
		folded[i] = ascii_lower(name.p[i]);
	return htab_get(table, (struct span){ folded, name.n });
}

bool
hosts_has(const struct hosts *h, struct span name)
{
	return find(&h->names, name) != NULL;
}

static void
answer_addresses(const struct hosts_name *e, unsigned family,
    struct dns_record *records, struct dns_answer *out)
{
	size_t	i;

	for (i = 0; i < e->n; i++)
		if (e->ips[i].family == family)
			records[out->n++] =
			    (struct dns_record){ .ip = e->ips[i] };
	out->result = out->n > 0 ? DNS_FOUND : DNS_NODATA;
}

bool
hosts_answer(const struct hosts *h, enum dns_type type, struct span name,
    struct dns_record *records, struct dns_answer *out)
{
	const struct hosts_name	*e;

	*out = (struct dns_answer){ .records = records, .ttl_s = HOSTS_TTL_S };
	if (type == DNS_PTR) {
		if ((e = find(&h->reverse, name)) == NULL)
			return false;
		records[out->n++] = (struct dns_record){ .name = e->name };
		out->result = DNS_FOUND;
		return true;
	}
	if ((type != DNS_A && type != DNS_AAAA) ||
	    (e = find(&h->names, name)) == NULL)
		return false;
	answer_addresses(e, type == DNS_A ? 4 : 6, records, out);
	return true;
}
