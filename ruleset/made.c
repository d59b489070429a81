/*
 * made.c - maps that are made of others.
 */
#include "base/hash.h"
#include "ruleset/image_int.h"

static const char *const made_words[] = {
	[RS_MADE_NOT] = "", [RS_MADE_FIRST] = "first",
	[RS_MADE_UNION] = "union", [RS_MADE_PIPE] = "pipe"
};

enum rs_made
rs_map_made(const struct rs_image *im, uint32_t map)
{
	struct span	driver = rs_string(im, rs_map(im, map)->driver);

	for (unsigned k = RS_MADE_FIRST; k <= RS_MADE_PIPE; k++) {
		if (span_eq(driver, span_of(made_words[k])))
			return (enum rs_made)k;
	}
	return RS_MADE_NOT;
}

uint32_t
rs_map_named(const struct rs_image *im, struct span name)
{
	for (uint32_t i = 0; i < rs_nmap(im); i++) {
		if (span_eq(rs_string(im, rs_map(im, i)->name), name))
			return i;
	}
	return RS_NO_INDEX;
}

uint32_t
rs_map_member(const struct rs_image *im, uint32_t map, uint32_t nth)
{
	const struct rs_map_decl	*m = rs_map(im, map);
	struct span			 key, name;

	if (nth >= m->nentries || rs_map_made(im, map) == RS_MADE_NOT)
		return RS_NO_INDEX;
	rs_map_entry(im, m->first_entry + nth, &key, &name);
	return rs_map_named(im, name);
}

bool
rs_map_is_asked(const struct rs_image *im, uint32_t map)
{
	const struct rs_map_decl	*m = rs_map(im, map);

	return m->file == RS_NO_INDEX && rs_map_made(im, map) == RS_MADE_NOT &&
	    !span_eq(rs_string(im, m->driver), SPAN("inline"));
}

/*
 * The number + 1 of each name; of equal ones the first, as rs_map_member()
 * takes them.  Names are short: in a hostile image all may share their octets.
 */
#define NAME_MAX_OCTETS	1000

static void
number_names(const struct rs_image *im, struct htab *names)
{
	struct span	name;

	for (uint32_t i = 0; i < rs_nmap(im); i++) {
		name = rs_string(im, rs_map(im, i)->name);
		if (name.n <= NAME_MAX_OCTETS && htab_get(names, name) == NULL)
			htab_put(names, name, (void *)(uintptr_t)(i + 1));
	}
}

static bool
has_made(const struct rs_image *im)
{
	for (uint32_t i = 0; i < rs_nmap(im); i++) {
		if (rs_map_made(im, i) != RS_MADE_NOT)
			return true;
	}
	return false;
}

/* Takes from *left what a question to map can come to; false: that is more. */
static bool
count(const struct rs_image *im, const struct htab *names, uint32_t map,
    unsigned *left)
{
	const struct rs_map_decl	*m = rs_map(im, map);
	struct span			 key, name;
	uintptr_t			 number;

	if ((*left)-- == 0)
		return false;
	if (rs_map_made(im, map) == RS_MADE_NOT)
		return true;
	for (uint32_t i = 0; i < m->nentries; i++) {
		rs_map_entry(im, m->first_entry + i, &key, &name);
		number = (uintptr_t)htab_get(names, name);
		if (number == 0 ||
		    !count(im, names, (uint32_t)(number - 1), left))
			return false;
	}
	return true;
}

int
rs_verify_made(const struct rs_image *im, const char **why)
{
	struct htab	names = { 0 };
	unsigned	left;
	uint32_t	i;

	if (!has_made(im))
		return 0;
	number_names(im, &names);
	for (i = 0; i < rs_nmap(im); i++) {
		left = RS_MAP_ASKED_MAX;
		if (rs_map_made(im, i) == RS_MADE_NOT)
			continue;
		if (rs_map(im, i)->nentries == 0 ||
		    rs_map(im, i)->nentries > RS_MAP_MEMBERS_MAX ||
		    !count(im, &names, i, &left))
			break;
	}
	htab_clear(&names);
	if (i == rs_nmap(im))
		return 0;
	*why = rs_told("MAPS %u: the maps that it is made of are none, not "
	    "there, or too many", i);
	return -1;
}
