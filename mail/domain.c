/*
 * domain.c - domain names: letters, digits, hyphens; case; IDNA (libidn2).
 *
 * ASCII names, nearly all, are checked and folded here; only a name with
 * octets above 127 goes to libidn2, and what that says is checked again.
 */
#include "config.h"

#include <idn2.h>
#include <stdlib.h>

#include "mail/domain.h"

#define NAME_MAX_OCTETS		253	/* text form; RFC 1035, 2.3.4 */
#define LABEL_MAX		63	/* RFC 1035, 2.3.4 */
#define UTF8_NAME_MAX		1024	/* octets before IDNA: only a bound */

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z');
}

/* One label (RFC 1123, 2.1), with the underscore of service names. */
static int
check_label(struct span l, const char **why)
{
	size_t	 i;

	if (l.n == 0) {
		*why = "a domain name has an empty label";
		return -1;
	}
	if (l.n > LABEL_MAX) {
		*why = "a label of the domain name is longer than 63 octets";
		return -1;
	}
	if (l.p[0] == '-' || l.p[l.n - 1] == '-') {
		*why = "no label of a domain name begins or ends "
		    "with '-'";
		return -1;
	}
	for (i = 0; i < l.n; i++)
		if (!is_alnum(l.p[i]) && l.p[i] != '-' && l.p[i] != '_') {
			*why = "a domain name has letters, digits and '-' only";
			return -1;
		}
	return 0;
}

/* "192.0.2.1" is no name: the last label is not a number (RFC 1123, 2.1). */
static bool
all_digits(struct span l)
{
	size_t	 i;

	for (i = 0; i < l.n; i++)
		if (l.p[i] < '0' || l.p[i] > '9')
			return false;
	return true;
}

static int
check_name(struct span name, const char **why)
{
	struct span	 rest = name, label;
	ptrdiff_t	 dot;

	if (name.n == 0) {
		*why = "the domain name is empty";
		return -1;
	}
	if (name.n > NAME_MAX_OCTETS) {
		*why = "the domain name is longer than 253 octets";
		return -1;
	}
	do {
		dot = span_index(rest, '.');
		label = dot < 0 ? rest : span_mem(rest.p, (size_t)dot);
		if (check_label(label, why) == -1)
			return -1;
		rest = span_from(rest, label.n + 1);
	} while (dot >= 0);
	if (all_digits(label)) {
		*why = "a domain name does not end in a number; "
		    "an address stands in brackets: [192.0.2.1]";
		return -1;
	}
	return 0;
}

static struct span
fold(struct span in, struct arena *a)
{
	char	*p = arena_alloc(a, in.n + 1);
	size_t	 i;

	for (i = 0; i < in.n; i++)
		p[i] = ascii_lower(in.p[i]);
	return span_mem(p, in.n);
}

/* U-labels to A-labels (RFC 5891, 5; UTS 46, not transitional). */
static int
to_alabels(struct span in, struct arena *a, struct span *out, const char **why)
{
	struct span	 z;
	uint8_t		*ascii = NULL;
	int		 rc;

	if (in.n > UTF8_NAME_MAX || memchr(in.p, '\0', in.n) != NULL) {
		*why = "not an internationalised domain name";
		return -1;
	}
	z = arena_span(a, in);
	rc = idn2_lookup_u8((const uint8_t *)z.p, &ascii,
	    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK) {
		*why = "not an internationalised domain name (RFC 5890)";
		return -1;
	}
	*out = arena_span(a, span_of((char *)ascii));
	idn2_free(ascii);
	return 0;
}

int
domain_normalise(struct span in, struct arena *a, struct span *out,
    const char **why)
{
	if (!span_is_ascii(in) && to_alabels(in, a, &in, why) == -1)
		return -1;
	if (in.n > 1 && in.p[in.n - 1] == '.')
		in.n--;
	if (check_name(in, why) == -1)
		return -1;
	*out = fold(in, a);
	return 0;
}
