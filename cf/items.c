/*
 * items.c - what sets and networks hold, from the policy and from files.
 *
 * A set's type follows from its items: addresses, ints, domains (when all can
 * be names of domains and one has a dot), else text.
 */
#include "base/xalloc.h"
#include "cf/literal.h"

#include <errno.h>
#include <stdlib.h>

/* One item as it was written, and where. */
struct written {
	struct span		 text;
	struct rs_value		 value;
	struct cf_loc		 loc;
	struct cf_source	*file;		/* NULL: in the policy */
	uint32_t		 line;
};

struct list {
	struct cf		*cf;
	struct written		*items;
	size_t			 n, cap;
	bool			 wild;		/* an item is no item of a set */
};

__attribute__((format(printf, 3, 4)))
static void
complain(struct list *l, const struct written *w, const char *fmt, ...)
{
	struct buf	 text = { 0 };
	va_list		 ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (w->file == NULL)
		cf_error(l->cf, w->loc, "%s", buf_cstr(&text));
	else
		cf_error_at(l->cf, w->file, w->line, 1,
		    (uint32_t)w->text.n + 1, "%s", buf_cstr(&text));
	buf_clear(&text);
}

static struct written *
add(struct list *l)
{
	if (l->n == l->cap) {
		l->cap = l->cap * 2 + 16;
		l->items = xreallocarray(l->items, l->cap, sizeof(*l->items));
	}
	memset(&l->items[l->n], 0, sizeof(*l->items));
	return &l->items[l->n++];
}

/* Items of a file: one a line; # begins a comment. */
static void
add_file(struct list *l, const struct cf_item *item)
{
	struct cf_source	*s;
	struct written		*w;
	struct span		 line;
	ptrdiff_t		 hash;
	uint32_t		 i;

	s = cf_source_read(l->cf, item->value.s, 1);
	if (s == NULL) {
		cf_error(l->cf, item->loc, "'%.*s' cannot be read: %s",
		    SPAN_ARG(item->value.s), strerror(errno));
		return;
	}
	for (i = 1; i <= s->nlines; i++) {
		line = cf_source_line(s, i);
		if ((hash = span_index(line, '#')) >= 0)
			line.n = (size_t)hash;
		line = span_trim(line);
		if (line.n == 0)
			continue;
		w = add(l);
		w->text = line;
		w->value = rs_text(RS_T_TEXT, line);
		w->loc = item->loc;
		w->file = s;
		w->line = i;
	}
}

static void
add_items(struct list *l, const struct cf_item *item)
{
	struct written	*w;

	for (; item != NULL; item = item->next) {
		if (item->kind == CF_I_FILE) {
			add_file(l, item);
			continue;
		}
		w = add(l);
		w->value = item->value;
		w->text = item->value.type == RS_T_INT ? SPAN_NONE :
		    item->value.s;
		w->loc = item->loc;
	}
}

/* Sets. */

static void
wrong_address(struct list *l, struct written *w, const char *why)
{
	complain(l, w, "'%.*s' is no address: %s", SPAN_ARG(w->text), why);
	w->value = rs_address(SPAN_NONE);
}

/* "@example.org", as tables of others have it. */
static bool
is_wild(struct list *l, struct written *w)
{
	struct span	 s = w->text;

	if (s.n < 2 || s.p[0] != '@')
		return false;
	complain(l, w, "'%.*s' is no address; a set has domains, or whole "
	    "addresses", SPAN_ARG(s));
	cf_help(l->cf, "write \"%.*s\", and ask for sender.domain or "
	    "rcpt.domain", SPAN_ARG(span_from(s, 1)));
	w->value = rs_text(RS_T_DOMAIN, SPAN("wild.invalid"));
	l->wild = true;
	return true;
}

/* A text with an @ is an address, a number in a file an int. */
static void
classify(struct list *l, struct written *w)
{
	const char	*why;
	int64_t		 n;

	if (w->value.type != RS_T_TEXT || is_wild(l, w))
		return;
	if (span_index(w->text, '@') >= 0) {
		if (!cf_lit_address(l->cf, w->text, &w->value, &why))
			wrong_address(l, w, why);
	} else if (w->file != NULL && w->text.p[0] >= '0' &&
	    w->text.p[0] <= '9' && cf_lit_int(w->text, &n, &why)) {
		w->value = rs_int(RS_T_INT, n);
	} else if (w->text.n == 0) {
		complain(l, w, "an item cannot be empty");
	}
}

static bool
as_domain(struct cf *cf, struct span s, struct rs_value *out)
{
	const char	*why;

	return cf_lit_domains(cf, s, out, &why);
}

/* The one type of all items; NONE: reported. */
static uint8_t
common_type(struct list *l)
{
	const struct written	*first = &l->items[0], *w;
	size_t			 i;

	for (i = 1; i < l->n; i++) {
		w = &l->items[i];
		if (w->value.type == first->value.type)
			continue;
		complain(l, w, "a set is of one type: this is %s, and the "
		    "first item %s", cf_type_what(w->value.type),
		    cf_type_what(first->value.type));
		return RS_T_NONE;
	}
	return first->value.type;
}

/* Texts that are all names of domains, one of them with a dot, are domains. */
static uint8_t
domains_or_text(struct list *l)
{
	struct rs_value	 v;
	size_t		 i;
	bool		 dot = false;

	for (i = 0; i < l->n; i++) {
		dot |= span_index(l->items[i].text, '.') >= 0;
		if (!as_domain(l->cf, l->items[i].text, &v))
			break;
	}
	if (i < l->n && l->items[i].text.n > 0 && dot &&
	    l->items[i].text.p[0] == '.')
		complain(l, &l->items[i], "'%.*s' is no name of a domain",
		    SPAN_ARG(l->items[i].text));
	if (!dot || i < l->n)
		return RS_T_TEXT;
	for (i = 0; i < l->n; i++)
		(void)as_domain(l->cf, l->items[i].text, &l->items[i].value);
	return RS_T_DOMAIN;
}

static void
read_set(struct list *l, struct cf_sym *sym)
{
	size_t	 i;

	for (i = 0; i < l->n; i++)
		classify(l, &l->items[i]);
	/* What is wrong has been told: who asks the set is not to blame. */
	sym->type = l->wild ? RS_T_UNKNOWN : l->n == 0 ? RS_T_DOMAIN :
	    common_type(l);
	if (sym->type == RS_T_TEXT)
		sym->type = domains_or_text(l);
	sym->n = l->n;
	sym->values = arena_alloc(&l->cf->arena,
	    (l->n + 1) * sizeof(*sym->values));
	for (i = 0; i < l->n; i++)
		sym->values[i] = l->items[i].value;
}

/* Networks. */

static void
add_net(struct cf *cf, struct cf_sym *sym, const struct ipnet *net,
    struct cf_loc loc, size_t *cap)
{
	struct ipnet	*nets;
	struct cf_loc	*locs;

	if (sym->n == *cap) {
		*cap = *cap * 2 + 16;
		nets = arena_alloc(&cf->arena, *cap * sizeof(*nets));
		locs = arena_alloc(&cf->arena, *cap * sizeof(*locs));
		if (sym->n > 0) {
			memcpy(nets, sym->nets, sym->n * sizeof(*nets));
			memcpy(locs, sym->net_locs, sym->n * sizeof(*locs));
		}
		sym->nets = nets;
		sym->net_locs = locs;
	}
	sym->nets[sym->n] = *net;
	sym->net_locs[sym->n++] = loc;
}

static void
add_range(struct cf *cf, struct cf_sym *sym, const struct ip *first,
    const struct ip *last, struct cf_loc loc, size_t *cap)
{
	struct ipnet	 nets[CF_RANGE_NETS];
	size_t		 i, n;

	n = cf_range_split(first, last, nets);
	for (i = 0; i < n; i++)
		add_net(cf, sym, &nets[i], loc, cap);
}

static void
add_written_net(struct list *l, struct cf_sym *sym, struct written *w,
    size_t *cap)
{
	struct ipnet	 net, masked;
	struct ip	 first, last;
	const char	*why;

	if (w->file != NULL && span_index(w->text, '-') >= 0) {
		if (cf_lit_range(w->text, &first, &last, &why))
			add_range(l->cf, sym, &first, &last, w->loc, cap);
		else
			complain(l, w, "'%.*s': %s", SPAN_ARG(w->text), why);
		return;
	}
	if (w->value.type == RS_T_IP) {
		net.ip = w->value.ip;
		net.bits = net.ip.family == 4 ? 32 : 128;
	} else if (w->value.type == RS_T_NET) {
		net.ip = w->value.ip;
		net.bits = w->value.bits;
	} else if (!ipnet_parse(w->text, &net)) {
		if (!cf_lit_net(w->text, &net, &masked, &why))
			complain(l, w, "'%.*s': %s", SPAN_ARG(w->text), why);
		return;
	}
	add_net(l->cf, sym, &net, w->loc, cap);
}

static void
read_nets(struct cf *cf, struct cf_sym *sym)
{
	struct list		 l = { .cf = cf };
	const struct cf_item	*item;
	struct cf_item		 one;
	size_t			 cap = 0, i;

	sym->type = RS_T_NET;
	for (item = sym->decl->items; item != NULL; item = item->next) {
		if (item->kind == CF_I_RANGE) {
			add_range(cf, sym, &item->value.ip, &item->last,
			    item->loc, &cap);
			continue;
		}
		one = *item;
		one.next = NULL;
		l.n = 0;
		add_items(&l, &one);
		for (i = 0; i < l.n; i++)
			add_written_net(&l, sym, &l.items[i], &cap);
	}
	free(l.items);
}

/* DNS lists (RFC 5782). */

/* The network that it lies in, wholly. */
static bool
lies_in(const struct ipnet *net, const struct ipnet *outer)
{
	return net->bits >= outer->bits && ipnet_has(outer, &net->ip);
}

/* Answers are in 127.0.0.0/8; 127.255.255.0/24 says that there is none. */
static void
check_code(struct cf *cf, const struct ipnet *net, struct cf_loc loc)
{
	static const struct ipnet	answers = {
		.ip = { .family = 4, .a = { 127 } }, .bits = 8
	};
	static const struct ipnet	errors = {
		.ip = { .family = 4, .a = { 127, 255, 255 } }, .bits = 24
	};

	if (!lies_in(net, &answers))
		cf_error(cf, loc, "a DNS list answers in 127.0.0.0/8 (RFC "
		    "5782); this is no such code");
	else if (lies_in(net, &errors) || lies_in(&errors, net)) {
		cf_error(cf, loc, "127.255.255.0/24 are the errors of a DNS "
		    "list; they list nobody");
		cf_help(cf, "name the codes that mean a listing, as in codes "
		    "127.0.0.2-127.0.0.11");
	}
}

static void
check_dnslist(struct cf *cf, struct cf_sym *sym)
{
	struct cf_decl	*d = sym->decl;
	struct rs_value	 zone;
	const char	*why;
	size_t		 i;

	if (cf_lit_domain(cf, d->where, &zone, &why))
		d->where = zone.s;
	else
		cf_error(cf, d->where_loc, "'%.*s' is no name of a domain: %s",
		    SPAN_ARG(d->where), why);
	for (i = 0; i < sym->n; i++)
		check_code(cf, &sym->nets[i], sym->net_locs[i]);
}

void
cf_items_read(struct cf *cf, struct cf_sym *sym)
{
	struct list	 l = { .cf = cf };

	if (sym->kind != CF_S_SET) {
		read_nets(cf, sym);
		if (sym->kind == CF_S_DNSLIST)
			check_dnslist(cf, sym);
		return;
	}
	add_items(&l, sym->decl->items);
	read_set(&l, sym);
	free(l.items);
}
