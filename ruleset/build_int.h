/*
 * build_int.h - what build.c and build_sets.c share.
 */
#ifndef WB_RULESET_BUILD_INT_H
#define WB_RULESET_BUILD_INT_H

#include "base/buf.h"
#include "base/hash.h"
#include "ruleset/build.h"
#include "ruleset/image_int.h"

struct rs_build {
	struct buf	 sec[RS_NSECTIONS];
	struct buf	 options;	/* struct pending_option */
	struct htab	 strings, consts, regexes;
	uint32_t	 func;		/* under way, or RS_NO_INDEX */
	uint32_t	 sw;		/* SWITCH under way, or RS_NO_INDEX */
	enum rs_type	 sw_type;
	struct buf	 cases;		/* struct rs_case, as rules come */
	const char	*why;		/* the first mistake */
};

uint32_t	 rs_build_count(const struct rs_build *, enum rs_section_kind);
/* Adds a record; its number. */
uint32_t	 rs_build_add(struct rs_build *, enum rs_section_kind,
    const void *);
/* Good until something is added to the section. */
void		*rs_build_record(struct rs_build *, enum rs_section_kind,
    uint32_t);

#endif
