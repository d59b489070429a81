/*
 * sockets.c - whether a policy sends mail to sockets in the file system.
 *
 * It is known before anything is evaluated, since a process that can open them
 * is confined in another way than one that cannot.
 */
#include "ruleset/image.h"

static bool
is_path(struct span s)
{
	return span_prefix(s, SPAN("/")) || span_prefix(s, SPAN("unix:"));
}

/* The instruction before loads what it takes: a constant that is no path. */
static bool
is_elsewhere(const struct rs_image *im, uint32_t insn)
{
	const struct rs_insn	*load, *in = rs_insn(im, insn);
	struct rs_value		 v;

	if (insn == 0)
		return false;
	load = rs_insn(im, insn - 1);
	if (load->op != RS_LOAD || load->a != in->a)
		return false;
	v = rs_const(im, load->c);
	return v.type == RS_T_TEXT && !is_path(v.s);
}

static bool
is_local_filter(const struct rs_image *im, uint32_t object)
{
	return rs_object(im, object)->kind == RS_O_FILTER &&
	    is_path(rs_option_text(im, object, RS_OPT_FILTER_host));
}

bool
rs_image_uses_sockets(const struct rs_image *im)
{
	uint32_t	 i;

	for (i = 0; i < rs_nobject(im); i++)
		if (is_local_filter(im, i))
			return true;
	for (i = 0; i < rs_ninsn(im); i++)
		if (rs_insn(im, i)->op == RS_LMTP && !is_elsewhere(im, i))
			return true;
	return false;
}
