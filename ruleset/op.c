/*
 * op.c - the tables of instructions, hooks, facts and options, out of their
 * .def files.
 */
#include <stdio.h>

#include "ruleset/image.h"

const struct rs_op_info rs_ops[RS_NOPS] = {
#define OP(name, a, b, c, meaning) \
	[RS_##name] = { #name, RS_##a##_, RS_##b##_, RS_##c##_, meaning },
#include "ruleset/op.def"
#undef OP
};

const char *const rs_operand_names[RS_NOPERANDS] = {
	[RS_NONE_] = "NONE", [RS_OUT_] = "OUT", [RS_IN_] = "IN",
	[RS_IN0_] = "IN0", [RS_CONST_] = "CONST", [RS_FACT_] = "FACT",
	[RS_FIELD_] = "FIELD", [RS_SET_] = "SET", [RS_NETS_] = "NETS",
	[RS_MAP_] = "MAP", [RS_FUNC_] = "FUNC", [RS_RULE_] = "RULE",
	[RS_REPLY_] = "REPLY", [RS_STR_] = "STR", [RS_OBJECT_] = "OBJECT",
	[RS_TYPE_] = "TYPE", [RS_MASK_] = "MASK", [RS_COUNT_] = "COUNT",
	[RS_FLAG_] = "FLAG", [RS_JUMP_] = "JUMP",
	[RS_SWITCH_] = "SWITCH", [RS_REGEX_] = "REGEX",
	[RS_PATTERN_] = "PATTERN", [RS_LIST_] = "LIST", [RS_RATE_] = "RATE",
	[RS_LISTOF_] = "LISTOF", [RS_ROLE_] = "ROLE",
};

const char *const rs_hook_names[RS_NHOOKS] = {
#define HOOK(id, name, meaning) [RS_HOOK_##id] = name,
#include "ruleset/hooks.def"
#undef HOOK
};

const char *const rs_listof_names[RS_NLISTSOF] = {
	[RS_LISTOF_ATTACHMENTS] = "attachments",
	[RS_LISTOF_ATTACHMENT_TYPES] = "attachments.type",
};

const struct rs_fact_info rs_facts[RS_NFACTS] = {
#define FACT(id, name, type, known, proof, meaning) \
	[RS_FACT_##id] = { name, RS_T_##type, RS_HOOK_##known, \
	    RS_PROOF_##proof, meaning },
#include "ruleset/facts.def"
#undef FACT
};

const struct rs_extension_info rs_extensions[RS_NEXTENSIONS] = {
#define EXTENSION(id, word, keyword, hide, rfc) \
	[RS_EXT_##id] = { word, keyword, RS_HIDE_##hide, rfc },
#include "ruleset/extensions.def"
#undef EXTENSION
};

const struct rs_option_info rs_options[RS_NOPTIONS] = {
#define OPTION(block, id, word, places, repeat, dflt, served, meaning) \
	[RS_OPT_##block##_##id] = { RS_O_##block, RS_OPT_##repeat, \
	    RS_OPT_SERVED_##served, word, places, dflt, meaning },
#include "ruleset/options.def"
#undef OPTION
};

const char *const rs_priority_names[RS_NPRIORITIES] = {
	[RS_HIGH] = "high", [RS_NORMAL] = "normal", [RS_LOW] = "low"
};

const char *const rs_object_names[RS_NOBJECTS] = {
	[RS_O_SERVER] = "server", [RS_O_LISTEN] = "listen",
	[RS_O_SPOOL] = "spool", [RS_O_QUEUE] = "queue",
	[RS_O_LIMITS] = "limits", [RS_O_MAILBOX] = "mailbox",
	[RS_O_RELAY] = "relay", [RS_O_TLS] = "tls", [RS_O_MILTER] = "milter",
	[RS_O_MAP] = "map", [RS_O_AUTH] = "auth",
	[RS_O_NOTIFY] = "notify", [RS_O_FILTER] = "filter", [RS_O_SRS] = "srs",
	[RS_O_PROGRAMS] = "programs", [RS_O_REPORTS] = "tls reports",
};

bool
rs_ends_path(unsigned op)
{
	switch (op) {
	case RS_RETURN:
	case RS_ACCEPT:
	case RS_REJECT:
	case RS_DEFER:
	case RS_DISCARD:
	case RS_DELIVER:
	case RS_RELAY:
	case RS_RELAY_TO:
	case RS_MX:
	case RS_REDIRECT:
	case RS_MOVED:
	case RS_QUARANTINE:
	case RS_HOLD:
	case RS_LMTP:
	case RS_PIPE:
	case RS_FILE:
	case RS_END:
		return true;
	default:
		return false;
	}
}

char
rs_option_letter(enum rs_option option, unsigned place)
{
	const char	*p = rs_options[option].places;

	if (rs_options[option].repeat == RS_OPT_LIST)
		place = 0;
	for (; *p != '\0'; p++) {
		if (*p == '[' || *p == ']')
			continue;
		if (*p == '<')
			p = strchr(p, '>');
		else if (place-- == 0)
			return *p;
	}
	return '\0';
}

unsigned
rs_extension_named(struct span word)
{
	unsigned	 i;

	for (i = 0; i < RS_NEXTENSIONS; i++) {
		if (span_eq(word, span_of(rs_extensions[i].word)))
			break;
	}
	return i;
}

const char *
rs_extension_list(uint32_t set, char out[RS_EXT_LIST_MAX])
{
	size_t		 n = 0;
	unsigned	 i;

	out[0] = '\0';
	for (i = 0; i < RS_NEXTENSIONS; i++) {
		if ((set & RS_EXT_BIT(i)) != 0)
			n += (size_t)snprintf(out + n, RS_EXT_LIST_MAX - n,
			    "%s%s", n > 0 ? ", " : "", rs_extensions[i].word);
	}
	return out;
}
