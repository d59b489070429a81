/*
 * image_fuzz.c - octets as an image: the verifier, and, if it accepts, every
 * function under a world that says and delays whatever it likes, with records;
 * and the disassembler.
 *
 * The header is made right first, so that mutations reach the verifier.  The
 * first octets of the input draw the world's answers.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "ruleset/disasm.h"
#include "ruleset/image_int.h"
#include "ruleset/interp.h"

#define FUNCS_RUN	12

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);
size_t	LLVMFuzzerMutate(uint8_t *, size_t, size_t);
size_t	LLVMFuzzerCustomMutator(uint8_t *, size_t, size_t, unsigned);

struct noise {
	uint64_t	x;
	unsigned	waits;
};

static uint64_t
draw(struct noise *n)
{
	n->x ^= n->x << 13;
	n->x ^= n->x >> 7;
	n->x ^= n->x << 17;
	return n->x >> 16;
}

static struct rs_value
random_value(struct noise *n)
{
	static const char *const texts[] = {
		"", "a", "hello", "2G", "host=h\nport=25\n", "ann@x.example",
		"murphy.example", "\xff\"\\\r\n", "5.7.1", "192.0.2.1",
	};
	unsigned	type = (unsigned)(draw(n) % RS_NTYPES);
	struct rs_value	v = rs_empty((enum rs_type)type);
	struct span	s = span_of(texts[draw(n) % 10]);

	if (type == RS_T_ADDRESS)
		return rs_address(s);
	if (rs_has_span(type))
		v.s = s;
	else if (rs_is_number(type))
		v.i = type == RS_T_BOOL ? (int64_t)(draw(n) & 1) :
		    (int64_t)(draw(n) << 20);
	else if (type == RS_T_UNKNOWN)
		v.i = 1 + (int64_t)(draw(n) % 3);
	else if (type == RS_T_IP || type == RS_T_NET) {
		v.ip.family = (uint8_t)(draw(n) % 3 * 2 + 2) & 6;
		v.ip.a[0] = (uint8_t)draw(n);
		v.ip.a[1] = (uint8_t)draw(n);
		v.bits = (uint8_t)(draw(n) % 33);
	}
	return v;
}

static enum rs_answer
answer(struct noise *n, struct rs_value *out)
{
	switch (draw(n) % 8) {
	case 0:
		return RS_ABSENT;
	case 1:
		return RS_CANNOT;
	case 2:
		if (n->waits > 0) {
			n->waits--;
			return RS_WAIT;
		}
		/* FALLTHROUGH */
	default:
		*out = random_value(n);
		return RS_HAVE;
	}
}

static enum rs_answer
get_fact(void *ctx, struct rs_eval *ev, unsigned fact, struct rs_value *out)
{
	(void)ev;
	(void)fact;
	return answer(ctx, out);
}

static enum rs_answer
get_map(void *ctx, struct rs_eval *ev, uint32_t map,
    const struct rs_value *key, struct rs_value *out, uint32_t *line)
{
	(void)ev;
	(void)map;
	(void)key;
	*line = 3;
	return answer(ctx, out);
}

static enum rs_answer
get_header(void *ctx, struct rs_eval *ev, struct span name, unsigned i,
    struct rs_value *out)
{
	(void)ev;
	(void)name;
	return i > 8 ? RS_ABSENT : answer(ctx, out);
}

static enum rs_answer
get_unknown(void *ctx, struct rs_eval *ev, struct rs_value *out)
{
	(void)ev;
	return answer(ctx, out);
}

static enum rs_answer
get_tag(void *ctx, struct rs_eval *ev, uint32_t tag, struct rs_value *out)
{
	(void)ev;
	(void)tag;
	return answer(ctx, out);
}

static void
on_effect(void *ctx, struct rs_eval *ev, enum rs_effect effect,
    uint32_t number, struct span name, const struct rs_value *v)
{
	(void)ctx;
	(void)ev;
	(void)effect;
	(void)number;
	(void)name;
	(void)v;
}

static const struct rs_world world = {
	.fact = get_fact, .map_get = get_map, .header = get_header,
	.rcpt_unknown = get_unknown, .tag_get = get_tag, .effect = on_effect,
};

static void
run(const struct rs_image *im, uint32_t func, struct noise *n)
{
	struct rs_record	 record = { 0 };
	struct rs_eval		*ev = rs_eval_new(im, &world, n, &record);
	struct rs_value		 args[RS_ARGS_MAX];
	struct rs_verdict	 v;
	struct buf		 out = { 0 };
	unsigned		 nargs = rs_func(im, func)->nargs;
	enum rs_run		 state;

	for (unsigned i = 0; i < nargs; i++)
		args[i] = random_value(n);
	n->waits = 10;
	state = rs_eval_run(ev, func, args, nargs, &v);
	while (state == RS_PENDING)
		state = rs_eval_resume(ev, &v);
	rs_record_json(&record, im, &out);
	rs_record_text(&record, im, "p", &out);
	buf_clear(&out);
	rs_record_clear(&record);
	rs_eval_free(&ev);
}

static void
ask_sets(const struct rs_image *im, struct noise *n)
{
	for (uint32_t i = 0; i < im->n[RS_S_SETS] && i < 20; i++) {
		struct rs_value	v = random_value(n);

		(void)rs_set_has(im, i, &v);
	}
	for (uint32_t i = 0; i < im->n[RS_S_NETS] && i < 20; i++) {
		struct ip	ip = { .family = 6 };

		for (unsigned k = 0; k < 16; k++)
			ip.a[k] = (uint8_t)draw(n);
		(void)rs_nets_has(im, i, &ip);
		ip.family = 4;
		(void)rs_nets_has(im, i, &ip);
	}
}

static void
use(const struct rs_image *im, struct noise *n)
{
	struct buf	out = { 0 };

	rs_disasm(im, SPAN("one\ntwo\n"), &out);
	buf_clear(&out);
	for (unsigned i = 0; i < RS_NOPTIONS; i++) {
		(void)rs_setting_int(im, (enum rs_option)i);
		(void)rs_setting_text(im, (enum rs_option)i);
	}
	ask_sets(im, n);
	for (uint32_t i = 0; i < rs_nfunc(im) && i < FUNCS_RUN; i++)
		run(im, i, n);
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
 * Mostly: one number behind the table of sections, of 1, 2 or 4 octets, is
 * made another small one.  What inserts or removes octets moves all sections,
 * and is refused at once.
 */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
    unsigned seed)
{
	size_t		head = sizeof(struct rs_header) +
	    RS_NSECTIONS * sizeof(struct rs_section);
	struct noise	n = { .x = seed * UINT64_C(0x9e3779b97f4a7c15) | 1 };
	size_t		width, at;
	uint32_t	value;

	draw(&n);
	if (size < head + 4 || draw(&n) % 8 == 0)
		return LLVMFuzzerMutate(data, size, max);
	width = (size_t)1 << draw(&n) % 3;
	at = head + draw(&n) % ((size - head) / width) * width;
	value = (uint32_t)(draw(&n) % (draw(&n) % 4 == 0 ? 300 : 20));
	memcpy(data + at, &value, width);
	/* another world, too */
	data[offsetof(struct rs_header, sha256)] = (uint8_t)draw(&n);
	return size;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct noise	 n = { .x = 88172645463325252u };
	struct rs_image	*im;
	const char	*why;
	void		*image;

	if (size < sizeof(struct rs_header))
		return 0;
	image = xmalloc(size);
	memcpy(image, data, size);
	/* the checksum's place is free: it draws the world */
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
