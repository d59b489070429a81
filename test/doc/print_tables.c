/*
 * print_tables.c - prints the pages that are made from tables.
 *
 *   print_tables messages    doc/messages.md, from mta/msg/messages.def
 *
 * ./check compares what stands in doc/ with what this prints.
 */
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

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "messages") == 0) {
		print_messages();
		return 0;
	}
	fputs("usage: print_tables messages\n", stderr);
	return 2;
}
