/*
 * fetch.c - what the fetch process is given, and whether it is wanted.
 */
#include "mta/msg/msg.h"
#include "mta/parent/authorities.h"
#include "mta/parent/credentials.h"
#include "mta/parent/fetch.h"

void
fetch_send_config(const struct generation *g, struct chan *c)
{
	authorities_send(g, c);
}

bool
fetch_wanted(const struct generation *g, uint32_t instance)
{
	return instance == FETCH_STRANGERS || credentials_fetches(g);
}
