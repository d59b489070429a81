/*
 * proxy.c - the header of a proxy.
 */
#include "config.h"

#include "base/crc.h"
#include "mta/smtp/proxy.h"

/* --- version 1 (2.1): a line of text */

#define V1_PREFIX	SPAN("PROXY ")

/* The words of a line are divided by exactly one blank each. */
static struct span
next_word(struct span *line)
{
	ptrdiff_t	at = span_index(*line, ' ');
	struct span	word = *line;

	if (at < 0) {
		*line = SPAN_NONE;
		return word;
	}
	word.n = (size_t)at;
	*line = span_from(*line, word.n + 1);
	/* A blank at the end: an empty word follows. */
	if (line->n == 0)
		*line = SPAN("\n");
	return word;
}

/* Decimal, no leading zeros; at most max. */
static bool
number(struct span s, uint64_t max, uint64_t *out)
{
	return s.n > 0 && (s.n == 1 || s.p[0] != '0') && span_u64(s, max, out);
}

static bool
port(struct span s, uint16_t *out)
{
	uint64_t	n;

	if (!number(s, 65535, &n))
		return false;
	*out = (uint16_t)n;
	return true;
}

/* Four numbers without leading zeros. */
static bool
dotted_quad(struct span s)
{
	uint64_t	n;
	ptrdiff_t	at;

	for (unsigned i = 0; i < 3; i++) {
		if ((at = span_index(s, '.')) < 0 ||
		    !number(span_mem(s.p, (size_t)at), 255, &n))
			return false;
		s = span_from(s, (size_t)at + 1);
	}
	return number(s, 255, &n);
}

static bool
address(struct span s, unsigned family, struct ip *out)
{
	if (family == 4)
		return dotted_quad(s) && ip_parse(s, out);
	return span_index(s, ':') >= 0 && ip_parse(s, out);
}

static bool
v1_addresses(struct span line, unsigned family, struct proxy_header *out)
{
	return address(next_word(&line), family, &out->source) &&
	    address(next_word(&line), family, &out->destination) &&
	    port(next_word(&line), &out->source_port) &&
	    port(next_word(&line), &out->destination_port) && line.n == 0;
}

/* line is without its CRLF. */
static enum proxy_result
v1_line(struct span line, struct proxy_header *out, const char **why)
{
	struct span	family;

	line = span_from(line, V1_PREFIX.n);
	family = next_word(&line);
	out->version = 1;
	if (span_eq(family, SPAN("UNKNOWN"))) {
		out->says = PROXY_UNKNOWN;	/* the rest says nothing */
		return PROXY_WHOLE;
	}
	out->says = PROXY_CLIENT;
	if (span_eq(family, SPAN("TCP4"))) {
		if (v1_addresses(line, 4, out))
			return PROXY_WHOLE;
	} else if (span_eq(family, SPAN("TCP6"))) {
		if (v1_addresses(line, 6, out))
			return PROXY_WHOLE;
	} else {
		*why = "the protocol is none of TCP4, TCP6, UNKNOWN";
		return PROXY_BAD;
	}
	*why = "its addresses and ports cannot be read";
	return PROXY_BAD;
}

static enum proxy_result
v1_parse(struct span in, struct proxy_header *out, size_t *used,
    const char **why)
{
	size_t	look = in.n < PROXY_LINE_MAX ? in.n : PROXY_LINE_MAX;

	for (size_t i = V1_PREFIX.n; i < look; i++) {
		char	c = in.p[i];

		if (c == '\n' && in.p[i - 1] == '\r') {
			*used = i + 1;
			return v1_line(span_mem(in.p, i - 1), out, why);
		}
		if (c == '\n' || in.p[i - 1] == '\r') {
			*why = "a CR or LF stands alone";
			return PROXY_BAD;
		}
	}
	if (look == PROXY_LINE_MAX) {
		*why = "no end of the line in 107 octets";
		return PROXY_BAD;
	}
	return PROXY_PART;
}

/* --- version 2 (2.2): octets */

#define V2_SIGNATURE	SPAN("\r\n\r\n\0\r\nQUIT\n")
#define V2_HEAD		16	/* octets: signature, command, family, length */
#define V2_VERSION	2
#define V2_UNIX		216	/* octets of two paths */
#define TLV_HEAD	3	/* octets: type, length */
#define TLV_CRC32C	0x03	/* 2.2.3 */

static uint16_t
be16(const char *p)
{
	const uint8_t	*o = (const uint8_t *)p;

	return (uint16_t)(o[0] << 8 | o[1]);
}

static uint32_t
be32(const char *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

/* The CRC-32C of all, with the four octets at `at` taken for zeros. */
static uint32_t
crc_without(struct span all, size_t at)
{
	static const char	zeros[4];
	uint32_t		crc;

	crc = crc32c(0, all.p, at);
	crc = crc32c(crc, zeros, sizeof(zeros));
	return crc32c(crc, all.p + at + 4, all.n - at - 4);
}

/* The vectors behind the addresses, from at on. */
static enum proxy_result
v2_vectors(struct span all, size_t at, const char **why)
{
	size_t	n;
	bool	checked = false;

	for (; at < all.n; at += n) {
		if (all.n - at < TLV_HEAD ||
		    (n = TLV_HEAD + (size_t)be16(all.p + at + 1)) >
		    all.n - at) {
			*why = "a vector goes beyond its end";
			return PROXY_BAD;
		}
		if ((uint8_t)all.p[at] != TLV_CRC32C)
			continue;
		if (n != TLV_HEAD + 4 || checked ||
		    be32(all.p + at + TLV_HEAD) !=
		    crc_without(all, at + TLV_HEAD)) {
			*why = "its checksum is wrong";
			return PROXY_BAD;
		}
		checked = true;
	}
	return PROXY_WHOLE;
}

/* Octets of the addresses of a family; -1: no such family. */
static int
v2_addresses_size(unsigned family)
{
	switch (family) {
	case 0:
		return 0;
	case 1:
		return 2 * 4 + 2 * 2;
	case 2:
		return 2 * 16 + 2 * 2;
	case 3:
		return V2_UNIX;
	default:
		return -1;
	}
}

static void
v2_addresses(const char *p, size_t octets, struct proxy_header *out)
{
	out->source = ip_from_octets(p, octets);
	out->destination = ip_from_octets(p + octets, octets);
	out->source_port = be16(p + 2 * octets);
	out->destination_port = be16(p + 2 * octets + 2);
}

/*
 * Transports: 0 unspecified, 1 stream, 2 datagram.  Mail comes by streams; of
 * others, and of local sockets, the client has no address that is one here.
 */
static enum proxy_result
v2_client(struct span all, struct proxy_header *out, const char **why)
{
	unsigned	family = (uint8_t)all.p[13] >> 4;
	unsigned	transport = (uint8_t)all.p[13] & 15;
	int		size = v2_addresses_size(family);

	if (size == -1 || transport > 2) {
		*why = "a family or transport that there is not";
		return PROXY_BAD;
	}
	if (all.n - V2_HEAD < (size_t)size) {
		*why = "too short for its addresses";
		return PROXY_BAD;
	}
	if (transport == 1 && (family == 1 || family == 2)) {
		out->says = PROXY_CLIENT;
		v2_addresses(all.p + V2_HEAD, family == 1 ? 4 : 16, out);
	} else
		out->says = PROXY_UNKNOWN;
	return v2_vectors(all, V2_HEAD + (size_t)size, why);
}

static enum proxy_result
v2_whole(struct span all, struct proxy_header *out, const char **why)
{
	switch ((uint8_t)all.p[12] & 15) {
	case 0:		/* LOCAL: the rest is not looked at */
		out->says = PROXY_LOCAL;
		return PROXY_WHOLE;
	case 1:
		return v2_client(all, out, why);
	default:
		*why = "neither LOCAL nor PROXY";
		return PROXY_BAD;
	}
}

static enum proxy_result
v2_parse(struct span in, struct proxy_header *out, size_t *used,
    const char **why)
{
	size_t	whole;

	if (in.n > 12 && (uint8_t)in.p[12] >> 4 != V2_VERSION) {
		*why = "neither version 1 nor 2";
		return PROXY_BAD;
	}
	if (in.n < V2_HEAD)
		return PROXY_PART;
	whole = V2_HEAD + (size_t)be16(in.p + 14);
	if (whole > PROXY_HEADER_MAX) {
		*why = "it is too long";
		return PROXY_BAD;
	}
	if (in.n < whole)
		return PROXY_PART;
	*used = whole;
	out->version = 2;
	return v2_whole(span_mem(in.p, whole), out, why);
}

/* --- both */

/* As far as both go they are the same. */
static bool
begins(struct span in, struct span with)
{
	size_t	n = in.n < with.n ? in.n : with.n;

	return n == 0 || memcmp(in.p, with.p, n) == 0;
}

enum proxy_result
proxy_parse(struct span in, struct proxy_header *out, size_t *used,
    const char **why)
{
	memset(out, 0, sizeof(*out));
	*used = 0;
	if (begins(in, V1_PREFIX))
		return v1_parse(in, out, used, why);
	if (begins(in, V2_SIGNATURE))
		return v2_parse(in, out, used, why);
	*why = "no PROXY header";
	return PROXY_BAD;
}
