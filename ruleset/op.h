/*
 * op.h - instructions as the image holds them: eight octets, registers,
 * forward jumps.
 */
#ifndef WB_RULESET_OP_H
#define WB_RULESET_OP_H

#include <stdbool.h>
#include <stdint.h>

enum rs_op {
#define OP(name, a, b, c, meaning) RS_##name,
#include "ruleset/op.def"
#undef OP
	RS_NOPS
};

enum rs_operand {
	RS_NONE_, RS_OUT_, RS_IN_, RS_IN0_, RS_CONST_, RS_FACT_, RS_FIELD_,
	RS_SET_, RS_NETS_, RS_MAP_, RS_FUNC_, RS_RULE_, RS_REPLY_, RS_STR_,
	RS_OBJECT_, RS_TYPE_, RS_MASK_, RS_COUNT_, RS_FLAG_, RS_JUMP_,
	RS_SWITCH_, RS_REGEX_, RS_PATTERN_, RS_LIST_, RS_RATE_, RS_LISTOF_,
	RS_ROLE_,
	RS_NOPERANDS
};

struct rs_insn {
	uint8_t		op;
	uint8_t		a;
	uint16_t	b;
	uint32_t	c;
};

#define RS_REGISTERS	250	/* of one function */
#define RS_CALL_DEPTH	32
#define RS_STEPS_MAX	1000000		/* instructions of one evaluation */
#define RS_TEXT_MAX	(64u << 10)	/* octets of a text that JOIN makes */
#define RS_EVAL_MAX	(4u << 20)	/* octets of all its texts */

struct rs_op_info {
	const char	*name;
	uint8_t		 a, b, c;	/* enum rs_operand */
	const char	*meaning;
};

extern const struct rs_op_info rs_ops[RS_NOPS];
extern const char *const rs_operand_names[RS_NOPERANDS];	/* "OUT" */
/* A verdict or RETURN: nothing follows it in its path. */
bool	rs_ends_path(unsigned op);

/* Lists of which conditions ask whether one item ...: operands of LIST_EQ. */
enum rs_listof {
	RS_LISTOF_ATTACHMENTS,		/* file names; attachments */
	RS_LISTOF_ATTACHMENT_TYPES,	/* media types; attachments.type */
	RS_NLISTSOF
};

enum rs_hook {
#define HOOK(id, name, meaning) RS_HOOK_##id,
#include "ruleset/hooks.def"
#undef HOOK
	RS_NHOOKS
};

enum rs_fact {
#define FACT(id, name, type, known, proof, meaning) RS_FACT_##id,
#include "ruleset/facts.def"
#undef FACT
	RS_NFACTS
};

/* Extensions of SMTP; a set of them has the bits RS_EXT_BIT(). */
enum rs_extension {
#define EXTENSION(id, word, keyword, hide, rfc) RS_EXT_##id,
#include "ruleset/extensions.def"
#undef EXTENSION
	RS_NEXTENSIONS
};
#define RS_EXT_BIT(ext)	(UINT32_C(1) << (ext))

/* Where `hide` may name it. */
enum rs_hide { RS_HIDE_EVERYWHERE, RS_HIDE_RULES, RS_HIDE_NOWHERE };

struct rs_extension_info {
	const char	*word;		/* "8bitmime" */
	const char	*keyword;	/* of EHLO */
	uint8_t		 hide;		/* enum rs_hide */
	const char	*rfc;		/* its number, or "" */
};

struct rs_fact_info {
	const char	*name;
	uint8_t		 type;		/* enum rs_type */
	uint8_t		 known;		/* enum rs_hook */
	uint8_t		 proof;		/* enum rs_proof */
	const char	*meaning;
};
enum rs_proof {
	RS_PROOF_FREE, RS_PROOF_ADDRESS, RS_PROOF_LOGIN, RS_PROOF_NAME,
	RS_PROOF_RCPT
};

extern const struct rs_fact_info rs_facts[RS_NFACTS];
extern const struct rs_extension_info rs_extensions[RS_NEXTENSIONS];
extern const char *const rs_hook_names[RS_NHOOKS];
extern const char *const rs_listof_names[RS_NLISTSOF];	/* "attachments" */


#endif
