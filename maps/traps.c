/*
 * traps.c - entries that mean here what their writer meant, and with which
 * sendmail does something else that nobody wants.
 *
 * `waybill map check` says so, as notes: they matter to who brings tables from
 * there, or gives them to both.
 */
#include "config.h"

#include "maps/map_int.h"

static bool
trap(struct map_fault *f, const char *at, const char *what)
{
	f->at = at;
	f->what = what;
	return true;
}

/* --- access: what a key of an address is compared with */

static bool
is_hex(char c)
{
	c = ascii_lower(c);
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/*
 * "2001:db8:0:0:0:0:0:1" and what it begins with: groups without zeros before
 * them, none left out.
 */
static bool
is_long_form(struct span s)
{
	size_t	 i, digits = 0;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == ':') {
			if (digits == 0)
				return false;
			digits = 0;
		} else if (!is_hex(s.p[i]) ||
		    (digits == 1 && s.p[i - 1] == '0'))
			return false;
		else
			digits++;
	}
	return digits > 0;
}

static bool
trap_ip6(struct span s, bool named, struct map_fault *f)
{
	if (named && is_long_form(s))
		return false;
	return trap(f, s.p, "sendmail never finds this key: it compares the "
	    "long form, IPv6:2001:db8:0:0:0:0:0:1");
}

static bool
trap_ip4(struct span s, struct map_fault *f)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] != '.' && (s.p[i] < '0' || s.p[i] > '9'))
			return false;
	if (s.p[s.n - 1] != '.')
		return false;
	return trap(f, s.p, "sendmail never finds this key: a prefix has no "
	    "dot at its end there");
}

/* What stands behind a tag. */
static struct span
without_tag(struct span key)
{
	static const struct span	 tags[] = {
		{ "connect:", 8 }, { "from:", 5 }, { "to:", 3 }
	};
	size_t				 i;

	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (span_iprefix(key, tags[i]))
			return span_from(key, tags[i].n);
	return key;
}

bool
map_trap_access(struct span key, struct span value, struct map_fault *f)
{
	struct span	 s = without_tag(key);
	bool		 named;

	(void)value;
	if (s.n == 0 || span_index(s, '@') >= 0)
		return false;
	if (span_index(s, '/') >= 0)
		return trap(f, s.p, "sendmail reads no networks with bits: it "
		    "takes this for a name that nobody has");
	named = span_iprefix(s, SPAN("IPv6:"));
	if (named)
		s = span_from(s, 5);
	return named || span_index(s, ':') >= 0 ? trap_ip6(s, named, f) :
	    trap_ip4(s, f);
}

/* --- routes */

bool
map_trap_routes(struct span key, struct span value, struct map_fault *f)
{
	ptrdiff_t	 close = span_index(value, ']');
	size_t		 at = close < 0 ? value.n : (size_t)close + 1;

	(void)key;
	if (at + 1 >= value.n || value.p[at] != ':' ||
	    value.p[at + 1] < '0' || value.p[at + 1] > '9')
		return false;
	return trap(f, value.p + at, "sendmail takes what follows the "
	    "']' for another host to try, and forgets the port");
}

/* --- virtusers */

bool
map_trap_virtusers(struct span key, struct span value, struct map_fault *f)
{
	size_t	 i;

	(void)key;
	if (span_iprefix(value, SPAN("error:")))
		return false;
	for (i = 0; i + 1 < value.n; i++)
		if (value.p[i] == '%' && value.p[i + 1] == '0')
			return trap(f, value.p + i, "sendmail puts the key "
			    "in for %0, not the address that was asked");
	if (span_index(value, ',') >= 0)
		return trap(f, value.p, "sendmail sends to one address only: "
		    "a list is the matter of its aliases");
	return false;
}
