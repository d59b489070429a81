/*
 * image_int.h - the image's records, for those who write, prove and read it:
 * build, image, verify, sets, disasm.  doc/image.md says it all in words.
 */
#ifndef WB_RULESET_IMAGE_INT_H
#define WB_RULESET_IMAGE_INT_H

#include "ruleset/image.h"

#define RS_IMAGE_MAGIC		"WBIMAGE2"
#define RS_IMAGE_VERSION	2
#define RS_IMAGE_MAX		(512u << 20)	/* octets */
#define RS_ALIGN		8
#define RS_NO_INDEX		UINT32_MAX

/*
 * Numbers are in the order of the processor; images are written little-endian.
 */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "images are mapped as they are: little-endian processors only");

struct rs_header {
	char		magic[8];
	uint32_t	version;
	uint32_t	nsections;
	uint64_t	size;		/* of the image, header included */
	uint64_t	dialect;	/* rs_dialect() */
	uint8_t		sha256[32];	/* of all that follows the header */
};

struct rs_section {
	uint32_t	kind;		/* enum rs_section_kind */
	uint32_t	record;		/* octets of one record */
	uint64_t	offset;		/* from the image's start */
	uint64_t	count;		/* records */
};

struct rs_string { uint32_t offset; uint32_t n; };

struct rs_const {
	uint8_t		type;
	uint8_t		bits;		/* NET */
	uint8_t		family;		/* IP, NET: 0, 4, 6 */
	uint8_t		pad;
	uint32_t	string;		/* TEXT, DOMAIN, ADDRESS, STATUS */
	union {
		int64_t	i;		/* BOOL, INT, SIZE, TIME */
		uint8_t	a[16];		/* IP, NET */
	};
};

struct rs_entry { uint32_t key, value; };

struct rs_set {
	uint32_t	name;
	uint32_t	type;		/* DOMAIN, TEXT, ADDRESS, INT */
	uint32_t	first_slot;
	uint32_t	nslots;		/* a power of two */
	uint32_t	nitems;
	uint32_t	depths;		/* bit n: an item ".a.b" of n labels */
};

/* item: 1 + offset in ITEMS / 4; 0: the slot is free. */
struct rs_slot { uint32_t hash; uint32_t item; };

struct rs_nets {
	uint32_t	name;
	uint32_t	root[2];	/* IPv4, IPv6: a child, as in a node */
};

/* Sixteen ways for four bits: the size of a cache line. */
#define RS_NODE_NONE	0
#define RS_NODE_ALL	1
#define RS_NODE_FIRST	2		/* child 2 + n: node n */
struct rs_node { uint32_t child[16]; };

/* The n-th belongs to the n-th SWITCH; a hash table as that of a set. */
struct rs_switch {
	uint32_t	type;		/* of all its constants */
	uint32_t	first_case;
	uint32_t	ncases;		/* places: a power of two */
};

struct rs_case {
	uint32_t	hash;
	uint32_t	string;		/* RS_NO_INDEX: the place is free */
	uint32_t	skip;		/* instructions, as in a jump */
};

enum rs_section_kind {
#define SECTION(id, record, meaning) RS_S_##id,
#include "ruleset/sections.def"
#undef SECTION
	RS_NSECTIONS
};

struct rs_section_info {
	const char	*name;
	uint32_t	 record;	/* octets */
};
extern const struct rs_section_info rs_sections[RS_NSECTIONS];

struct rs_image {
	const uint8_t	*base;
	size_t		 size;
	bool		 mapped;
	char		 hash[17];
	const void	*sec[RS_NSECTIONS];
	uint32_t	 n[RS_NSECTIONS];
	/* Found once after the verifier has agreed. */
	struct rs_value	*consts;
	struct regex	**regexes;	/* compiled */
	uint64_t	*facts;		/* by function */
	uint32_t	*need;		/* registers, with its callees' */
	uint32_t	 most_need;
	uint32_t	 hooks[RS_NHOOKS];
	uint32_t	 single[RS_NOBJECTS];	/* first of each kind */
};

#define RS_REC(im, kind, type, i) (&((const type *)(im)->sec[RS_S_##kind])[i])

/*
 * Hash of the names and operands of all that op, facts, hooks and options
 * declare.
 */
uint64_t	rs_dialect(void);

/* sets.c: what build and look-up must agree on. */
uint32_t	rs_item_hash(struct span);	/* ASCII case folded */
struct span	rs_item(const struct rs_image *, uint32_t item);
/*
 * How many instructions SWITCH number n skips for v; `otherwise` for what is
 * no case.
 */
uint32_t	rs_switch_skip(const struct rs_image *, uint32_t n,
    const struct rs_value *v, uint32_t otherwise);
/*
 * A constant as the string of a case, borrowed from the value: its text, the
 * octets of an ip, the eight of a number as they are in memory.  Empty: it is
 * no case.  And back.
 */
struct span	rs_case_key(const struct rs_value *);
struct rs_value	rs_case_value(unsigned type, struct span key);
/* Labels of ".a.b", at most 31. */
unsigned	rs_labels(struct span suffix);

/* Writes the checksum over a finished image (build; tests that change one). */
void		rs_image_seal(void *image, size_t);

/*
 * verify.c: 0, or -1 with *why.  The frame has been checked, sec and n are
 * set.
 */
int		rs_verify(const struct rs_image *, const char **why);
/* verify_code.c */
int		rs_verify_made(const struct rs_image *, const char **why);
int		rs_verify_code(const struct rs_image *, const char **why);
/* A *why with numbers in it, good until the next one of this thread. */
const char	*rs_told(const char *, ...) __attribute__((format(printf, 1,
    2)));

#endif
