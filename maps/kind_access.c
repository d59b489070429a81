/*
 * kind_access.c - sendmail's access table: who may connect, send and receive.
 *
 *	Connect:192.0.2		REJECT		a prefix on an octet's border
 *	Connect:2001:db8::	450 4.7.1 later	IPv6 in any spelling
 *	From:spam.example	ERROR:5.7.1:550 not from there
 *	To:friend.example	RELAY		and all below it
 *	user@			SKIP		without a tag: of all three
 *
 * Keys are kept in one spelling: the tag in small letters, an address as
 * ADDRESS/BITS, a name as domain_normalise() gives it.
 */
#include "config.h"

#include "mail/address.h"
#include "mail/domain.h"
#include "maps/map_int.h"

#define NAME_MAX_OCTETS	256	/* of a key's address or name as text */

static const struct span	tags[] = {
	[MAP_CONNECT] = { "connect:", 8 },
	[MAP_FROM] = { "from:", 5 },
	[MAP_TO] = { "to:", 3 },
};

/* sendmail's other tags: another subject in the same file. */
static const struct {
	struct span	 tag;
	const char	*what;
} others[] = {
	{ { "clientrate:", 11 }, "passed over: rates are the matter of a rule with `rate`" },
	{ { "clientconn:", 11 }, "passed over: connections are the matter of `limits`" },
	{ { "greetpause:", 11 }, "passed over: a pause is the matter of a rule with `delay`" },
	{ { "authinfo:", 9 }, "passed over: logins are the matter of a `relay` block" },
	{ { "try_tls:", 8 }, "passed over: TLS is the matter of a `relay` block" },
	{ { "tls_srv:", 8 }, "passed over: TLS is the matter of a `relay` block" },
	{ { "tls_rcpt:", 9 }, "passed over: TLS is the matter of a `relay` block" },
	{ { "tls_clt:", 8 }, "passed over: TLS is the matter of a rule with `tls.verified`" },
	{ { "srv_features:", 13 }, "passed over: features are the matter of a `listen` block" },
	{ { "clt_features:", 13 }, "passed over: features are the matter of a `relay` block" },
	{ { "tls_srv_features:", 17 }, "passed over: TLS is the matter of a `tls` block" },
	{ { "tls_clt_features:", 17 }, "passed over: TLS is the matter of a `relay` block" },
	{ { "certissuer:", 11 }, "passed over: certificates are the matter of a rule with `client.certificate`" },
	{ { "certsubject:", 12 }, "passed over: certificates are the matter of a rule with `client.certificate`" },
	{ { "spam:", 5 }, "passed over: who wants spam (FRIEND, HATER) is said by the order of the rules: `rcpt in friends => accept` before what refuses" },
};

static int
fault(struct map_fault *f, const char *at, const char *what)
{
	f->at = at;
	f->what = what;
	return -1;
}

/* --- addresses and prefixes as keys */

/* "192", "192.0", "192.0.2", with or without a last dot. */
static bool
ip4_prefix(struct span s, struct ipnet *net)
{
	struct span	 octet = s;
	ptrdiff_t	 dot;
	uint64_t	 v;
	unsigned	 n = 0;

	*net = (struct ipnet){ .ip = { .family = 4 } };
	if (s.n > 1 && s.p[s.n - 1] == '.')
		s.n--;
	while (n < 4) {
		dot = span_index(s, '.');
		octet = dot < 0 ? s : span_mem(s.p, (size_t)dot);
		if (octet.n > 3 || !span_u64(octet, 255, &v))
			return false;
		net->ip.a[n++] = (uint8_t)v;
		net->bits = (uint8_t)(8 * n);
		if (dot < 0)
			return true;
		s = span_from(s, (size_t)dot + 1);
	}
	return false;
}

static bool
group_of(struct span s, unsigned *out)
{
	unsigned	 v = 0;
	size_t		 i;
	char		 c;

	for (i = 0; i < s.n; i++) {
		c = ascii_lower(s.p[i]);
		if (c >= '0' && c <= '9')
			v = v * 16 + (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (unsigned)(c - 'a') + 10;
		else
			return false;
	}
	*out = v;
	return s.n > 0 && s.n <= 4;
}

/* "2001:db8", "2001:db8:", "2001:db8::": the groups are the prefix. */
static bool
ip6_prefix(struct span s, struct ipnet *net)
{
	ptrdiff_t	 colon;
	unsigned	 n = 0, v;

	*net = (struct ipnet){ .ip = { .family = 6 } };
	while (s.n > 0 && n < 8) {
		colon = span_index(s, ':');
		if (!group_of(colon < 0 ? s : span_mem(s.p, (size_t)colon),
		    &v))
			return false;
		net->ip.a[2 * n] = (uint8_t)(v >> 8);
		net->ip.a[2 * n + 1] = (uint8_t)v;
		n++;
		s = colon < 0 ? SPAN_NONE : span_from(s, (size_t)colon + 1);
		if (span_eq(s, SPAN(":")))
			s = SPAN_NONE;
	}
	net->bits = (uint8_t)(16 * n);
	return s.n == 0 && n > 0;
}

static bool
parse_net(struct span s, bool v6, struct ipnet *net)
{
	struct ip	 ip;

	if (span_index(s, ':') < 0)
		return !v6 && (ipnet_parse(s, net) || ip4_prefix(s, net));
	if (ip6_prefix(s, net))
		return true;
	if (!ip_parse(s, &ip))
		return ipnet_parse(s, net);
	*net = (struct ipnet){ .ip = ip, .bits = ip.family == 4 ? 32 : 128 };
	return true;
}

void
map_prefix_note(struct map_prefixes *p, const struct ipnet *net)
{
	uint64_t	*set = net->ip.family == 4 ? p->v4 : p->v6;

	set[net->bits / 64] |= UINT64_C(1) << net->bits % 64;
}

bool
map_prefix_has(const struct map_prefixes *p, const struct ip *ip, unsigned bits)
{
	const uint64_t	*set = ip->family == 4 ? p->v4 : p->v6;

	return (set[bits / 64] >> bits % 64 & 1) != 0;
}

/* --- keys */

static size_t
tag_size(struct span in)
{
	size_t	 i;

	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (span_iprefix(in, tags[i]))
			return tags[i].n;
	return 0;
}

static const char *
other_tag(struct span in)
{
	size_t	 i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (span_iprefix(in, others[i].tag))
			return others[i].what;
	return NULL;
}

static int
net_key(struct map *m, struct span tag, const struct ipnet *net,
    struct arena *scratch, struct span *out)
{
	char	 text[IPNET_TEXT_MAX];

	map_prefix_note(&m->prefixes, net);
	*out = arena_printf(scratch, "%.*s%s", SPAN_ARG(tag),
	    ipnet_format(net, text));
	return 0;
}

/* "user@domain", "user@" */
static int
mailbox_key(struct span tag, struct span s, struct arena *scratch,
    struct span *out, struct map_fault *f)
{
	bool		 any = s.p[s.n - 1] == '@';
	struct address	 a;

	if (any)
		s.n--;
	if (address_parse(s, ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK, scratch,
	    &a, &f->what) == -1)
		return fault(f, s.p, f->what);
	if (any && a.at < a.whole.n)
		return fault(f, s.p, "two '@' in a key");
	*out = arena_printf(scratch, "%.*s%.*s%s", SPAN_ARG(tag),
	    SPAN_ARG(a.whole), any ? "@" : "");
	return 0;
}

/* "domain", and all below it; ".domain" only what is below. */
static int
domain_key(struct map *m, struct span tag, struct span s,
    struct arena *scratch, struct span *out, struct map_fault *f)
{
	bool		 below = s.p[0] == '.';
	struct span	 norm;

	if (tag.n == 0 || tag.n == tags[MAP_CONNECT].n)
		m->host_names = true;

	if (domain_normalise(span_from(s, below), scratch, &norm,
	    &f->what) == -1)
		return fault(f, s.p, f->what);
	*out = arena_printf(scratch, "%.*s%s%.*s", SPAN_ARG(tag),
	    below ? "." : "", SPAN_ARG(norm));
	return 0;
}

/* What stands behind the tag, without brackets and the word IPv6. */
static struct span
bare(struct span s, bool *v6)
{
	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = span_mem(s.p + 1, s.n - 2);
	*v6 = span_iprefix(s, SPAN("IPv6:"));
	return *v6 ? span_from(s, 5) : s;
}

static int
access_key(struct map *m, struct span in, struct arena *scratch,
    struct span *out, struct map_fault *f)
{
	struct span	 tag = span_mem(in.p, tag_size(in)), s;
	struct ipnet	 net;
	bool		 v6;

	if ((f->what = other_tag(in)) != NULL) {
		f->at = in.p;
		return 1;
	}
	s = span_from(in, tag.n);
	if (s.n == 0)
		return fault(f, in.p, "after the tag comes an address or a "
		    "name, without a blank between them");
	if (span_eq(s, SPAN("<>"))) {
		*out = in;
		return 0;
	}
	s = bare(s, &v6);
	if (parse_net(s, v6, &net))
		return net_key(m, tag, &net, scratch, out);
	if (span_index(s, '@') >= 0)
		return mailbox_key(tag, s, scratch, out, f);
	if (v6 || span_index(s, ':') >= 0)
		return fault(f, in.p, tag.n > 0 || v6 ? "neither an address "
		    "nor a prefix of one" : "no such tag; there are "
		    "Connect:, From: and To:");
	return domain_key(m, tag, s, scratch, out, f);
}

/* --- the right side */

static int
quarantine(struct span rest, struct map_access *a)
{
	a->kind = MAP_ACCESS_QUARANTINE;
	if (rest.n > 0 && rest.p[0] == ':')
		rest = span_from(rest, 1);
	a->why = map_trim(rest);
	return 0;
}

/* REJECT, with a text as Postfix allows it. */
static int
reject(struct span rest, struct map_access *a)
{
	a->kind = MAP_ACCESS_REJECT;
	a->refusal.code = 550;
	a->refusal.status = SPAN("5.7.1");
	a->refusal.text = map_trim(rest);
	return 0;
}

static int
alone(struct span rest, enum map_access_kind kind, struct map_access *a,
    struct map_fault *f)
{
	a->kind = kind;
	rest = map_trim(rest);
	return rest.n == 0 ? 0 : fault(f, rest.p,
	    "nothing comes behind this word");
}

/* Words of others for what has another here. */
static const char *
hint(struct span word)
{
	static const struct {
		const char	*word, *what;
	} words[] = {
		{ "PERMIT", "no such verdict: it is OK" },
		{ "ALLOW", "no such verdict: it is OK" },
		{ "ACCEPT", "no such verdict: it is OK" },
		{ "DENY", "no such verdict: it is REJECT" },
		{ "DROP", "no such verdict: it is DISCARD" },
		{ "HOLD", "no such verdict: it is QUARANTINE:why" },
		{ "DEFER", "no such verdict: it is 450 4.7.1 text" },
		{ "DEFER_IF_PERMIT", "no such verdict: it is 450 4.7.1 text" },
		{ "FRIEND", "no such verdict: FRIEND and HATER stand behind Spam:" },
		{ "HATER", "no such verdict: FRIEND and HATER stand behind Spam:" },
	};
	size_t	 i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_ieq(word, span_of(words[i].word)))
			return words[i].what;
	return "no such verdict (in sendmail one refuses all that asks this "
	    "key); there are OK, RELAY, REJECT, DISCARD, SKIP, "
	    "QUARANTINE:why, ERROR:5.7.1:550 text and 550 text";
}

int
map_access_parse(struct span value, struct map_access *a, struct map_fault *f)
{
	struct span	 word, rest;
	size_t		 n = 0;

	*a = (struct map_access){ .kind = MAP_ACCESS_OK };
	value = map_trim(value);
	while (n < value.n && !map_is_blank(value.p[n]) && value.p[n] != ':')
		n++;
	word = span_mem(value.p, n);
	rest = span_from(value, n);
	if (span_ieq(word, SPAN("OK")))
		return alone(rest, MAP_ACCESS_OK, a, f);
	if (span_ieq(word, SPAN("RELAY")))
		return alone(rest, MAP_ACCESS_RELAY, a, f);
	if (span_ieq(word, SPAN("SKIP")) || span_ieq(word, SPAN("DUNNO")))
		return alone(rest, MAP_ACCESS_SKIP, a, f);
	if (span_ieq(word, SPAN("DISCARD")))
		return alone(rest, MAP_ACCESS_DISCARD, a, f);
	if (span_ieq(word, SPAN("REJECT")))
		return reject(rest, a);
	if (span_ieq(word, SPAN("QUARANTINE")))
		return quarantine(rest, a);
	a->kind = MAP_ACCESS_REJECT;
	if (span_ieq(word, SPAN("ERROR")))
		return map_refusal_parse(span_from(rest, 1), &a->refusal, f);
	if (map_refusal_parse(value, &a->refusal, f) == 0)
		return 0;
	return fault(f, value.p, hint(word));
}

static int
access_value(struct span value, struct map_fault *f)
{
	struct map_access	 a;

	return map_access_parse(value, &a, f);
}

const struct map_kind map_kind_access = {
	.name = "access",
	.line = map_words_line,
	.entry = map_words_entry,
	.key = access_key,
	.value = access_value,
	.trap = map_trap_access,
	.continued = true,
};

/* --- look-ups */

bool
map_access_has_names(const struct map *m)
{
	return m->host_names;
}

/* With its tag, then without. */
static enum map_result
find(struct map_look *l, enum map_role role, const struct span *pieces,
    size_t n, struct map_answer *out)
{
	struct span	 tagged[6] = { tags[role] };
	enum map_result	 r;
	size_t		 i;

	for (i = 0; i < n; i++)
		tagged[i + 1] = pieces[i];
	r = map_find_pieces(l, tagged, n + 1, out);
	return r == MAP_NONE ? map_find_pieces(l, pieces, n, out) : r;
}

static enum map_result
look_ip(struct map_look *l, enum map_role role, const struct ip *ip,
    struct map_answer *out)
{
	char		 key[IPNET_TEXT_MAX];
	struct ipnet	 net;
	struct span	 piece;
	unsigned	 bits = ip->family == 4 ? 32 : 128;
	enum map_result	 r;

	for (;; bits--) {
		if (map_prefix_has(&l->map->prefixes, ip, bits)) {
			net = (struct ipnet){ ip_mask(ip, bits),
			    (uint8_t)bits };
			piece = span_of(ipnet_format(&net, key));
			r = find(l, role, &piece, 1, out);
			if (r != MAP_NONE)
				return r;
		}
		if (bits == 0)
			return map_none(l);
	}
}

static enum map_result
look_host(struct map_look *l, enum map_role role, struct span name,
    struct map_answer *out)
{
	enum map_result	 r;
	ptrdiff_t	 dot = 0;
	struct span	 below;

	r = find(l, role, &name, 1, out);
	while (r == MAP_NONE && (dot = span_index(name, '.')) >= 0) {
		below = span_from(name, (size_t)dot);
		name = span_from(below, 1);
		r = find(l, role, &below, 1, out);
		if (r == MAP_NONE)
			r = find(l, role, &name, 1, out);
	}
	return r == MAP_NONE ? map_none(l) : r;
}

/* A domain, or an address in brackets. */
static enum map_result
find_domain(struct map_look *l, enum map_role role, struct span domain,
    struct map_answer *out)
{
	struct ip	 ip;
	bool		 v6;

	if (domain.n > 2 && domain.p[0] == '[' &&
	    ip_parse(bare(domain, &v6), &ip))
		return look_ip(l, role, &ip, out);
	return look_host(l, role, domain, out);
}

/* user+detail, user+*, user, each with this behind it. */
static enum map_result
find_user(struct map_look *l, enum map_role role, struct span local,
    struct span user, struct span behind_it, struct map_answer *out)
{
	struct span	 pieces[4] = { local, SPAN_NONE, SPAN_NONE, behind_it };
	enum map_result	 r;

	if ((r = find(l, role, pieces, 4, out)) != MAP_NONE ||
	    user.n == local.n)
		return r;
	pieces[0] = user;
	pieces[1] = span_mem(local.p + user.n, 1);
	pieces[2] = SPAN("*");
	if ((r = find(l, role, pieces, 4, out)) != MAP_NONE)
		return r;
	pieces[1] = pieces[2] = SPAN_NONE;
	return find(l, role, pieces, 4, out);
}

static enum map_result
look_address(struct map_look *l, const struct map_question *q,
    struct map_answer *out)
{
	enum map_role	 role = q->role;
	struct span	 whole = q->key, user, detail;
	struct span	 local = span_mem(whole.p, q->at), null = SPAN("<>");
	enum map_result	 r;

	if (whole.n == 0) {
		r = find(l, role, &null, 1, out);
		return r == MAP_NONE ? map_none(l) : r;
	}
	address_detail(local, q->detail_chars, &user, &detail);
	if (user.n == 0)
		user = local;
	r = find_user(l, role, local, user, span_from(whole, q->at), out);
	if (r == MAP_NONE)
		r = find_user(l, role, local, user, SPAN("@"), out);
	if (r != MAP_NONE)
		return r;
	return q->at < whole.n ? find_domain(l, role,
	    span_from(whole, q->at + 1), out) : map_none(l);
}

/* Patterns are asked the whole, as in Postfix: no tags, nothing shorter. */
static enum map_result
look_whole(struct map_look *l, const struct map_question *q,
    struct map_answer *out)
{
	char		 text[IP_TEXT_MAX];
	struct span	 key = q->key;
	enum map_result	 r;

	if (q->ask == MAP_ASK_ACCESS_IP)
		key = span_of(ip_format(&q->ip, text));
	else if (key.n == 0)
		key = SPAN("<>");
	r = map_find(l, key, out);
	return r == MAP_NONE ? map_none(l) : r;
}

enum map_result
map_access_look(struct map_look *l, const struct map_question *q,
    struct map_answer *out)
{
	if (l->map->kind != &map_kind_access || l->map->broken)
		return MAP_BROKEN;
	if (l->map->whole)
		return look_whole(l, q, out);
	switch (q->ask) {
	case MAP_ASK_ACCESS_IP:
		return look_ip(l, q->role, &q->ip, out);
	case MAP_ASK_ACCESS_HOST:
		return look_host(l, q->role, q->key, out);
	default:
		return look_address(l, q, out);
	}
}
