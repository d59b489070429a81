/*
 * scram_text.c - the client's messages of SCRAM.
 */
#include "config.h"

#include "mta/sasl/sasl_int.h"
#include "mta/sasl/scram_text.h"

static const char	encoding[] = "e=invalid-encoding";
static const char	extensions_fault[] = "e=extensions-not-supported";

/* Up to the next comma, or all of it. */
static struct span
until_comma(struct span in)
{
	ptrdiff_t	at = span_index(in, ',');

	return at == -1 ? in : span_mem(in.p, (size_t)at);
}

/* The value of the attribute that in begins with; it and its comma are eaten. */
static bool
take(struct span *in, char name, struct span *value)
{
	struct span	attr = until_comma(*in);

	if (attr.n < 3 || attr.p[0] != name || attr.p[1] != '=')
		return false;
	*value = span_from(attr, 2);
	*in = span_from(*in, attr.n + 1);
	return true;
}

/* cb-name = 1*(ALPHA / DIGIT / "." / "-") */
static bool
binding_name_ok(struct span name)
{
	char	c;

	for (size_t i = 0; i < name.n; i++) {
		c = ascii_lower(name.p[i]);
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    c == '.' || c == '-'))
			return false;
	}
	return name.n > 0;
}

/* gs2-header = gs2-cbind-flag "," [ "a=" saslname ] "," */
bool
scram_gs2(struct span in, struct scram_first *out)
{
	struct span	part = until_comma(in), rest;

	memset(out, 0, sizeof(*out));
	if (part.n == in.n || part.n == 0)
		return false;
	out->flag = part.p[0];
	if (out->flag == 'p') {
		if (part.n < 2 || part.p[1] != '=')
			return false;
		out->binding = span_from(part, 2);
		if (!binding_name_ok(out->binding))
			return false;
	} else if (part.n != 1 || (out->flag != 'n' && out->flag != 'y'))
		return false;
	rest = span_from(in, part.n + 1);
	part = until_comma(rest);
	if (part.n == rest.n)
		return false;
	if (part.n > 0) {
		if (!span_prefix(part, SPAN("a=")) || part.n == 2)
			return false;
		out->authzid = span_from(part, 2);
	}
	out->bare = span_from(rest, part.n + 1);
	out->gs2 = span_mem(in.p, in.n - out->bare.n);
	return true;
}

/* c-nonce = 1*(%x21-2B / %x2D-7E) */
static bool
nonce_ok(struct span nonce)
{
	for (size_t i = 0; i < nonce.n; i++)
		if (nonce.p[i] < 0x21 || nonce.p[i] > 0x7e)
			return false;
	return true;
}

/*
 * extensions = attr-val *("," attr-val); "m" is one that must be understood
 * (5.1), wherever it stands.  NULL: none is in the way.
 */
static const char *
extensions(struct span in)
{
	struct span	attr;
	char		c;

	for (;;) {
		attr = until_comma(in);
		c = attr.n > 0 ? ascii_lower(attr.p[0]) : '\0';
		if (attr.n < 3 || c < 'a' || c > 'z' || attr.p[1] != '=' ||
		    !sasl_name_ok(span_from(attr, 2)))
			return encoding;
		if (attr.p[0] == 'm')
			return extensions_fault;
		if (attr.n == in.n)
			return NULL;
		in = span_from(in, attr.n + 1);
	}
}

const char *
scram_first(struct span in, struct scram_first *out)
{
	struct span	rest;

	if (!scram_gs2(in, out))
		return encoding;
	rest = out->bare;
	if (span_prefix(rest, SPAN("m=")))
		return extensions_fault;
	if (!take(&rest, 'n', &out->user))
		return encoding;
	if (!take(&rest, 'r', &out->nonce) || !nonce_ok(out->nonce))
		return encoding;
	/* A comma that nothing follows is no syntax: then rest is empty too. */
	if (out->bare.p[out->bare.n - 1] == ',')
		return encoding;
	return rest.n > 0 ? extensions(rest) : NULL;
}

/* channel-binding "," nonce ["," extensions] "," proof; the proof is last. */
const char *
scram_final(struct span in, struct scram_final *out)
{
	struct span	 rest = in;
	const char	*why;
	size_t		 last;

	memset(out, 0, sizeof(*out));
	if (!take(&rest, 'c', &out->binding) ||
	    !take(&rest, 'r', &out->nonce) || !nonce_ok(out->nonce))
		return encoding;
	for (last = rest.n; last > 0 && rest.p[last - 1] != ','; last--)
		continue;
	out->proof = span_from(rest, last);
	if (out->proof.n < 3 || !span_prefix(out->proof, SPAN("p=")))
		return encoding;
	if (last > 0 &&
	    (why = extensions(span_mem(rest.p, last - 1))) != NULL)
		return why;
	out->without_proof = span_mem(in.p, in.n - out->proof.n - 1);
	out->proof = span_from(out->proof, 2);
	return NULL;
}

bool
scram_name(struct sasl *s, struct span in, struct span *out)
{
	char	*to = sasl_room(s, in.n);
	size_t	 n = 0;

	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] != '=') {
			to[n++] = in.p[i];
			continue;
		}
		if (span_prefix(span_from(in, i), SPAN("=2C")))
			to[n++] = ',';
		else if (span_prefix(span_from(in, i), SPAN("=3D")))
			to[n++] = '=';
		else
			return false;
		i += 2;
	}
	*out = span_mem(to, n);
	return sasl_name_ok(*out);
}
