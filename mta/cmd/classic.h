/*
 * classic.h - the commands that people know from sendmail, by the name that
 * `waybill` is called by.  Exit statuses are those of sysexits.h, as there.
 */
#ifndef WB_MTA_CMD_CLASSIC_H
#define WB_MTA_CMD_CLASSIC_H

#define CLASSIC_POLICY	"/etc/waybill/waybill.conf"

typedef int classic_main(int argc, char **argv);

classic_main	classic_mailq, classic_makemap, classic_newaliases,
		classic_praliases;

/* The command of this name ("/usr/sbin/makemap"), or NULL. */
classic_main	*classic_find(const char *argv0);

#endif
