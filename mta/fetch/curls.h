/*
 * curls.h - libcurl's multi interface on our loop: its descriptors and its
 * timer; and a handle that can do https, and nothing else.
 */
#ifndef WB_MTA_FETCH_CURLS_H
#define WB_MTA_FETCH_CURLS_H

#include <curl/curl.h>

#include "mta/fetch/trust.h"

struct curls;

/* Before the process is confined: what the libraries read, they read now. */
void		 curls_global_init(void);

/* How one has ended; not from within curls_add(). */
typedef void	 curls_done(void *arg, CURLcode);

struct curls	*curls_new(void);
/* After all handles are off it. */
void		 curls_free(struct curls **);
/* The store of trust decides; it is looked at when a handshake begins. */
CURL		*curls_handle(const struct trust *);
/* Runs it; done is called once, from the loop, unless removed before. */
void		 curls_add(struct curls *, CURL *, curls_done *, void *arg);
/* Off again, ended or not, and freed. */
void		 curls_remove(struct curls *, CURL **);

#endif
