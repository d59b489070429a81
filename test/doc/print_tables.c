/*
 * print_tables.c - prints the pages that are made from tables.
 *
 *   print_tables messages    doc/messages.md, from mta/msg/messages.def
 *   print_tables opcodes     doc/opcodes.md, from ruleset/op.def and its like
 *   print_tables reasons     doc/reasons.md, from mta/queue/reasons.def
 *   print_tables levels      doc/levels.md, from mta/relay/levels.def
 *
 * ./check compares what stands in doc/ with what this prints.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void
print_messages(void)
{
	puts("# The messages between the processes\n");
	puts("Made from `mta/msg/messages.def`; how a message lies on the wire"
	    " is said in\n`base/chan.h`.\n");
#define MSG(name, from, to, fields, again, duplicate, timeout_s, meanwhile) \
	printf("## %s\n\n%s to %s: %s\n\n"				\
	    "- sent again by: %s\n- a duplicate is known by: %s\n"	\
	    "- time-out: ", #name, #from, #to, fields, again, duplicate); \
	if ((timeout_s) > 0)						\
		printf("%d s\n", timeout_s);				\
	else								\
		puts("none");						\
	printf("- an SMTP client meanwhile: %s\n\n",			\
	    strcmp(meanwhile, "-") == 0 ? "does not notice" : meanwhile);
#include "mta/msg/messages.def"
#undef MSG
}

static const char opcodes_head[] =
    "# The instructions of a compiled policy\n\n"
    "Made from `ruleset/op.def`, `hooks.def` and `facts.def`.  An instruction"
    " has eight\noctets: opcode (1), operand a (1), b (2), c (4),"
    " little-endian; a, b, c are\nnumbers of registers, or of what the"
    " [image](image.md) holds.  The kinds of\noperands:\n\n"
    "- OUT: a register, written.  IN: a register, read.  IN0: the first of"
    " several\n  registers read: as many as COUNT says, or as the function has"
    " arguments.\n"
    "- CONST, SET, NETS, MAP, FUNC, RULE, REPLY, STR, OBJECT, REGEX, PATTERN,"
    " LIST,\n  RATE: a record of that section.  FACT: a fact (below).  FIELD: part of an address: 0 user,"
    " 1 detail,\n  2 domain, 3 local part.\n"
    "- TYPE: 2 bool, 3 int, 4 size, 5 time, 6 text, 7 domain, 8 address, 9 ip,"
    "\n  10 net, 11 status, 12 date, 13 client, 14 verdict, 15 rate.  MASK: bits of IPv4, and of IPv6 times 256.\n"
    "- SWITCH: a table of cases.  LISTOF: 0 attachments, 1 attachments.type."
    "\n- ROLE: 0 client, 1 sender, 2 rcpt.  FLAG: 0 or 1.\n"
    "- JUMP: instructions to skip, from the next one; so 0 goes on.\n"
    "- NONE: zero.\n";

static void
print_opcodes(void)
{
	int	n = 0;

	fputs(opcodes_head, stdout);
	puts("\n## Instructions\n\n| | name | a | b | c | meaning |\n"
	    "|---|---|---|---|---|---|");
#define OP(name, a, b, c, meaning) \
	printf("| %d | %s | %s | %s | %s | %s |\n", n++, #name, #a, #b, #c, \
	    meaning);
#include "ruleset/op.def"
#undef OP
	n = 0;
	puts("\n## Hooks\n\n| | name | when |\n|---|---|---|");
#define HOOK(id, name, meaning) \
	printf("| %d | `%s` | %s |\n", n++, name, meaning);
#include "ruleset/hooks.def"
#undef HOOK
	n = 0;
	puts("\n## Facts\n\n| | name | type | known from | a stranger | "
	    "meaning |\n|---|---|---|---|---|---|");
#define FACT(id, name, type, known, proof, meaning) \
	printf("| %d | `%s` | %s | %s | %s | %s |\n", n++, name, #type, \
	    #known, #proof, meaning);
#include "ruleset/facts.def"
#undef FACT
}

static void
print_reasons(void)
{
	puts("# Why mail waits\n");
	puts("Made from `mta/queue/reasons.def`. Logs, `waybill status` and"
	    " `waybill queue why`\nsay these words. What is meant: TARGET one"
	    " recipient, MESSAGE all of a message,\nSERVER what clients are"
	    " told at MAIL ([flow.md](flow.md)).\n");
	puts("| word | of | what it means | what to do |\n|---|---|---|---|");
#define REASON(name, word, of, means, remedy) \
	printf("| `%s` | %s | %s | %s |\n", word, #of, means, remedy);
#include "mta/queue/reasons.def"
#undef REASON
}

/* A word of a table as people read it. */
static void
print_word(const char *word)
{
	printf(" ");
	if (strcmp(word, "ANY") == 0)
		word = "*";
	for (; *word != '\0'; word++)
		putchar(*word == '_' ? '-' : tolower((unsigned char)*word));
	printf(" |");
}

static void
print_levels(void)
{
	int	n = 1;

	puts("# Which TLS a next hop gets\n");
	puts("Made from `mta/relay/levels.def`, the table that the server"
	    " decides by; what the\nwords mean: [dane.md](dane.md). The first"
	    " line that fits decides; `*` fits all.\n");
	puts("| | message | `tls` | DANE | MTA-STS | host named | verdict |"
	    " level | by |\n|---|---|---|---|---|---|---|---|---|");
#define LEVEL(message, word, dane, sts, named, verdict, level, by, class, why) \
	printf("| %d |", n++);						\
	print_word(#message);						\
	print_word(#word);						\
	print_word(#dane);						\
	print_word(#sts);						\
	print_word(#named);						\
	print_word(#verdict);						\
	print_word(#level);						\
	print_word(#by);						\
	putchar('\n');
#include "mta/relay/levels.def"
#undef LEVEL
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "messages") == 0) {
		print_messages();
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "opcodes") == 0) {
		print_opcodes();
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "reasons") == 0) {
		print_reasons();
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "levels") == 0) {
		print_levels();
		return 0;
	}
	fputs("usage: print_tables messages|opcodes|reasons|levels\n",
	    stderr);
	return 2;
}
