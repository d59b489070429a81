/*
 * value.h - the values that rules compute with, and the operators on them.
 *
 * One file of operators serves the interpreter and the compiler's constant
 * folding, so the two cannot differ.  Spans are borrowed: from the image, the
 * world, or the evaluation's arena.
 *
 * Three values of truth: a condition is true, false, or RS_T_UNKNOWN ("cannot
 * say": a table or a server has not answered).  false and ? = false, true or
 * ? = true, whichever stands first; everything else with ? is ?.
 */
#ifndef WB_RULESET_VALUE_H
#define WB_RULESET_VALUE_H

#include "base/arena.h"
#include "base/ip.h"

/* The numbers are part of the image's format. */
enum rs_type {
	RS_T_NONE = 0,		/* nothing: a table has no such key */
	RS_T_UNKNOWN = 1,	/* cannot say; i: enum rs_why bits */
	RS_T_BOOL = 2,		/* i: 0 or 1 */
	RS_T_INT = 3,		/* i */
	RS_T_SIZE = 4,		/* i: octets */
	RS_T_TIME = 5,		/* i: milliseconds */
	RS_T_TEXT = 6,		/* s */
	RS_T_DOMAIN = 7,	/* s: lower case, A-labels; empty: none */
	RS_T_ADDRESS = 8,	/* s: "local@domain", <> is ""; at: its '@' or s.n */
	RS_T_IP = 9,		/* ip; family 0: none */
	RS_T_NET = 10,		/* ip and bits */
	RS_T_STATUS = 11,	/* s: "5.7.1" */
	RS_T_DATE = 12,		/* i: wall milliseconds since 1970 */
	RS_T_CLIENT = 13,	/* ip: the client, as a key of an access table */
	RS_T_VERDICT = 14,	/* s: as the table writes it; bits: enum rs_role,
				   RS_VERDICT_ANY_DOMAIN; compares with nothing */
	RS_T_RATE = 15,		/* i: RS_RATE_COUNT(), RS_RATE_MS(); a constant */
	RS_NTYPES
};

/* Why a value is unknown: what a rule does then depends on it. */
enum rs_why {
	RS_WHY_TABLE = 1,	/* defer 451 4.3.0 */
	RS_WHY_SOFT = 2		/* DNS list, SPF: rule not taken, one alarm */
};

/* Of whom an access table is asked; the numbers are operands of ACCESS_GET. */
enum rs_role { RS_ROLE_CLIENT, RS_ROLE_SENDER, RS_ROLE_RCPT, RS_NROLES };
extern const char *const rs_role_names[RS_NROLES];	/* "client" */
/* The key that was found says nothing of the domain. */
#define RS_VERDICT_ANY_DOMAIN	0x80u

/* "100/1h" in one number: how often (below 2^27), in which time (below 2^36 ms). */
#define RS_RATE_COUNT_MAX	(INT64_C(1) << 27)
#define RS_RATE_MS_MAX		(INT64_C(1) << 36)
#define RS_RATE_OF(count, ms)	((int64_t)(count) << 36 | (int64_t)(ms))
#define RS_RATE_COUNT(i)	((i) >> 36)
#define RS_RATE_MS(i)		((i) & ((INT64_C(1) << 36) - 1))

struct rs_value {
	uint8_t		type;
	bool		tainted;	/* a stranger wrote it */
	uint8_t		bits;		/* NET; VERDICT */
	uint32_t	at;		/* ADDRESS */
	union {
		int64_t		i;
		struct span	s;
		struct ip	ip;
	};
};

/* Parts of an address; the numbers are operands of FIELD. */
enum rs_field { RS_F_USER, RS_F_DETAIL, RS_F_DOMAIN, RS_F_LOCAL, RS_NFIELDS };

const char	*rs_type_name(unsigned);	/* "domain" */

struct rs_value	rs_bool(bool);
struct rs_value	rs_int(enum rs_type, int64_t);
/* TEXT, DOMAIN, STATUS. */
struct rs_value	rs_text(enum rs_type, struct span);
/* "local@domain", the domain folded already. */
struct rs_value	rs_address(struct span whole);
struct rs_value	rs_ip(const struct ip *);
struct rs_value	rs_net(const struct ipnet *);
struct rs_value	rs_unknown(enum rs_why);

/* s is used */
static inline bool
rs_has_span(unsigned type)
{
	return type == RS_T_TEXT || type == RS_T_DOMAIN ||
	    type == RS_T_ADDRESS || type == RS_T_STATUS ||
	    type == RS_T_VERDICT;
}

/* "", <>, 0, false, no address: what a fact is that has no value. */
static inline struct rs_value
rs_empty(enum rs_type type)
{
	struct rs_value	v;

	memset(&v, 0, sizeof(v));
	v.type = (uint8_t)type;
	if (rs_has_span(type))
		v.s = SPAN("");
	return v;
}

bool		rs_is_number(unsigned type);	/* i is used */
/* NONE, an empty domain, address, ip, net or client: in no set and no table. */
bool		rs_is_void(const struct rs_value *);

/*
 * What a condition makes of a value: what is neither true nor unknown is
 * false.
 */
enum rs_truth { RS_FALSE, RS_TRUE, RS_CANNOT_SAY };
enum rs_truth	rs_truth(const struct rs_value *);

/*
 * -1, 0, 1; 2 when the two cannot be compared: types that do not go together,
 * and what is void, which equals nothing (but <> equals <>).  TEXT with DOMAIN
 * or ADDRESS folds ASCII case; addresses compare with the local part folded.
 * INT goes with SIZE.
 */
int		rs_compare(const struct rs_value *, const struct rs_value *);
struct rs_value	rs_eq(const struct rs_value *, const struct rs_value *);
/* op: RS_LT, RS_LE, RS_GT, RS_GE of op.h */
struct rs_value	rs_order(unsigned op, const struct rs_value *,
    const struct rs_value *);
struct rs_value	rs_and(const struct rs_value *, const struct rs_value *);
struct rs_value	rs_or(const struct rs_value *, const struct rs_value *);
struct rs_value	rs_not(const struct rs_value *);
/* The part of an address; detail characters as in the policy's `detail`. */
struct rs_value	rs_part(const struct rs_value *, enum rs_field,
    struct span detail);
/* The network around an address: `client.ip/24/56`. */
struct rs_value	rs_mask(const struct rs_value *, unsigned bits4,
    unsigned bits6);
/*
 * As text, in the form that a person would write it; NONE and UNKNOWN give "".
 */
struct span	rs_format(const struct rs_value *, struct arena *);
/*
 * Text that came out of a table, read as the type that is wanted ("2G" as
 * size); false when it cannot be.  Also widens: domain or address to text.
 */
bool		rs_convert(const struct rs_value *, enum rs_type want,
    struct arena *, struct rs_value *out);
/* A copy whose spans live in the arena. */
struct rs_value	rs_copy(const struct rs_value *, struct arena *);

#endif
