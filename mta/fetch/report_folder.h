/*
 * report_folder.h - where the counts of days are kept: the folder tls-reports in the spool's.
 *
 * A file for each day, "2026-11-22.json", replaced as a whole.
 */
#ifndef WB_MTA_FETCH_REPORT_FOLDER_H
#define WB_MTA_FETCH_REPORT_FOLDER_H

#include "mta/fetch/report_counts.h"

/* All days that can be read, at most max; the others are removed.  How many. */
size_t	report_folder_read(int folder, struct report_day **days, size_t max);
/* false: said in the log. */
bool	report_folder_write(int folder, struct report_day *);
void	report_folder_remove(int folder, int64_t day);

#endif
