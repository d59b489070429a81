/*
 * srs.c - the block `srs` of a policy that runs: its secrets, and what rules
 * ask of it.
 *
 * Secrets come beside the image, never in it.  Without one nothing can be said:
 * what would be rewritten, or taken back, waits.
 */
#include "mta/policy/policy_int.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/xalloc.h"

#include <stdlib.h>

#define TEST_SECRET	"test"	/* of `waybill test` and explain */

struct policy_srs {
	struct srs	 srs;
};

static uint32_t
block_of(const struct rs_image *im)
{
	uint32_t	i = 0;

	while (i < rs_nobject(im) && rs_object(im, i)->kind != RS_O_SRS)
		i++;
	return i;
}

static struct rs_value
value_of(const struct rs_image *im, uint32_t block, enum rs_option option)
{
	const struct rs_optval	*o;
	struct rs_place		 p;

	if (!rs_option(im, block, option, 0, &o))
		return rs_empty(RS_T_NONE);
	p = rs_option_place(im, o, 0);
	return p.is_func || p.index == UINT32_MAX ? rs_empty(RS_T_NONE) :
	    rs_const(im, p.index);
}

void
srs_open(struct policy *p)
{
	uint32_t	block = block_of(p->image);

	if (block == rs_nobject(p->image))
		return;
	p->srs = xcalloc(1, sizeof(*p->srs));
	p->srs->srs.domain = value_of(p->image, block, RS_OPT_SRS_domain).s;
	p->srs->srs.lifetime_s =
	    value_of(p->image, block, RS_OPT_SRS_lifetime).i / 1000;
	if (p->quiet)
		policy_srs_secret(p, SPAN(TEST_SECRET));
}

void
srs_close(struct policy *p)
{
	size_t	i;

	for (i = 0; p->srs != NULL && i < p->srs->srs.nsecrets; i++) {
		struct span	s = p->srs->srs.secrets[i];
		char		*octets = (char *)(uintptr_t)s.p;

		explicit_bzero(octets, s.n);
		free(octets);
	}
	free(p->srs);
	p->srs = NULL;
}

void
policy_srs_secret(struct policy *p, struct span secret)
{
	struct srs	*s = p->srs == NULL ? NULL : &p->srs->srs;
	char		*octets;

	if (s == NULL || secret.n == 0 || secret.n > SRS_SECRET_MAX ||
	    s->nsecrets == SRS_SECRETS_MAX)
		return;
	octets = xmalloc(secret.n);
	memcpy(octets, secret.p, secret.n);
	s->secrets[s->nsecrets++] = span_mem(octets, secret.n);
}

/* Each line is one, as in postsrsd's file; blanks at its ends do not count. */
void
policy_srs_file(struct policy *p, int fd)
{
	struct buf	text = { 0 };
	struct span	all, line;
	ptrdiff_t	nl;

	/* In one piece: what grows leaves copies behind. */
	(void)buf_reserve(&text, SRS_FILE_MAX + 1);
	if (file_read_fd(fd, SRS_FILE_MAX, &text) == -1)
		log_warn("event=srs-secret");
	for (all = buf_span(&text); all.n > 0;
	    all = span_from(all, nl < 0 ? all.n : line.n + 1)) {
		line = all;
		if ((nl = span_index(all, '\n')) >= 0)
			line.n = (size_t)nl;
		policy_srs_secret(p, header_trim(line));
	}
	buf_wipe(&text);
}

enum rs_answer
world_srs(void *ctx, struct rs_eval *ev, const struct rs_value *address,
    bool back, struct rs_value *out)
{
	struct asking		*a = ctx;
	const struct policy	*p = a->policy;
	int64_t			 now_ms = a->facts->now_ms;
	struct span		 s;
	enum srs_result		 is;

	if (p->srs == NULL || p->srs->srs.nsecrets == 0)
		return RS_CANNOT;
	if (now_ms == 0)
		now_ms = clock_wall_ms();
	is = back ? srs_back(&p->srs->srs, address->s, now_ms / 1000,
	    rs_eval_arena(ev), &s) : srs_forward(&p->srs->srs, address->s,
	    now_ms / 1000, rs_eval_arena(ev), &s);
	if (back && is != SRS_OK)
		return RS_ABSENT;
	*out = rs_address(s);
	return RS_HAVE;
}
