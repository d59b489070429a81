/*
 * pair_fuzz.c - any files for a tls block: certificate, key, OCSP answer,
 * authorities, with "%%" on a line between them.
 *
 * PEM hides what stands in it from who changes octets: a part that begins with
 * "DER " has the octets themselves, and gets its base64 here.
 */
#include "config.h"

#include <sys/mman.h>

#include <assert.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "base/fileio.h"
#include "base/tls_bundle.h"
#include "mta/keys/pair.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define NOW_S	1800000000

/* The first part, which is cut off. */
static struct span
next_part(struct span *left)
{
	static const struct span	mark = { "\n%%\n", 4 };
	struct span			part = *left;

	for (size_t i = 0; i + mark.n <= left->n; i++) {
		if (memcmp(left->p + i, mark.p, mark.n) == 0) {
			part.n = i;
			*left = span_from(*left, i + mark.n);
			return part;
		}
	}
	*left = SPAN_NONE;
	return part;
}

static void
put_pem(struct buf *out, const char *name, struct span der)
{
	BIO	*bio = BIO_new(BIO_s_mem());
	char	*p;
	long	 n;

	(void)PEM_write_bio(bio, name, "", (const unsigned char *)der.p,
	    (long)der.n);
	n = BIO_get_mem_data(bio, &p);
	buf_add(out, p, (size_t)n);
	BIO_free(bio);
}

static void
put_part(struct buf *out, enum keys_part part, struct span s)
{
	if (!span_prefix(s, SPAN("DER ")))
		buf_add_span(out, s);
	else if (part == KEYS_STAPLE)
		buf_add_span(out, span_from(s, 4));
	else
		put_pem(out, part == KEYS_KEY ? "PRIVATE KEY" : "CERTIFICATE",
		    span_from(s, 4));
}

/* What was taken can be opened by who gets it, and says what it must. */
static void
prove(struct pair *p)
{
	struct tls_bundle	b;
	int			fd = memfd_create("fuzz", MFD_CLOEXEC);

	assert(p->algorithm.n > 0 && p->names.n <= KEYS_TEXT_MAX);
	assert(file_write_all(fd, buf_span(&p->bundle).p, p->bundle.n) == 0);
	assert(tls_bundle_open(fd, &b));
	tls_bundle_clear(&b);
	close(fd);
}

static void
try(int (*read)(const struct span *, int64_t, struct pair *,
    struct pair_fault *), const struct span parts[KEYS_NPARTS])
{
	struct pair		p;
	struct pair_fault	f;

	if (read(parts, NOW_S, &p, &f) == 0)
		prove(&p);
	else
		assert(f.why.n > 0 && p.key == NULL && f.part < KEYS_NPARTS);
	pair_clear(&p);
	pair_fault_clear(&f);
}

static void
try_bundle(struct span octets)
{
	struct tls_bundle	b;
	int			fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (file_write_all(fd, octets.p, octets.n) == 0 &&
	    tls_bundle_open(fd, &b)) {
		assert(b.chain.n > 0);
		tls_bundle_clear(&b);
	}
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span	left = span_mem(data, n), parts[KEYS_NPARTS];
	struct buf	files[KEYS_NPARTS] = { { 0 } };

	try_bundle(left);
	for (unsigned i = 0; i < KEYS_NPARTS; i++) {
		put_part(&files[i], i, next_part(&left));
		parts[i] = buf_span(&files[i]);
	}
	try(pair_read, parts);
	try(pair_look, parts);
	for (unsigned i = 0; i < KEYS_NPARTS; i++)
		buf_clear(&files[i]);
	return 0;
}
