/*
 * rdata.c - taking records apart.
 */
#include "mta/resolve/rdata.h"

#include <stdio.h>

static bool
name_octet(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '_' || c == '/';
}

/* One label, lower case, with a dot before it where one is wanted. */
static bool
take_label(struct span label, char *out, size_t *n)
{
	size_t	i;

	if (*n + label.n + 1 > 253)
		return false;
	if (*n > 0)
		out[(*n)++] = '.';
	for (i = 0; i < label.n; i++) {
		if (!name_octet(label.p[i]))
			return false;
		out[(*n)++] = ascii_lower(label.p[i]);
	}
	return true;
}

/* An uncompressed name that fills in (RFC 1035, 3.1). */
static bool
take_name(struct span in, struct arena *a, struct span *out)
{
	char	text[256];
	size_t	n = 0, len;

	for (;;) {
		if (in.n == 0)
			return false;
		len = (uint8_t)in.p[0];
		in = span_from(in, 1);
		if (len == 0)
			break;
		if (len > 63 || len > in.n ||
		    !take_label((struct span){ in.p, len }, text, &n))
			return false;
		in = span_from(in, len);
	}
	if (in.n != 0)
		return false;
	*out = arena_span(a, (struct span){ text, n });
	return true;
}

static bool
take_mx(struct span in, struct arena *a, struct dns_record *out)
{
	if (in.n < 3)
		return false;
	out->pref = (uint16_t)((uint8_t)in.p[0] << 8 | (uint8_t)in.p[1]);
	return take_name(span_from(in, 2), a, &out->name);
}

/* RFC 2782: priority, weight, port, target ("." is "not here"). */
static bool
take_srv(struct span in, struct arena *a, struct dns_record *out)
{
	const uint8_t	*p = (const uint8_t *)in.p;

	if (in.n < 7)
		return false;
	out->pref = (uint16_t)(p[0] << 8 | p[1]);
	out->weight = (uint16_t)(p[2] << 8 | p[3]);
	out->port = (uint16_t)(p[4] << 8 | p[5]);
	return take_name(span_from(in, 6), a, &out->name);
}

/* RFC 6698, 2.1; which of them can be used is for who asks. */
static bool
take_tlsa(struct span in, struct arena *a, struct dns_record *out)
{
	if (in.n < 4 || in.n - 3 > DNS_TLSA_MAX)
		return false;
	out->usage = (uint8_t)in.p[0];
	out->selector = (uint8_t)in.p[1];
	out->matching = (uint8_t)in.p[2];
	out->name = arena_span(a, span_from(in, 3));
	return true;
}

/* The character-strings of a TXT record in a row (RFC 7208, 3.3, reads them so). */
static bool
take_txt(struct span in, struct arena *a, struct dns_record *out)
{
	char	text[DNS_TXT_MAX];
	size_t	n = 0, len;

	while (in.n > 0) {
		len = (uint8_t)in.p[0];
		in = span_from(in, 1);
		if (len > in.n || n + len > sizeof(text))
			return false;
		memcpy(text + n, in.p, len);
		n += len;
		in = span_from(in, len);
	}
	out->name = arena_span(a, (struct span){ text, n });
	return true;
}

/* An IPv4-mapped address (RFC 4291, 2.5.5.2) has no place in DNS: left out. */
static bool
take_ip(struct span in, unsigned family, struct dns_record *out)
{
	static const char	mapped[12] = { [10] = '\xff', [11] = '\xff' };

	if (in.n != (family == 4 ? 4u : 16u))
		return false;
	if (family == 6 && memcmp(in.p, mapped, sizeof(mapped)) == 0)
		return false;
	out->ip.family = (uint8_t)family;
	memcpy(out->ip.a, in.p, in.n);
	return true;
}

bool
rdata_parse(enum dns_type type, struct span rdata, struct arena *a,
    struct dns_record *out)
{
	*out = (struct dns_record){ 0 };
	switch (type) {
	case DNS_A:
		return take_ip(rdata, 4, out);
	case DNS_AAAA:
		return take_ip(rdata, 6, out);
	case DNS_MX:
		return take_mx(rdata, a, out);
	case DNS_PTR:
	case DNS_CNAME:
		return take_name(rdata, a, &out->name);
	case DNS_SRV:
		return take_srv(rdata, a, out);
	case DNS_TLSA:
		return take_tlsa(rdata, a, out);
	case DNS_TXT:
		return take_txt(rdata, a, out);
	}
	return false;
}

/* Labels of 1 to 63 octets, 253 in all; of which octets, octet_ok says. */
static bool
labels_ok(struct span name, bool (*octet_ok)(char))
{
	size_t	i, label = 0;

	if (name.n == 0 || name.n > 253)
		return false;
	for (i = 0; i < name.n; i++) {
		if (name.p[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (!octet_ok(name.p[i]) || ++label > 63) {
			return false;
		}
	}
	return label > 0;
}

bool
rdata_name_ok(struct span name)
{
	return labels_ok(name, name_octet);
}

static bool
no_control(char c)
{
	return (unsigned char)c >= ' ' && c != '\177';
}

bool
rdata_question_ok(struct span name)
{
	return labels_ok(name, no_control);
}

const char *
rdata_question(struct span name, char out[RDATA_QUESTION_MAX])
{
	size_t	i, n = 0;

	for (i = 0; i < name.n && n + 5 < RDATA_QUESTION_MAX; i++)
		if (name.p[i] == '.' || name_octet(name.p[i]))
			out[n++] = name.p[i];
		else
			n += (size_t)snprintf(out + n, 5, "\\%03u",
			    (unsigned char)name.p[i]);
	out[n] = '\0';
	return out;
}
