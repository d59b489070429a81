/*
 * image_fuzz.c - octets as an image: the verifier, and, if it accepts, every
 * function under worlds that say and delay whatever they like, with records
 * and without; the disassembler; the bounds of `check --cost`.
 *
 * The header is made right first, so that mutations reach the verifier.  The
 * place of the checksum draws the worlds' answers.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "ruleset/disasm.h"
#include "ruleset/image_int.h"
#include "test/fuzz/noise.h"

#define RUNS		400	/* of functions, for one image */
#define WAITS		20	/* of one run */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);
size_t	LLVMFuzzerMutate(uint8_t *, size_t, size_t);
size_t	LLVMFuzzerCustomMutator(uint8_t *, size_t, size_t, unsigned);

/*
 * To its end: also behind each table that an EXPAND has found.  It is over
 * when the functions and waits are.
 */
static void
finish(struct rs_eval *ev, uint32_t func, struct noise *n)
{
	struct rs_value		 args[RS_ARGS_MAX];
	struct rs_verdict	 v;
	unsigned		 nargs = rs_func(n->im, func)->nargs;
	unsigned		 parked = 0;
	enum rs_run		 state;

	for (unsigned i = 0; i < nargs; i++)
		args[i] = noise_value(n);
	state = rs_eval_run(ev, func, args, nargs, &v);
	while (state == RS_PENDING || v.kind == RS_V_EXPAND) {
		if (state == RS_PENDING && ++parked > WAITS)
			abort();
		state = rs_eval_resume(ev, &v);
	}
	if (v.kind >= RS_NVERDICTS)
		abort();
}

static void
run_recorded(uint32_t func, struct noise *n)
{
	struct rs_record	 record = { 0 };
	struct rs_eval		*ev = rs_eval_new(n->im, &noise_world, n,
				    &record);
	struct buf		 out = { 0 };

	n->waits = WAITS;
	finish(ev, func, n);
	rs_record_json(&record, n->im, &out);
	rs_record_text(&record, n->im, "p", &out);
	buf_clear(&out);
	rs_record_clear(&record);
	rs_eval_free(&ev);
}

/* What is asked of tables and servers is no more than what was said before. */
static void
check_cost(const struct rs_func *f, const struct noise *n)
{
	static const enum rs_cost_kind	kinds[] = {
		RS_COST_LOOKUPS, RS_COST_DNS, RS_COST_COUNTERS,
		RS_COST_CALLOUTS, RS_COST_ROUTES,
	};
	struct rs_cost			most;

	if (f->kind != RS_FUNC_HOOK)
		return;
	if (!rs_cost_hook(n->im, (enum rs_hook)f->hook, &most))
		abort();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (n->asked.n[kinds[i]] > most.n[kinds[i]])
			abort();
	}
}

static void
run_plain(uint32_t func, struct noise *n)
{
	struct rs_eval	*ev = rs_eval_new(n->im, &noise_world, n, NULL);

	n->waits = 0;
	memset(&n->asked, 0, sizeof(n->asked));
	finish(ev, func, n);
	check_cost(rs_func(n->im, func), n);
	rs_eval_free(&ev);
}

static void
ask_sets(const struct rs_image *im, struct noise *n)
{
	for (uint32_t i = 0; i < im->n[RS_S_SETS] && i < 20; i++) {
		struct rs_value	v = noise_value(n);

		(void)rs_set_has(im, i, &v);
	}
	for (uint32_t i = 0; i < im->n[RS_S_NETS] && i < 20; i++) {
		struct ip	ip = { .family = 6 };

		for (unsigned k = 0; k < 16; k++)
			ip.a[k] = (uint8_t)noise_draw(n);
		(void)rs_nets_has(im, i, &ip);
		ip.family = 4;
		(void)rs_nets_has(im, i, &ip);
	}
}

static void
use(const struct rs_image *im, struct noise *n)
{
	struct buf	out = { 0 };
	uint32_t	nfuncs = rs_nfunc(im);

	n->im = im;
	rs_disasm(im, SPAN("one\ntwo\n"), &out);
	buf_clear(&out);
	for (unsigned i = 0; i < RS_NOPTIONS; i++) {
		(void)rs_setting_int(im, (enum rs_option)i);
		(void)rs_setting_text(im, (enum rs_option)i);
	}
	ask_sets(im, n);
	for (uint32_t i = 0; i < RUNS && nfuncs > 0; i++) {
		if (i >= 4 * nfuncs)
			break;
		if (i / nfuncs % 2 == 0)
			run_recorded(i % nfuncs, n);
		else
			run_plain(i % nfuncs, n);
	}
}

static void
mend_header(struct rs_header *h, size_t size)
{
	memcpy(h->magic, RS_IMAGE_MAGIC, sizeof(h->magic));
	h->version = RS_IMAGE_VERSION;
	h->nsections = RS_NSECTIONS;
	h->size = size;
	h->dialect = rs_dialect();
	rs_image_seal(h, size);
}

/*
 * Mutations.  What inserts or removes octets moves all sections and is refused
 * at once, so mostly numbers are made other small ones, where they lie.
 */

/* A section of the table that lies inside, or NULL. */
static const struct rs_section *
section(const uint8_t *data, size_t size, unsigned kind)
{
	const struct rs_section	*s = (const struct rs_section *)(const void *)
	    (data + sizeof(struct rs_header)) + kind;

	if (s->record == 0 || s->record > 64 || s->offset > size ||
	    s->count == 0 || s->count > (size - s->offset) / s->record)
		return NULL;
	return s;
}

static uint32_t
small(struct noise *n)
{
	return (uint32_t)(noise_draw(n) % (noise_draw(n) % 4 == 0 ? 300 : 12));
}

/* A number of 1, 2 or 4 octets anywhere in a record. */
static void
change_number(uint8_t *record, uint32_t size, struct noise *n)
{
	uint32_t	width = 1u << noise_draw(n) % 3, value = small(n);

	if (width > size)
		width = 1;
	memcpy(record + noise_draw(n) % (size / width) * width, &value,
	    width);
}

/* Another instruction, with operands that may be there. */
static void
change_insn(struct rs_insn *in, struct noise *n)
{
	if (in->op >= RS_NOPS || noise_draw(n) % 2 == 0)
		in->op = (uint8_t)(noise_draw(n) % RS_NOPS);
	if (noise_draw(n) % 2 == 0)
		in->a = rs_ops[in->op].a == RS_NONE_ ? 0 :
		    (uint8_t)(noise_draw(n) % 4);
	if (noise_draw(n) % 2 == 0)
		in->b = rs_ops[in->op].b == RS_NONE_ ? 0 :
		    (uint16_t)(noise_draw(n) % 6);
	if (noise_draw(n) % 2 == 0)
		in->c = rs_ops[in->op].c == RS_NONE_ ? 0 : small(n);
}

/* One change in one section; false: it is empty, or lies outside. */
static bool
change(uint8_t *data, size_t size, struct noise *n)
{
	bool			 is_code = noise_draw(n) % 2 == 0;
	unsigned		 kind = is_code ? RS_S_INSNS :
				    (unsigned)(noise_draw(n) % RS_NSECTIONS);
	const struct rs_section	*s = section(data, size, kind);
	uint8_t			*record;

	if (s == NULL)
		return false;
	record = data + s->offset + noise_draw(n) % s->count * s->record;
	if (noise_draw(n) % 8 == 0)
		memmove(record, data + s->offset + noise_draw(n) % s->count *
		    s->record, s->record);
	else if (is_code && s->record == sizeof(struct rs_insn)) {
		struct rs_insn	in;

		memcpy(&in, record, sizeof(in));
		change_insn(&in, n);
		memcpy(record, &in, sizeof(in));
	} else
		change_number(record, s->record, n);
	return true;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
    unsigned seed)
{
	size_t		head = sizeof(struct rs_header) +
			    RS_NSECTIONS * sizeof(struct rs_section);
	struct noise	n = { .x = seed * UINT64_C(0x9e3779b97f4a7c15) | 1 };
	unsigned	changes;

	noise_draw(&n);
	if (size < head + 4 || noise_draw(&n) % 16 == 0)
		return LLVMFuzzerMutate(data, size, max);
	changes = 1 + (unsigned)(noise_draw(&n) % 3);
	for (unsigned i = 0; i < 10 * changes && changes > 0; i++)
		changes -= change(data, size, &n);
	/* other worlds, too */
	data[offsetof(struct rs_header, sha256)] = (uint8_t)noise_draw(&n);
	return size;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct noise	 n = { .x = 0 };
	struct rs_image	*im;
	const char	*why;
	void		*image;

	if (size < sizeof(struct rs_header))
		return 0;
	image = xmalloc(size);
	memcpy(image, data, size);
	memcpy(&n.x, ((struct rs_header *)image)->sha256, sizeof(n.x));
	n.x |= 1;
	mend_header(image, size);
	if ((im = rs_image_open_mem(image, size, &why)) != NULL) {
		use(im, &n);
		rs_image_free(&im);
	}
	free(image);
	return 0;
}
